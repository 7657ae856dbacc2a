"""The speed table of the whole engine, each row beside its floor or its peer, in one run.

    python benchmarks/speed.py [ROW …]     rows: sqlite memory server workers writers peers timers lists
    SIZE=small                             a hundredth of the cases, fewer rounds: to see that it runs

Rounds are interleaved and the ratio is taken within a round, so that a busy machine spoils both alike; the median of
the rounds is printed. Disk is the folder of ``BASE`` (default: the system's), memory is /dev/shm.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import cycle
from pathlib import Path

from msgspec import Struct

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import _peers, act
from benchmarks._floors import RawServer
from benchmarks.machine import machine
from sqlalchemy import Engine, text
from trials import ground, killing
from trials.server import Server

from yishenqing import Office
from yishenqing.core.errors import YishenqingError
from yishenqing.office.premises import database_url
from yishenqing.settings import read_settings
from yishenqing.store import due as due_store

SMALL = os.environ.get("SIZE") == "small"
ROUNDS = 5
MILLION, FEW = (int(os.environ.get("CASES", "10000")), 1_000) if SMALL else (1_000_000, 10_000)
DISK, MEMORY = os.environ.get("BASE", tempfile.gettempdir()), "/dev/shm"
FACTS = act.FACTS
PAGE = 100
OPEN, CLOSED = "2026-0001", "2026-0002"
SEEDED = ("cases", "entries", "deadlines")
_LAST_DAY = ground.DUE_DAY + timedelta(days=7)  # five working days on: the yellow mark falls on the day of the tick
_FAR = ground.DUE_DAY + timedelta(days=400)
_OPEN_SHARE = 0.02  # of an office's cases: the others rest in the archive


_made = partial(ground.made, bare=True)  # what is measured sends to nobody


class Row(Struct, frozen=True):
    """One line of the table."""

    what: str
    measured: str
    aim: str
    holds: bool | None

    def __str__(self) -> str:
        """Return the line as it is printed."""
        told = {True: "达到", False: "尚未达到", None: "未测"}[self.holds]
        return f"| {self.what} | {self.measured} | {self.aim} | {told} |"


def ratio(ours: Sequence[float], floor: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, floor, strict=True))


def against(
    ours: Callable[[], float], floor: Callable[[], float], rounds: int = ROUNDS
) -> tuple[float, float, float]:
    """Return the medians of both, measured in turns, and the median of their ratios."""
    mine, theirs = [], []
    for turn in range(rounds):
        first, second = (ours, floor) if turn % 2 else (floor, ours)
        one, other = first(), second()
        mine.append(one if turn % 2 else other)
        theirs.append(other if turn % 2 else one)
    return statistics.median(mine), statistics.median(theirs), ratio(mine, theirs)


def stocked(office: Office, cases: int) -> list[str]:
    """Return cases that stand one entry short of the length measured."""
    numbers = []
    for _ in range(cases):
        number = str(office.register(ground.APPLICATION)["number"])
        office.act(number, "acknowledged")
        office.act(number, "accepted", {"handler": "征地管理科"})
        for _ in range(act.ENTRIES - 4):
            office.act(number, "search_recorded", FACTS)
        numbers.append(number)
    return numbers


def acts(office: Office, numbers: Iterable[str]) -> Callable[[], float]:
    """Return what acts upon the next cases, and says how many a second."""
    turn = iter(numbers)

    def measured() -> float:
        some = [next(turn) for _ in range(_EACH)]
        begun = time.perf_counter()
        for number in some:
            assert office.act(number, "search_recorded", FACTS)["state"]
        return _EACH / (time.perf_counter() - begun)

    return measured


_EACH = 4 if SMALL else 16


def sqlite_disk() -> Iterable[Row]:
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        ours, floor, found = _sqlite(Path(folder))
        disk = f"本机一次 fsync {_fsync(Path(folder)):.2f} 毫秒"
        measured = f"{ours:.0f}/秒，raw6 {floor:.0f}/秒，比 {found:.2f}（{disk}）"
        yield Row("办理一步，SQLite，synchronous=FULL，磁盘", measured, "≥ 0.85", found >= 0.85)


def _fsync(folder: Path) -> float:
    """Return the milliseconds that the disk takes to keep what a commit writes: of the row above both have it."""
    spent = []
    with (folder / "kept").open("wb", buffering=0) as stream:
        for _ in range(200):
            stream.write(bytes(26_000))
            begun = time.perf_counter()
            os.fsync(stream.fileno())
            spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1000


def _sqlite(folder: Path) -> tuple[float, float, float]:
    raw = act.Raw6(folder / "raw.db")
    with ground.opened(_made(folder / "home")) as office:
        numbers = stocked(office, _EACH * ROUNDS)
        found = against(acts(office, numbers), lambda: act.raw_round(raw))
        raw.connection.close()
        return found


def sqlite_memory() -> Iterable[Row]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        ours, floor, found = _sqlite(Path(folder))
        with ground.opened(Path(folder) / "home") as office:
            parts = act.costs(office, "2026-0001")
        apart = "、".join(f"{title} {parts[name]:.0f} 微秒" for name, title in (("fold", "折叠"), ("clock", "期限")))
        measured = f"{ours:.0f}/秒，raw6 {floor:.0f}/秒，比 {found:.2f}；{apart}"
        yield Row("同上，内存盘，20 条记录的案件", measured, "≥ 0.15（力争 0.33）", found >= 0.15)


def server_memory() -> Iterable[Row]:
    server = Server(MEMORY)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        try:
            raw = RawServer(_address(server, "raw"), make=True)
            home = _made(Path(folder) / "home", server.database("ours").render_as_string(hide_password=False))
            with ground.opened(home) as office:
                numbers = stocked(office, _EACH * ROUNDS)
                ours, floor, found = against(acts(office, numbers), lambda: _raw_round(raw, 0))
            raw.close()
        finally:
            server.close()
    measured = f"{ours:.0f}/秒，raw6 {floor:.0f}/秒，比 {found:.2f}"
    yield Row("PostgreSQL，1 个进程，内存盘，同样的案件", measured, "≥ 0.40（力争 0.65）", found >= 0.40)


def _address(server: Server, name: str) -> str:
    return server.database(name).set(drivername="postgresql").render_as_string(hide_password=False)


def _raw_round(raw: RawServer, first: int, times: int = 200) -> float:
    begun = time.perf_counter()
    for n in range(times):
        raw.act(first + n % 400)
    return times / (time.perf_counter() - begun)


def together(prepare: Callable[[int], Callable[[], list[float]]], workers: int) -> list[list[float]]:
    """Let workers, each ready before, begin at once; return the seconds that each of their acts took."""
    ready, go = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:

        def work(n: int) -> None:
            do = prepare(n)
            os.write(ready[1], b".")
            os.read(go[0], 1)
            Path(folder, str(n)).write_text(" ".join(f"{spent:.6f}" for spent in do()))

        children = [killing.forked(partial(work, n)) for n in range(workers)]
        for _ in children:
            os.read(ready[0], 1)
        os.write(go[1], b"." * workers)
        for child in children:
            assert killing.ended(child) == 0
        for end in (*ready, *go):
            os.close(end)
        return [[float(x) for x in Path(folder, str(n)).read_text().split()] for n in range(workers)]


def _rate(spent: list[list[float]]) -> float:
    return sum(len(one) / sum(one) for one in spent if one)


def _timed(do: Callable[[], object], seconds: float) -> list[float]:
    spent, end = [], time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        do()
        spent.append(time.perf_counter() - begun)
    return spent


def _acting(home: Path, numbers: Sequence[str], seconds: float, n: int) -> Callable[[], list[float]]:
    office = ground.opened(home)
    mine = iter(list(numbers[n::8]) * 1000)
    office.show(numbers[n])  # what an office reads once it has read
    return lambda: _timed(lambda: office.act(next(mine), "search_recorded", FACTS)["state"], seconds)


def server_workers() -> Iterable[Row]:
    server, seconds = Server(DISK), 0.5 if SMALL else 2.0
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        try:
            address = _address(server, "raw")
            RawServer(address, make=True).close()
            home = _made(Path(folder) / "home", server.database("ours").render_as_string(hide_password=False))
            with ground.opened(home) as office:
                numbers = stocked(office, 64)

            def raw(n: int) -> Callable[[], list[float]]:
                floor = RawServer(address)
                turn = cycle(range(n, 4000, 8))
                return lambda: _timed(lambda: floor.act(next(turn)), seconds)

            ours, floor, found = against(
                lambda: _rate(together(partial(_acting, home, numbers, seconds), 8)), lambda: _rate(together(raw, 8))
            )
        finally:
            server.close()
    measured = f"{ours:.0f}/秒，raw6 {floor:.0f}/秒，比 {found:.2f}"
    yield Row("PostgreSQL，8 个进程，磁盘", measured, "≥ 0.50（力争 0.65）", found >= 0.50)


def sqlite_writers() -> Iterable[Row]:
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        home = _made(Path(folder) / "home")
        with ground.opened(home) as office:
            numbers = stocked(office, 64)
        rounds = [together(partial(_acting, home, numbers, 1.0 if SMALL else 3.0), 8) for _ in range(ROUNDS)]
        every = [sorted(spent for one in found for spent in one) for found in rounds]
        slow = statistics.median(one[int(len(one) * 0.99)] for one in every) * 1000
        rate = statistics.median(map(_rate, rounds))
    yield Row("SQLite，8 个进程同时写入，p99", f"{slow:.0f} 毫秒（{rate:.0f}/秒）", "≤ 150 毫秒", slow <= 150)


def beside_peers() -> Iterable[Row]:
    server = Server(MEMORY)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        try:
            url = server.database("ours").render_as_string(hide_password=False)
            on_file = _made(Path(folder) / "file")
            on_server = _made(Path(folder) / "server", url)
            peers: tuple[tuple[str, str, Path, Callable[[], Callable[[], object]]], ...] = (
                ("django-fsm-2", "django django-fsm-2", on_file, lambda: _peers.django_fsm(Path(folder))),
                ("SpiffWorkflow", "SpiffWorkflow", on_file, lambda: _peers.spiff(Path(folder))),
                ("dbos（每步）", "dbos", on_server, lambda: _peers.dbos_steps(_address(server, "dbos"))),
            )
            for name, package, home, make in peers:
                yield _peer_row(name, package, home, make)
        finally:
            server.close()


def _peer_row(name: str, package: str, home: Path, make: Callable[[], Callable[[], object]]) -> Row:
    what = f"与 {name} 同做一步"
    try:
        peer = make()
    except ImportError:
        return Row(what, f"没有安装（pip install {package}）", "快于它", None)
    with ground.opened(home) as office:
        numbers = stocked(office, 4) * 100
        turn = iter(numbers)
        times = 20 if SMALL else 50

        def measured(do: Callable[[], object]) -> float:
            begun = time.perf_counter()
            for _ in range(times):
                do()
            return times / (time.perf_counter() - begun)

        for _ in range(10):
            peer()
        ours, theirs, found = against(
            lambda: measured(lambda: office.act(next(turn), "search_recorded", FACTS)["state"]),
            lambda: measured(peer),
        )
    return Row(what, f"{ours:.0f}/秒，它 {theirs:.0f}/秒，比 {found:.2f}", "> 1", found > 1)


def _multiplied(home: Path, first: int, last: int, *, pattern: str = OPEN, tables: Sequence[str] = SEEDED) -> None:
    """Copy one case inside the database under the numbers from ``first`` to ``last``, table by table.

    An open one has its reply deadline alone, which falls on day after day; the settings of the copying connection
    are those of a load, not of an office.
    """
    engine = ground.connected(home)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        server = connection.dialect.name == "postgresql"
        for setting in _FOR_LOADING[server]:
            connection.execute(text(setting))
        for table in tables:
            connection.execute(text(_copying(engine, table, _numbered(first, last, server=server), pattern, server)))
        if pattern == OPEN:
            connection.execute(text(f"UPDATE deadlines SET remind_on = NULL WHERE number = '{OPEN}'"))
        connection.execute(text("ANALYZE"))
    engine.dispose()


_FOR_LOADING: dict[bool, tuple[str, ...]] = {
    False: ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-400000"),
    True: ("SET synchronous_commit = off",),
}


def _numbered(first: int, last: int, *, server: bool) -> str:
    if server:
        return f"SELECT g AS n, 'C' || lpad(g::text, 7, '0') AS number FROM generate_series({first}, {last}) g"
    series = f"WITH RECURSIVE c(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM c WHERE n < {last})"
    return f"{series} SELECT n, printf('C%07d', n) AS number FROM c"


def _copying(engine: Engine, table: str, numbers: str, pattern: str, server: bool) -> str:  # noqa: FBT001 - which dialect
    names = [str(c["name"]) for c in _columns(engine, table)]
    special = {"number": "m.number"}
    if table == "deadlines" and pattern == OPEN:
        day = (
            "(DATE '2026-04-01' + (m.n % 2000)::int)"
            if server
            else "date('2026-04-01', '+' || (m.n % 2000) || ' days')"
        )
        special |= {"due": day, "remind_on": f"CAST('{_FAR}' AS date)" if server else f"'{_FAR}'"}
    wanted, chosen = ", ".join(f'"{n}"' for n in names), ", ".join(special.get(n, f't."{n}"') for n in names)
    only = " AND t.clock = 'reply'" if "due" in special else ""
    copied = f"SELECT {chosen} FROM ({numbers}) m, {table} t WHERE t.number = '{pattern}'{only}"
    return f"INSERT INTO {table} ({wanted}) {copied}"


def _columns(engine: Engine, table: str) -> list[dict[str, object]]:
    from sqlalchemy import inspect  # noqa: PLC0415 - asked once

    return [dict(c) for c in inspect(engine).get_columns(table)]


def _alone(home: Path) -> None:
    """Make the two cases that are copied: one that waits for its reply, and one that is in the archive."""
    with ground.opened(home) as office:
        for wanted in (OPEN, CLOSED):
            assert office.register(ground.APPLICATION)["number"] == wanted
        office.act(CLOSED, "withdrawn", {"statement": "2026年3月2日书面撤回"})
        office.act(CLOSED, "archived", {"retention": "D10"})
        office.tick()


def million_timers() -> Iterable[Row]:
    """A million open timers: what the due query costs, and how many are fired by four workers of which some die."""
    server, due = Server(DISK), 600 if SMALL else 40_000
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        try:
            home = _made(Path(folder) / "home", server.database("timers").render_as_string(hide_password=False))
            _alone(home)
            _multiplied(home, 1, MILLION, tables=("cases", "deadlines"))
            numbers = [f"C{n:07d}" for n in random.Random(3).sample(range(1, MILLION + 1), due)]
            _written(home, numbers)  # the ledgers of those that will fall due: of the others nobody reads any
            query = _due_query(home)
            bare, fired, kills, lost, doubled = _fired(home, numbers)
        finally:
            server.close()
    title = f"{MILLION:,} 项未到期的期限"
    yield Row(f"{title}：查询到期", f"{query:.2f} 毫秒", "≤ 2 毫秒", query <= 2)
    measured = (
        f"每秒 {fired:.0f} 项（4 个进程，途中 kill -9 {kills} 次），遗漏 {lost}，重复 {doubled}；"
        f"只查询并写同样的行 {bare:.0f}/秒"
    )
    yield Row(f"{title}：每秒提醒", measured, "≥ 5,000，无遗漏、重复", fired >= 5000 and not lost + doubled)


def _due_query(home: Path) -> float:
    with ground.opened(home, ground.DUE_DAY) as office, office._transactions.reading() as connection:  # noqa: SLF001 - the query itself
        agency = office.settings.agency
        times = []
        for _ in range(50):
            begun = time.perf_counter()
            assert due_store.to_remind(connection, agency, ground.DUE_DAY) == []
            times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def _written(home: Path, numbers: Sequence[str]) -> None:
    engine = ground.connected(home)
    with engine.begin() as connection:
        names = [str(c["name"]) for c in _columns(engine, "entries")]
        wanted = ", ".join(f'"{n}"' for n in names)
        chosen = ", ".join(f't."{n}"' if n != "number" else "m" for n in names)
        pairs = "unnest(CAST(:n AS text[])) m, entries t WHERE t.number = :one"
        statement = f"INSERT INTO entries ({wanted}) SELECT {chosen} FROM {pairs}"
        connection.execute(text(statement), {"n": list(numbers), "one": OPEN})
    engine.dispose()


def _fired(home: Path, numbers: Sequence[str]) -> tuple[float, float, int, int, int]:
    due = len(numbers)
    _fall_due(home, numbers)
    bare = due / _bare(home, numbers)
    _fall_due(home, numbers)
    with ground.opened(home, ground.DUE_DAY) as office:
        office.tick()  # reckoned anew after the settings of this day, once
    _fall_due(home, numbers)
    ground_count = "SELECT count(*) FROM reminders WHERE number LIKE 'C%'"
    begun, kills = time.perf_counter(), 0
    children = [killing.forked(partial(_ticking, home)) for _ in range(4)]
    while ground.looked(home, ground_count) != [(due,)] and time.perf_counter() - begun < 300:
        time.sleep(0.25)
        if kills < 3 and ground.looked(home, ground_count) > [(0,)]:
            killing.killed(children.pop(0))
            children.append(killing.forked(partial(_ticking, home)))
            kills += 1
    spent = time.perf_counter() - begun
    for child in children:
        os.kill(child, signal.SIGTERM)
        killing.ended(child)
    left = ground.looked(home, f"SELECT count(*) FROM deadlines WHERE remind_on <= '{ground.DUE_DAY}'")[0][0]
    given, distinct = ground.looked(
        home, "SELECT count(*), count(DISTINCT number) FROM reminders WHERE number LIKE 'C%'"
    )[0]
    return bare, due / spent, kills, int(left) + due - int(distinct), int(given) - int(distinct)


def _ticking(home: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with ground.opened(home, ground.DUE_DAY) as office:
        while True:
            try:
                office.tick()
            except YishenqingError:
                time.sleep(0.05)


def _fall_due(home: Path, numbers: Sequence[str]) -> None:
    engine = ground.connected(home)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM reminders"))
        statement = text("UPDATE deadlines SET due = :due, remind_on = :day WHERE agency = :a AND number = ANY(:n)")
        agency = read_settings(home).agency
        connection.execute(statement, {"day": ground.DUE_DAY, "due": _LAST_DAY, "a": agency, "n": list(numbers)})
    engine.dispose()


_THESE = "SELECT {} FROM {} WHERE agency = %s AND number = ANY(%s)"


def _bare(home: Path, numbers: Sequence[str]) -> float:
    """The floor of a tick: one process, fifty at a time: rows by the index, a reminder each, the next day."""
    import psycopg  # noqa: PLC0415 - as above

    agency, address = read_settings(home).agency, database_url(home, read_settings(home))
    begun = time.perf_counter()
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        query = "SELECT number FROM deadlines WHERE agency = %s AND remind_on <= %s ORDER BY remind_on, number"
        waiting = [n for (n,) in connection.execute(query, (agency, ground.DUE_DAY))]
        for start in range(0, len(waiting), 50):
            some = waiting[start : start + 50]
            lock = f"{_THESE.format('number', 'cases')} ORDER BY number FOR UPDATE SKIP LOCKED"
            connection.execute(lock, (agency, some))
            with connection.cursor() as cursor:
                read = f"{_THESE.format('number, clock, due', 'deadlines')} AND remind_on <= %s"
                rows = cursor.execute(read, (agency, some, ground.DUE_DAY)).fetchall()
                given = [(agency, n, clock, "yellow", due, "2026-03-23T00:00:00.000000Z") for n, clock, due in rows]
                cursor.executemany("INSERT INTO reminders VALUES (%s, %s, %s, %s, %s, %s)", given)
                moved = [(ground.DUE_DAY + timedelta(days=9), agency, n, clock) for n, clock, _ in rows]
                change = "UPDATE deadlines SET remind_on = %s WHERE agency = %s AND number = %s AND clock = %s"
                cursor.executemany(change, moved)
            connection.commit()
    assert len(waiting) == len(numbers)
    return time.perf_counter() - begun


def long_lists() -> Iterable[Row]:
    """The same questions to an office of few cases and to one of a million, asked in turns."""
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        homes = []
        for n, count in enumerate((FEW, MILLION)):
            homes.append(home := _made(Path(folder) / str(n)))
            _alone(home)
            waiting = max(1, int(count * _OPEN_SHARE))
            _multiplied(home, 1, count - waiting, pattern=CLOSED)
            _multiplied(home, count - waiting + 1, count)
        with ground.opened(homes[0]) as few, ground.opened(homes[1]) as many:
            asked: tuple[tuple[str, Callable[[Office, int], object]], ...] = (
                (f"list --limit {PAGE}", lambda office, n: office.cases(limit=PAGE, after=f"C{n:07d}")),
                (f"due --limit {PAGE}", lambda office, _: office.due(limit=PAGE)),
                ("show", lambda office, n: dict(office.show(f"C{n:07d}"))),
            )
            for title, ask in asked:
                chance = random.Random(5)
                ours, floor, found = against(
                    partial(_asked, ask, many, MILLION, chance), partial(_asked, ask, few, FEW, chance), ROUNDS + 4
                )
                measured = f"{ours:.1f} 毫秒，{FEW:,} 件时 {floor:.1f} 毫秒，比 {found:.2f}"
                yield Row(f"{title}，{MILLION:,} 件", measured, "≤ 1.5", found <= 1.5)


def _asked(ask: Callable[[Office, int], object], office: Office, cases: int, chance: random.Random) -> float:
    begun = time.perf_counter()
    for _ in range(5):
        ask(office, chance.randint(1, cases - PAGE - 1))
    return 200 * (time.perf_counter() - begun)


ROWS: dict[str, Callable[[], Iterable[Row]]] = {
    "sqlite": sqlite_disk,
    "memory": sqlite_memory,
    "server": server_memory,
    "workers": server_workers,
    "writers": sqlite_writers,
    "peers": beside_peers,
    "timers": million_timers,
    "lists": long_lists,
}


def main() -> None:
    import psycopg  # noqa: PLC0415 - as above

    print(f"{machine()}，psycopg {psycopg.__version__}（{psycopg.pq.__impl__}），磁盘 {DISK}，内存盘 {MEMORY}")
    print("| 测量 | 结果 | 目标 | |\n|---|---|---|---|", flush=True)
    for name in sys.argv[1:] or ROWS:
        for row in ROWS[name]():
            print(row, flush=True)
    if not sys.argv[1:]:
        print("| 一个省持续运行一小时 | 另行运行 make soak | 内存平稳，无报错，p99 ≤ 250 毫秒 | |")


if __name__ == "__main__":
    main()
