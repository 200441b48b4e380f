"""A PostgreSQL server of the tests' own, on a free port, with a database for each that asks; ended by its id."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from e2e.processes import free_ports, wait_until

# Nothing here outlives the machine; what a server that is killed has written is in the system's cache.
_SETTINGS = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=30")


class PostgresCluster:
    """A cluster in a folder; `start` and `end` as often as a test likes."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.port = free_ports(1)[0]
        self._data, self._log, self._binaries = folder / "data", folder / "log", binaries
        self._user = _unprivileged()
        if self._user is not None:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._numbers = count(1)
        self._server: subprocess.Popen[bytes] | None = None
        how = ["--auth=trust", "--username=driftline", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = self._run("initdb", f"--pgdata={self._data}", *how)
        assert made.wait() == 0, self._log.read_text()

    def start(self) -> None:
        """Starts the server, and waits until it can be used."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        self._server = self._run("postgres", "-D", str(self._data), "-p", str(self.port), *settings)
        wait_until(self._ready, "PostgreSQL answers")

    def end(self, how: int = signal.SIGINT) -> None:
        """Ends it: SIGINT cuts all connections, SIGQUIT is a crash."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait()
        self._server = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """All of its processes hang meanwhile: connections stay, and nothing is answered."""
        assert self._server is not None
        server = self._server.pid
        every = [server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())]
        for process in every:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in every:
                os.kill(process, signal.SIGCONT)

    def url(self, database: str = "postgres") -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg://driftline@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def new_schema(self) -> str:
        """The URL of an empty schema, which costs a hundredth of a database."""
        name = f"test{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url()}?options=-csearch_path%3D{name}"

    def copy(self, url: str) -> str:
        """The URL of a copy of a database that nobody uses."""
        name = f"test{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {make_url(url).database}")
        return self.url(name)

    def execute(self, statement: str, url: str = "") -> Any:
        """Runs a statement as the superuser, outside a transaction; the first value of what it gives, if anything."""
        engine = create_engine(url or self.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None

    def cut_connections(self) -> None:
        """Ends every client's session but the one that does it."""
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")

    def locks(self, *, granted: bool) -> int:
        """How many sessions hold a processor's lock, or wait for one."""
        return int(self.execute(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = {granted}"))

    def cut_owners(self) -> None:
        """Ends the sessions that hold a lock, not those that wait for one."""
        held = "locktype = 'advisory' AND granted"
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {held}")

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._binaries / program, *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                user=self._user,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            )

    def _ready(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, self._log.read_text()
        command = [self._binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


@contextmanager
def postgres_cluster() -> Iterator[PostgresCluster]:
    """A server that runs; without PostgreSQL the test is skipped, in CI it fails."""
    binaries = _binaries()
    # Below a folder of pytest the server's own user could not get to it.
    folder = Path(tempfile.mkdtemp(prefix="driftline-postgres-"))
    try:
        cluster = PostgresCluster(folder, binaries)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.end(signal.SIGQUIT)  # without a last checkpoint
    finally:
        shutil.rmtree(folder)


def _binaries() -> Path:
    """Where initdb is: Debian does not put it on PATH."""
    found = [Path(shutil.which("initdb") or "/nowhere"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    there = [path for path in found if path.exists()]
    if not there:
        message = "no PostgreSQL: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return there[-1].resolve().parent


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"
