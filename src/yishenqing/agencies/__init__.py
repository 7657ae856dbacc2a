"""The agencies that share a database, which is above which, and the persons who sign in; knows no case."""

from yishenqing.agencies.access import note, noted
from yishenqing.agencies.sessions import Session, begin, end, holder, stale, used
from yishenqing.agencies.tree import Agency, introduce, known, lies_below, line_down, place
from yishenqing.agencies.users import Locked, User, Wrong, close, faults, hashed, mark, put, user, users_of, verified

__all__ = [
    "Agency",
    "Locked",
    "Session",
    "User",
    "Wrong",
    "begin",
    "close",
    "end",
    "faults",
    "hashed",
    "holder",
    "introduce",
    "known",
    "lies_below",
    "line_down",
    "mark",
    "note",
    "noted",
    "place",
    "put",
    "stale",
    "used",
    "user",
    "users_of",
    "verified",
]
