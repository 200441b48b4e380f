"""Files for what is damaged in a store: their owner's only, as they hold values of rows."""

from pathlib import Path

from sqlalchemy.engine import URL

from driftline_processor.service.store.sqlite import database_file, make_private


def beside(store: URL) -> Path:
    """What the names of such files begin with: that of a file of SQLite, else one in the working directory."""
    file = database_file(store) if store.get_backend_name() == "sqlite" else None
    return file or Path("driftline")


def set_aside(store: Path, digest: int, body: bytes) -> Path:
    """Writes bytes to a file beside the store. Raises OSError."""
    path = store.with_name(f"{store.name}.damaged-{digest:08x}")
    make_private(path)
    path.write_bytes(body)
    return path
