"""What is in a store, without changing it: for `driftline-processor --check`."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Table, create_engine, func, inspect, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from driftline_processor.config import masked_url
from driftline_processor.engine.snapshot import UnknownForm, unpack_known
from driftline_processor.service.store import postgresql
from driftline_processor.service.store.errors import StoreError, reason
from driftline_processor.service.store.rows import Damaged, JournalEntry, Snapshot, read_entry, read_snapshot
from driftline_processor.service.store.sqlite import database_file
from driftline_processor.service.store.tables import (
    ADDED_COLUMNS,
    CHECKED_ENTRIES,
    CHECKED_SNAPSHOTS,
    JOURNAL,
    META,
    REFERENCES,
    SCHEMA,
    SNAPSHOTS,
    schema_number,
)

_WAIT_SECONDS: Final = 1
_ROWS: Final = 20


def describe_store(url: str) -> str:
    """A line about the store: its schema, and how many models, requests and references it holds.

    Raises:
        StoreError: It cannot be opened, or is damaged.

    """
    parts, name = make_url(url), masked_url(url)
    sqlite = parts.get_backend_name() == "sqlite"
    file = database_file(parts) if sqlite else None
    if file is not None and not file.exists():
        return f"store {name}: none yet; the first start creates it"
    try:
        # Of SQLite not with the engine of the store, which would change the file.
        engine = (
            create_engine(parts, connect_args={"timeout": _WAIT_SECONDS}, poolclass=NullPool)
            if sqlite
            else postgresql.engine(parts, _WAIT_SECONDS)
        )
        with engine.connect() as connection:
            return f"store {name}: {_contents(connection, name, sqlite=sqlite)}"
    except (SQLAlchemyError, ImportError, OSError, UnknownForm) as error:
        why = reason(error)
        if "in use" in why:  # by the processor that runs: no fault of the configuration
            return f"store {name}: {why}"
        raise StoreError(f"store {name}: {why}") from error


def _contents(connection: Connection, name: str, *, sqlite: bool) -> str:
    if sqlite:
        found = connection.scalar(text("PRAGMA quick_check(1)"))
        if found != "ok":
            raise StoreError(f"store {name}: damaged: {' '.join(str(found).split())}")
    if not inspect(connection).has_table(META.name):
        return "empty; the first start creates its tables"
    schema = schema_number(name, connection.scalar(select(META.c.value).where(META.c.key == "schema")))
    for table in (JOURNAL, SNAPSHOTS, REFERENCES):
        _check_columns(connection, name, table, schema)
    in_use = "" if sqlite or not postgresql.in_use(connection) else "in use by another process, "
    return f"{in_use}schema {schema}, {_counts(connection, checked=schema == SCHEMA)}"


def _check_columns(connection: Connection, name: str, table: Table, schema: int) -> None:
    if not inspect(connection).has_table(table.name):
        raise StoreError(f"store {name}: damaged: no table {table.name}; the next start begins it anew")
    missing = set(table.c.keys()) - {column["name"] for column in inspect(connection).get_columns(table.name)}
    later = {column.name for columns in ADDED_COLUMNS[schema - 1 :] for column in columns}
    if missing - later:
        raise StoreError(f"store {name}: damaged: {table.name} must have the columns {sorted(missing)}")


def _counts(connection: Connection, *, checked: bool) -> str:
    """checked: whether its rows have checksums."""
    models, requests = _rows(connection, SNAPSHOTS), _rows(connection, JOURNAL)
    size = connection.scalar(select(func.coalesce(func.sum(func.length(JOURNAL.c.body)), 0)))
    references = connection.scalar(select(func.count(REFERENCES.c.id.distinct())))
    counts = (
        f"{models} models, {requests} requests to replay ({int(size or 0) / 1e6:.1f} MB), "
        f"{references} references received"
    )
    damaged = [row.what for row in _all_rows(connection) if isinstance(row, Damaged)] if checked else []
    return f"{counts}; damaged, set aside by the next start: {', '.join(damaged)}" if damaged else counts


def _all_rows(connection: Connection) -> Iterator[JournalEntry | Snapshot | Damaged]:
    """A few at a time: a journal may be larger than memory."""
    for snapshot in connection.execute(select(*CHECKED_SNAPSHOTS).execution_options(yield_per=_ROWS)):
        yield _readable(read_snapshot(*snapshot))
    for *row, found in connection.execute(select(*CHECKED_ENTRIES).execution_options(yield_per=_ROWS)):
        yield read_entry(JournalEntry(*row), found)


def _readable(snapshot: Snapshot | Damaged) -> Snapshot | Damaged:
    """As the start does it: damaged is what cannot be unpacked. Raises UnknownForm."""
    if isinstance(snapshot, Snapshot):
        try:
            unpack_known(snapshot.body)
        except UnknownForm:
            raise
        except Exception:  # noqa: BLE001  # bytes of before there were checksums may raise anything
            return Damaged.state(snapshot.model, snapshot.body)
    return snapshot


def _rows(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)
