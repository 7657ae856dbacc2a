"""What watches over an office that works by itself: when its clock last ran, and the figures that a monitor reads."""

from yishenqing.watching.exposition import Figure, text
from yishenqing.watching.heartbeat import Beat, beat, latest

__all__ = ["Beat", "Figure", "beat", "latest", "text"]
