"""One file that holds all of an office, sealed under a key that lies elsewhere: its form, knowing no office."""

from yishenqing.backup.keys import Secret, from_file, from_password, make_key
from yishenqing.backup.parcel import Member, Reader, Writer

__all__ = ["Member", "Reader", "Secret", "Writer", "from_file", "from_password", "make_key"]
