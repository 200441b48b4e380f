"""What is in a store, without changing it: for `driftline-processor --check`."""

from typing import Final

from sqlalchemy import Connection, Table, create_engine, func, inspect, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from driftline_processor.config import masked_url
from driftline_processor.service.store import (
    JOURNAL,
    META,
    REFERENCES,
    SCHEMA,
    SNAPSHOTS,
    StoreError,
    reason,
    schema_number,
)
from driftline_processor.service.store_file import sqlite_file

_WAIT_SECONDS: Final = 1


def describe_store(url: str) -> str:
    """A line about the store: its schema, and how many models, requests and references it holds.

    Raises:
        StoreError: It cannot be opened, or is damaged.

    """
    parts, name = make_url(url), masked_url(url)
    file = sqlite_file(parts)
    if file is not None and not file.exists():
        return f"store {name}: none yet; the first start creates it"
    sqlite = parts.get_backend_name() == "sqlite"
    try:
        engine = create_engine(parts, connect_args={"timeout": _WAIT_SECONDS} if sqlite else {})
        try:
            with engine.connect() as connection:
                return f"store {name}: {_contents(connection, name, sqlite=sqlite)}"
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError, OSError) as error:
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
        missing = set(table.c.keys()) - {column["name"] for column in inspect(connection).get_columns(table.name)}
        if missing - ({"checksum"} if schema < SCHEMA else set()):
            raise StoreError(f"store {name}: damaged: {table.name} must have the columns {sorted(missing)}")
    size = connection.scalar(select(func.coalesce(func.sum(func.length(JOURNAL.c.body)), 0)))
    references = connection.scalar(select(func.count(REFERENCES.c.id.distinct())))
    return (
        f"schema {schema}, {_rows(connection, SNAPSHOTS)} models, {_rows(connection, JOURNAL)} requests to replay "
        f"({int(size or 0) / 1e6:.1f} MB), {references} references received"
    )


def _rows(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)
