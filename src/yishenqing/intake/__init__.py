"""Taking in an application: its file read strictly, and what an officer should look at."""

from yishenqing.intake.application import Application, parse_application, read_application
from yishenqing.intake.receipt import receipt_warnings

__all__ = ["Application", "parse_application", "read_application", "receipt_warnings"]
