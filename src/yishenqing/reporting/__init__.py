"""The annual report and the supervision of the work: counted from derived rows, laid out as the form says."""
