"""Released papers scanned again for personal data, and the jobs that the tick does from time to time."""
