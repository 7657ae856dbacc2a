"""Two hosts on one database: network namespaces joined to the server by wires that can be pulled out."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from functools import partial
from pathlib import Path

from trials import deeds, killing
from trials.deeds import LIGHT, Diary
from trials.ground import DUE_DAY, looked
from trials.server import Wire

_NEW_NETWORK = 0x40000000
_LIGHT = {**dict.fromkeys(LIGHT, 1), deeds.tick: 4}


def two_hosts(home: Path, diary: Diary, seed: int, port: int) -> str:
    """Let two hosts act and tick on one database; one loses its network for good in the middle of its work."""
    if os.geteuid() or shutil.which("ip") is None or _ip("netns", "add", f"ysq{port}"):
        return _two_wires(home, diary, seed, port)
    _ip("netns", "del", f"ysq{port}")
    names = [f"ysq{port}{letter}" for letter in "ab"]
    children: list[int] = []
    settings = (home / "office.yaml").read_text(encoding="utf-8")
    try:
        for n, name in enumerate(names):
            _join(name, n, port)
            text = settings.replace(f"127.0.0.1:{port}/", f"10.231.{n}.1:{port}/")
            (home / "office.yaml").write_text(text, encoding="utf-8")  # read when an office is opened
            children += [killing.forked(partial(_at, name, home, diary, seed + 10 * n + one)) for one in range(2)]
            time.sleep(1.5)
        before = _both_at_work(diary, seed)
        _ip("link", "set", _end(port, 1), "down")  # the second host vanishes without a word
        time.sleep(4)
        after = _by_host(diary, seed)
    finally:
        (home / "office.yaml").write_text(settings, encoding="utf-8")
        for child in children:
            killing.killed(child)
        for name in names:
            _ip("netns", "del", name)
    _wait_for_locks(home)
    return (
        f"网络命名空间两个，各办成{before[0]}、{before[1]}件次；乙主机断网不告而别之后，"
        f"甲主机又办成{after[0] - before[0]}件次，乙占着的锁由数据库收回"
    )


def _two_wires(home: Path, diary: Diary, seed: int, port: int) -> str:
    """Where no namespaces may be made: two processes behind two wires of their own, one of which is cut for good."""
    settings = (home / "office.yaml").read_text(encoding="utf-8")
    wires, children = [Wire(port), Wire(port)], []
    try:
        for n, wire in enumerate(wires):
            text = settings.replace(f":{port}/", f":{wire.port}/")
            (home / "office.yaml").write_text(text, encoding="utf-8")
            children += [
                killing.forked(partial(killing.at_work, home, diary, seed + 10 * n + one, deeds=_LIGHT, day=DUE_DAY))
                for one in range(2)
            ]
            time.sleep(1.5)
        before = _both_at_work(diary, seed)
        wires[1].cut()
        time.sleep(4)
        after = _by_host(diary, seed)
    finally:
        (home / "office.yaml").write_text(settings, encoding="utf-8")
        for child in children:
            killing.killed(child)
        for wire in wires:
            wire.close()
    return (
        f"没有建立网络命名空间的权限，以各经一个代理的两组进程代替；各办成{before[0]}、{before[1]}件次，"
        f"乙断开后甲又办成{after[0] - before[0]}件次"
    )


def _at(name: str, home: Path, diary: Diary, seed: int) -> None:
    with Path(f"/run/netns/{name}").open("rb") as place:
        if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), f"setns {name}")
    killing.at_work(home, diary, seed, deeds=_LIGHT, day=DUE_DAY)


def _join(name: str, n: int, port: int) -> None:
    near, far = _end(port, n), f"ysq{port % 10000}{n}f"
    commands = (
        ("netns", "add", name),
        ("link", "add", near, "type", "veth", "peer", "name", far),
        ("link", "set", far, "netns", name),
        ("addr", "add", f"10.231.{n}.1/24", "dev", near),
        ("link", "set", near, "up"),
        ("-n", name, "addr", "add", f"10.231.{n}.2/24", "dev", far),
        ("-n", name, "link", "set", far, "up"),
    )
    for command in commands:
        if _ip(*command):
            raise OSError(f"ip {' '.join(command)}")


def _end(port: int, n: int) -> str:
    return f"ysq{port % 10000}{n}n"


def _by_host(diary: Diary, seed: int) -> tuple[int, int]:
    tokens = [line["done"] for line in diary.read() if "done" in line]
    mine = [tuple(f"T{seed + 10 * n + one:x}x" for one in range(2)) for n in range(2)]
    return sum(t.startswith(mine[0]) for t in tokens), sum(t.startswith(mine[1]) for t in tokens)


def _both_at_work(diary: Diary, seed: int, least: int = 5, patience: float = 30) -> tuple[int, int]:
    end = time.monotonic() + patience
    while min(_by_host(diary, seed)) < least and time.monotonic() < end:
        time.sleep(0.2)
    return _by_host(diary, seed)


def _wait_for_locks(home: Path, patience: float = 100) -> None:
    """Wait until the server has noticed that a host is gone; until then its locks stand."""
    end = time.monotonic() + patience
    query = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = '10.231.1.2'"
    while time.monotonic() < end and looked(home, query) != [(0,)]:
        time.sleep(1)


def _ip(*words: str) -> int:
    return subprocess.run(["ip", *words], check=False, stderr=subprocess.DEVNULL).returncode
