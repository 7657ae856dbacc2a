"""The one front door: a verb for each act, a transaction for each verb."""

from yishenqing.office.office import Office

__all__ = ["Office"]
