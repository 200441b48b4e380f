"""The only place that writes to disk: a journal of requests, snapshots of the state, and references received over OTLP.

Every acknowledged request is in the journal. A restart restores the snapshots and replays the journal. Saving
snapshots and truncating the journal are one transaction, so every request is in exactly one of the two. Each row has a
checksum: a damaged one costs that request or that model, and nothing else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args
from zlib import crc32

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from driftline_processor.config import masked_url
from driftline_processor.decode import OtlpSignal
from driftline_processor.records import ModelKey
from driftline_processor.service.store_file import make_private, set_aside, sqlite_file

SCHEMA: Final = 2
"""Version of the tables. A store with a newer one is refused; an older one is migrated. 2: checksums."""

_BUSY_SECONDS: Final = 5
_REPLAY_BATCH: Final = 100

_tables = MetaData()
META = Table(
    "driftline_meta", _tables, Column("key", String(64), primary_key=True), Column("value", String(64), nullable=False)
)
JOURNAL = Table(
    "driftline_journal",
    _tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("received", BigInteger, nullable=False),
    Column("signal", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("checksum", BigInteger),  # none: written by schema 1
)
SNAPSHOTS = Table(
    "driftline_snapshots",
    _tables,
    Column("id", String(32), primary_key=True),
    Column("model", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("checksum", BigInteger),
)
REFERENCES = Table(
    "driftline_references",
    _tables,
    Column("id", String(1024), primary_key=True),
    Column("point", LargeBinary(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)


class StoreError(Exception):
    """The store cannot be used; the message names it and gives the reason."""


class JournalEntry(NamedTuple):
    """A request as received: time (Unix nanoseconds), signal and bytes."""

    received: int
    signal: OtlpSignal
    body: bytes


class Snapshot(NamedTuple):
    """The saved state of a model of that name and version."""

    model: str
    body: bytes


class Damaged(NamedTuple):
    """A row that is not as it was written. what: a request, or the state of a model."""

    what: str
    body: bytes

    @classmethod
    def state(cls, model: str, body: bytes) -> "Damaged":
        return cls(f"the state of model {model}, which begins anew", body)


class Store:
    """Not thread-safe. An SQLite file is locked against other processors while it is open."""

    def __init__(self, url: str) -> None:
        """Opens the store and creates missing tables. Raises StoreError."""
        self.name = masked_url(url)
        self._file = sqlite_file(make_url(url))
        try:
            if self._file is not None:
                make_private(self._file)
            self._engine = _engine(make_url(url))
        except (SQLAlchemyError, ImportError) as error:
            raise StoreError(f"store {self.name}: {reason(error)}") from error
        try:
            with self._transaction() as connection:
                self._prepare(connection)
        except StoreError:
            self.close()
            raise

    def _prepare(self, connection: Connection) -> None:
        _tables.create_all(connection)
        found = connection.scalar(select(META.c.value).where(META.c.key == "schema"))
        schema = SCHEMA if found is None else schema_number(self.name, found)
        if schema < SCHEMA:
            _add_checksums(connection)
        if found is None or schema < SCHEMA:
            connection.execute(delete(META).where(META.c.key == "schema"))
            connection.execute(insert(META).values(key="schema", value=str(SCHEMA)))
        # A read-only store must be detected now, not with the first request.
        connection.execute(delete(META).where(META.c.key == "opened"))
        connection.execute(insert(META).values(key="opened", value="yes"))

    def set_aside(self, damaged: Damaged) -> Path:
        """Writes what is left of a damaged row to a file of its own, for somebody to look at. Raises OSError."""
        return set_aside(self._file, _checksum(*damaged), damaged.body)

    def append(
        self, entries: Sequence[JournalEntry], points: Mapping[str, Mapping[bytes, bytes]] | None = None
    ) -> None:
        """Adds entries to the journal and points to references in one transaction; durable on return.

        Args:
            entries: Requests, in order.
            points: New points of references: id -> digest -> bytes.

        Raises:
            StoreError: Nothing was added.

        """
        new = [
            {"id": identity, "point": point, "body": body}
            for identity, found in (points or {}).items()
            for point, body in found.items()
        ]
        with self._transaction() as connection:
            rows = [{**entry._asdict(), "checksum": _checksum(*entry)} for entry in entries]
            connection.execute(insert(JOURNAL), rows)
            if new:
                connection.execute(insert(REFERENCES), new)

    def journal(self) -> Iterator[JournalEntry | Damaged]:
        """The requests since the last snapshots, in order."""
        columns = JOURNAL.c.received, JOURNAL.c.signal, JOURNAL.c.body, JOURNAL.c.checksum
        query = select(*columns).order_by(JOURNAL.c.id)
        with self._transaction() as connection:
            for *row, checksum in connection.execute(query.execution_options(yield_per=_REPLAY_BATCH)):
                entry = JournalEntry(*row)
                whole = entry.signal in get_args(OtlpSignal) and checksum in (None, _checksum(*row))
                yield entry if whole else Damaged("a request in the journal", _as_bytes(entry.body))

    def save(self, states: Mapping[ModelKey, bytes | None]) -> None:
        """Replaces the snapshots of these models and empties the journal, in one transaction.

        Args:
            states: Snapshot by model; None deletes it.

        Raises:
            StoreError: Nothing was changed.

        """
        rows = [{"id": _digest(model), "model": _names(model), "body": body} for model, body in states.items()]
        kept = [{**row, "checksum": _checksum(row["model"], row["body"])} for row in rows if row["body"] is not None]
        with self._transaction() as connection:
            if rows:
                outdated = delete(SNAPSHOTS).where(SNAPSHOTS.c.id == bindparam("outdated"))
                connection.execute(outdated, [{"outdated": row["id"]} for row in rows])
            if kept:
                connection.execute(insert(SNAPSHOTS), kept)
            connection.execute(delete(JOURNAL))

    def snapshots(self) -> list[Snapshot | Damaged]:
        """The latest snapshot of each model."""
        columns = SNAPSHOTS.c.model, SNAPSHOTS.c.body, SNAPSHOTS.c.checksum
        with self._transaction() as connection:
            rows = connection.execute(select(*columns).order_by(SNAPSHOTS.c.id)).all()
        return [
            Snapshot(_short(model), body)
            if checksum in (None, _checksum(model, body))
            else Damaged.state(_short(model), _as_bytes(body))
            for model, body, checksum in rows
        ]

    def references(self) -> dict[str, dict[bytes, bytes]]:
        """The points of the references received over OTLP: id -> digest -> bytes."""
        found: dict[str, dict[bytes, bytes]] = {}
        with self._transaction() as connection:
            for identity, point, body in connection.execute(select(REFERENCES).order_by(REFERENCES.c.point)):
                found.setdefault(identity, {})[point] = body
        return found

    def drop_reference(self, identity: str) -> None:
        """Deletes a reference received over OTLP. Raises StoreError."""
        with self._transaction() as connection:
            connection.execute(delete(REFERENCES).where(REFERENCES.c.id == identity))

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"store {self.name}: {reason(error)}") from error


def schema_number(name: str, found: str | None) -> int:
    """The schema of a store by that name. Raises StoreError where this version cannot read it."""
    if found is None or not found.isdecimal():
        raise StoreError(f"store {name}: damaged: the schema must be a number (got {found!r})")
    if int(found) > SCHEMA:
        raise StoreError(f"store {name}: written by a newer Driftline (schema {found}, supported: {SCHEMA})")
    return int(found)


def _add_checksums(connection: Connection) -> None:
    for table in (JOURNAL, SNAPSHOTS):
        kind = table.c.checksum.type.compile(connection.dialect)
        connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN checksum {kind}"))


def _checksum(*parts: object) -> int:
    """CRC-32 of a row: it finds accidents, not attackers."""
    total = 0
    for part in parts:
        total = crc32(_as_bytes(part), total)
    return total


def _as_bytes(part: object) -> bytes:
    return part if isinstance(part, bytes) else str(part).encode(errors="replace")


def _names(model: ModelKey) -> str:
    """A model's key as JSON, field by field; it is stored, and its digest is the snapshot's primary key."""
    return json.dumps([model.name, model.version, [list(pair) for pair in model.resource]])


def _short(names: object) -> str:
    """Name and version of a model, of what `_names` made; as it is where it is damaged."""
    try:
        name, version, _ = json.loads(str(names))
    except ValueError:
        return str(names)
    return f"{name} {version}".rstrip()


def _digest(model: ModelKey) -> str:
    """A primary key of fixed length; names may be arbitrarily long."""
    return blake2b(_names(model).encode(), digest_size=16).hexdigest()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    # One connection for the store's lifetime: it holds the lock on the file, and an in-memory database.
    arguments = {"check_same_thread": False, "timeout": _BUSY_SECONDS}
    engine = create_engine(url, poolclass=StaticPool, connect_args=arguments)
    event.listen(engine, "connect", _durable)
    return engine


def _durable(connection: Any, _record: object) -> None:
    """One writer; a commit survives a power loss."""
    for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def reason(error: BaseException) -> str:
    """The database's own message, without SQLAlchemy's statement, parameters and link."""
    message = str(getattr(error, "orig", None) or error)
    return "in use by another process" if "database is locked" in message else message
