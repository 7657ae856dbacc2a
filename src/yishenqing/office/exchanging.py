"""The verbs of the exchange: send, what has gone and what has not, check before sending, compare, send again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.articles import article
from yishenqing.core.errors import NotFound, Refused
from yishenqing.office.casework import Row
from yishenqing.office.desk import Desk
from yishenqing.office.premises import now
from yishenqing.settings import FILE

if TYPE_CHECKING:
    from yishenqing.office.comparing import Counterpart
    from yishenqing.office.sending import Sender


_LAW = "work_order"


class ExchangeVerbs(Desk):
    """What leaves for other systems."""

    def exchange_send(self, to: str = "") -> Row:
        """Send now what waits: to every receiver, or to one; answers like ``exchange_status``.

        Raises:
            NotFound: there is no such receiver.
            Refused: a host's transaction is open, or this agency has no exchange.
        """
        sender = self._sender(to)
        if self._transactions.hosted:
            raise Refused(
                "本次办理尚未提交，事项由 ysq run 或者 ysq exchange send 另行发送。", law=[article(_LAW, self.today)]
            )
        return sender.round(to)

    def exchange_status(self) -> Row:
        """Return for each receiver how many events have gone and wait, and which cases could not be sent and why.

        Raises:
            Refused: this agency has no exchange.
        """
        return self._sender().outcome()

    def exchange_check(self, numbers: Sequence[str] = (), *, to: str = "", since: date | None = None) -> Row:
        """Return what a receiver would not take as it is: case, field, length, limit. Of these cases, or of all
        (that were opened ``since``).

        Raises:
            NotFound: there is no such receiver or case.
            DataFault: the receiver has no mapping, or the mapping has faults.
        """
        return self._counterpart(to).checked(numbers, since)

    def exchange_reconcile(self, path: Path | str | None = None, *, to: str = "", since: date | None = None) -> Row:
        """Compare our cases with what a receiver has: by its list in a file, or as it says itself (no ``path``).

        Raises:
            NotFound: there is no such receiver or file.
            DataFault: the list cannot be read, or the receiver has no mapping or no address of a list.
        """
        other = self._counterpart(to)
        return other.beside(other.told() if path is None else other.read(Path(path)), since)

    def exchange_resend(self, numbers: Sequence[str] = (), *, to: str = "", stopped: bool = False) -> Row:
        """Queue all events of these cases anew, as their ledgers tell them today; ``stopped``: of all given up.

        They go under new keys, so that a receiver puts them over what it has.

        Raises:
            NotFound: there is no such receiver or case.
        """
        from yishenqing.exchange import queue  # noqa: PLC0415 - few offices

        departures, agency = self._sender(to).departures, self.settings.agency
        name = to or next(iter(self.settings.exchange.receivers))
        queued: dict[str, int] = {}
        with self._transactions.writing() as connection:
            also = queue.stopped(connection, agency, name) if stopped else []
            for number in sorted({*numbers, *also}):  # in one order, like everybody who locks several cases
                found = departures.all_of(self._load(connection, number, lock=True), name)
                if found:
                    queue.put_again(connection, agency, name, number, found, now())
                queued[number] = len(found)
        return {"receiver": name, "cases": queued}

    def _sender(self, to: str = "") -> Sender:
        """Return what sends; ``to`` must be a receiver of it.

        Raises:
            Refused: nobody is named, or this agency reports by another line.
            NotFound: there is no such receiver.
        """
        known = self.settings.exchange.receivers
        if self._departures is None:
            left_out = "把本机关列为不对接的机关（excluded）" if known else "没有写明接收方（receivers）"
            raise Refused(f"{FILE} 的 exchange {left_out}，没有任何事项发出。", law=[article(_LAW, self.today)])
        if to and to not in known:
            raise NotFound(f"没有接收方“{to}”；现有：{'、'.join(known)}。")
        from yishenqing.office.sending import Sender  # noqa: PLC0415 - few offices

        return Sender(self._transactions, self._practice, self._departures, self._papers, lambda: datetime.now(UTC))

    def _counterpart(self, to: str) -> Counterpart:
        from yishenqing.office.comparing import Counterpart  # noqa: PLC0415 - few offices

        return Counterpart.of(self._sender(to), to)

    def _exchanged(self) -> Row:
        """Do a round for the tick, and return what went and what did not; nothing where there is no exchange."""
        if self._departures is None:
            return {"receivers": [], "failed": []}
        sender = self._sender()
        return sender.outcome() if self._transactions.hosted else sender.round()
