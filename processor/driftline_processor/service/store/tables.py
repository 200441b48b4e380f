"""The tables of a store, and the way to them from those of older versions."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, Text, delete, insert, select
from sqlalchemy import text as sql
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateColumn

from driftline_processor.service.store.errors import StoreError

TABLES: Final = MetaData()
META: Final = Table(
    "driftline_meta", TABLES, Column("key", String(64), primary_key=True), Column("value", String(64), nullable=False)
)
JOURNAL: Final = Table(
    "driftline_journal",
    TABLES,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("received", BigInteger, nullable=False),
    Column("signal", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("checksum", BigInteger),  # none: written by schema 1
    Column("tenant", String(64), nullable=False, server_default=""),
)
SNAPSHOTS: Final = Table(
    "driftline_snapshots",
    TABLES,
    Column("id", String(32), primary_key=True),
    Column("model", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("checksum", BigInteger),
    Column("tenant", String(64), nullable=False, server_default=""),
)
REFERENCES: Final = Table(
    "driftline_references",
    TABLES,
    Column("id", String(1024), primary_key=True),
    Column("point", LargeBinary(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("tenant", String(64), primary_key=True, server_default=""),
)
WAITING: Final = Table(
    "driftline_waiting",
    TABLES,
    Column("tenant", String(64), primary_key=True, server_default=""),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("checksum", BigInteger, nullable=False),
)
"""Rows that wait for outcomes, in segments; 0 is the state of the join."""

HISTORY: Final = Table(
    "driftline_history",
    TABLES,
    Column("model", String(32), primary_key=True),
    Column("ended", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("tenant", String(64), nullable=False),
)

CHECKED_ENTRIES: Final = (JOURNAL.c.received, JOURNAL.c.signal, JOURNAL.c.body, JOURNAL.c.tenant, JOURNAL.c.checksum)
CHECKED_SNAPSHOTS: Final = (SNAPSHOTS.c.model, SNAPSHOTS.c.body, SNAPSHOTS.c.tenant, SNAPSHOTS.c.checksum)
"""What is read of a row, its checksum last."""

ADDED_COLUMNS: Final = (
    (JOURNAL.c.checksum, SNAPSHOTS.c.checksum),
    (JOURNAL.c.tenant, SNAPSHOTS.c.tenant, REFERENCES.c.tenant),
    (),
    (),
)
"""By schema 2, and so on."""


def _add_columns(connection: Connection, *columns: Column[Any]) -> None:
    for column in columns:
        declared = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(sql(f"ALTER TABLE {column.table.name} ADD COLUMN {declared}"))


def _add_checksums(connection: Connection) -> None:
    _add_columns(connection, JOURNAL.c.checksum, SNAPSHOTS.c.checksum)


def _add_tenants(connection: Connection) -> None:
    """What there is is nobody's in particular. No ALTER TABLE of SQLite makes the tenant part of a primary key."""
    _add_columns(connection, JOURNAL.c.tenant, SNAPSHOTS.c.tenant)
    before = f"{REFERENCES.name}_before"
    connection.execute(sql(f"ALTER TABLE {REFERENCES.name} RENAME TO {before}"))
    REFERENCES.create(connection)
    copied = f"INSERT INTO {REFERENCES.name} (id, point, body) SELECT id, point, body FROM {before}"  # noqa: S608
    connection.execute(sql(copied))
    connection.execute(sql(f"DROP TABLE {before}"))


def _add_waiting(connection: Connection) -> None:
    """A table of its own, for the first time."""
    WAITING.create(connection, checkfirst=True)


def _add_history(connection: Connection) -> None:
    """Likewise."""
    HISTORY.create(connection, checkfirst=True)


_UPGRADES: Final[tuple[Callable[[Connection], None], ...]] = (
    _add_checksums,
    _add_tenants,
    _add_waiting,
    _add_history,
)
"""From schema 1 to 2, and so on."""

SCHEMA: Final = len(_UPGRADES) + 1
"""Version of the tables. A store with a newer one is refused; an older one is upgraded."""


def prepare(connection: Connection, name: str) -> None:
    """Makes the tables that are missing and upgrades those of older versions. Raises StoreError, by this name."""
    TABLES.create_all(connection)
    found = connection.scalar(select(META.c.value).where(META.c.key == "schema"))
    schema = schema_number(name, found)
    for upgrade in _UPGRADES[schema - 1 :]:
        upgrade(connection)
    if found is None or schema < SCHEMA:
        put_meta(connection, "schema", str(SCHEMA))


def schema_number(name: str, found: str | None) -> int:
    """The schema of a store by that name. Raises StoreError where this version cannot read it."""
    if found is None:
        return SCHEMA  # the row is lost; the columns tell whether it was that
    if not found.isdecimal() or not int(found):
        raise StoreError(f"store {name}: damaged: the schema must be a number (got {found!r})")
    if int(found) > SCHEMA:
        raise StoreError(f"store {name}: written by a newer Driftline (schema {found}, supported: {SCHEMA})")
    return int(found)


def put_meta(connection: Connection, key: str, value: str) -> None:
    """Sets a value of the table of such values."""
    connection.execute(delete(META).where(META.c.key == key))
    connection.execute(insert(META).values(key=key, value=value))
