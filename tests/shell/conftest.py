"""Gives every test of the shell the fixtures of ``offices``."""

from offices import calendar, home, in_state, office, quick_letters, template, unproved

__all__ = ["calendar", "home", "in_state", "office", "quick_letters", "template", "unproved"]
