"""The processing fee (信息处理费): marginal, by item or by page, with the computation shown."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from yishenqing.core.law import FeeScale


class Part(Struct, frozen=True):
    """The units ``first`` to ``last`` of an application or a month, each at ``price`` yuan."""

    first: int
    last: int
    price: int

    @property
    def amount(self) -> int:
        """Return what the part costs, in yuan."""
        return (self.last - self.first + 1) * self.price


def parts(scale: FeeScale, units: int, after: int = 0) -> list[Part]:
    """Return how ``units`` (items of one applicant in one calendar month, or pages of one application) are priced.

    ``after`` units came before them and are left out: the items of the same month that were applied for earlier.

    Raises:
        ValueError: a negative number of units.
    """
    if min(units, after) < 0:
        raise ValueError("件数或者页数不能为负")
    found, done, units = [], after, units + after
    for upto, price in _tiers(scale):
        last = units if upto is None else min(units, upto)
        if last > done:
            found.append(Part(done + 1, last, price))
            done = last
        if done >= units:
            break
    return found


def total(scale: FeeScale, units: int) -> int:
    """Return the fee in yuan."""
    return sum(part.amount for part in parts(scale, units))


def _tiers(scale: FeeScale) -> Iterator[tuple[int | None, int]]:
    """Yield the tiers as written, then those that the rise continues without end."""
    upto, price = 0, 0
    for tier in scale.tiers:
        yield tier.upto, tier.price
        if tier.upto is None:
            return
        upto, price = tier.upto, tier.price
    while scale.step > 0:
        upto, price = upto + scale.step, price + scale.rise
        yield upto, price
