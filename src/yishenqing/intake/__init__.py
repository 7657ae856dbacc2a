"""Taking in an application for disclosure: its file read strictly, and what an officer should look at."""

from yishenqing.intake.application import Application, parse_application, read_application

__all__ = ["Application", "parse_application", "read_application"]
