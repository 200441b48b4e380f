"""A store in a file of SQLite: its owner's only, as it holds values of rows, and locked while it is open."""

from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool

_OWNER_ONLY: Final = 0o600


def engine(url: URL, wait: float) -> Engine:
    """The file is made private before it is opened; SQLite gives the files beside it the same mode."""
    file = database_file(url)
    if file is not None:
        make_private(file)
    arguments = {"check_same_thread": False, "timeout": wait}
    made = create_engine(url, poolclass=NullPool, connect_args=arguments)
    event.listen(made, "connect", _exclusive_and_durable)
    return made


def lock(_connection: Connection, _seconds: float) -> bool:
    """The first write locks the file."""
    return True


def probe(connection: Connection) -> None:
    """A file is not lost."""


def patience(_connection: Connection, _seconds: float) -> AbstractContextManager[None]:
    """Nobody else is waited for."""
    return nullcontext()


def database_file(url: URL) -> Path | None:
    """The file; None for a database in memory."""
    database = url.database or ":memory:"
    if database == ":memory:" or database.startswith("file:"):
        return None
    return Path(database)


def make_private(file: Path) -> None:
    """Creates the file for its owner only; what fails here, SQLite reports."""
    with suppress(OSError):
        file.touch(_OWNER_ONLY)
        file.chmod(_OWNER_ONLY)


def _exclusive_and_durable(connection: Any, _record: object) -> None:
    """One writer; a commit survives a power loss."""
    for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
