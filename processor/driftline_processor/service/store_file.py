"""The file of an SQLite store, and files for what is damaged in it: their owner's only, as they hold values of rows."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

_OWNER_ONLY: Final = 0o600


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database; None for any other database, and for one in memory."""
    database = url.database or ":memory:"
    if url.get_backend_name() != "sqlite" or database == ":memory:" or database.startswith("file:"):
        return None
    return Path(database)


def make_private(file: Path) -> None:
    """Creates the file for its owner only; SQLite gives the files beside it the same mode, and reports any failure."""
    with suppress(OSError):
        file.touch(_OWNER_ONLY)
        file.chmod(_OWNER_ONLY)


def set_aside(store: Path | None, digest: int, body: bytes) -> Path:
    """Writes bytes to a file beside the store, or in the working directory where it is no file. Raises OSError."""
    beside = store or Path("driftline")
    path = beside.with_name(f"{beside.name}.damaged-{digest:08x}")
    make_private(path)
    path.write_bytes(body)
    return path
