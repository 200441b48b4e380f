"""The only place that writes to disk: a journal of requests, snapshots of the state, and references received over OTLP.

Every acknowledged request is in the journal. A restart restores the snapshots and replays the journal. Saving
snapshots and truncating the journal are one transaction, so every request is in exactly one of the two.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, Final, NamedTuple, get_args

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
)
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from driftline_processor.decode import OtlpSignal
from driftline_processor.records import ModelKey

SCHEMA: Final = 1
"""Version of the tables. A store with a newer one is refused; an older one will be migrated here."""

_BUSY_SECONDS: Final = 5
_REPLAY_BATCH: Final = 100

_tables = MetaData()
_meta = Table(
    "driftline_meta", _tables, Column("key", String(64), primary_key=True), Column("value", String(64), nullable=False)
)
_journal = Table(
    "driftline_journal",
    _tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("received", BigInteger, nullable=False),
    Column("signal", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
_snapshots = Table(
    "driftline_snapshots",
    _tables,
    Column("id", String(32), primary_key=True),
    Column("model", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
_references = Table(
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


class Store:
    """Not thread-safe. An SQLite file is locked against other processors while it is open."""

    def __init__(self, url: str) -> None:
        """Opens the store and creates missing tables. Raises StoreError."""
        self._name = make_url(url).render_as_string(hide_password=True)
        try:
            self._engine = _engine(make_url(url))
        except (SQLAlchemyError, ImportError) as error:
            raise StoreError(f"store {self._name}: {_reason(error)}") from error
        try:
            with self._transaction() as connection:
                self._prepare(connection)
        except StoreError:
            self.close()
            raise

    def _prepare(self, connection: Connection) -> None:
        _tables.create_all(connection)
        found = connection.scalar(select(_meta.c.value).where(_meta.c.key == "schema"))
        if found is None:
            connection.execute(insert(_meta).values(key="schema", value=str(SCHEMA)))
        elif int(found) > SCHEMA:
            raise StoreError(f"store {self._name}: written by a newer Driftline (schema {found}, supported: {SCHEMA})")
        # A read-only store must be detected now, not with the first request.
        connection.execute(delete(_meta).where(_meta.c.key == "opened"))
        connection.execute(insert(_meta).values(key="opened", value="yes"))

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
            connection.execute(insert(_journal), [entry._asdict() for entry in entries])
            if new:
                connection.execute(insert(_references), new)

    def journal(self) -> Iterator[JournalEntry]:
        """The requests since the last snapshots, in order."""
        query = select(_journal.c.received, _journal.c.signal, _journal.c.body).order_by(_journal.c.id)
        with self._transaction() as connection:
            for received, signal, body in connection.execute(query.execution_options(yield_per=_REPLAY_BATCH)):
                if signal in get_args(OtlpSignal):
                    yield JournalEntry(received, signal, body)

    def save(self, states: Mapping[ModelKey, bytes | None]) -> None:
        """Replaces the snapshots of these models and empties the journal, in one transaction.

        Args:
            states: Snapshot by model; None deletes it.

        Raises:
            StoreError: Nothing was changed.

        """
        rows = [{"id": _digest(model), "model": _names(model), "body": body} for model, body in states.items()]
        kept = [row for row in rows if row["body"] is not None]
        with self._transaction() as connection:
            if rows:
                outdated = delete(_snapshots).where(_snapshots.c.id == bindparam("outdated"))
                connection.execute(outdated, [{"outdated": row["id"]} for row in rows])
            if kept:
                connection.execute(insert(_snapshots), kept)
            connection.execute(delete(_journal))

    def snapshots(self) -> list[bytes]:
        """The latest snapshot of each model."""
        with self._transaction() as connection:
            return list(connection.scalars(select(_snapshots.c.body).order_by(_snapshots.c.id)))

    def references(self) -> dict[str, dict[bytes, bytes]]:
        """The points of the references received over OTLP: id -> digest -> bytes."""
        found: dict[str, dict[bytes, bytes]] = {}
        with self._transaction() as connection:
            for identity, point, body in connection.execute(select(_references).order_by(_references.c.point)):
                found.setdefault(identity, {})[point] = body
        return found

    def drop_reference(self, identity: str) -> None:
        """Deletes a reference received over OTLP. Raises StoreError."""
        with self._transaction() as connection:
            connection.execute(delete(_references).where(_references.c.id == identity))

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"store {self._name}: {_reason(error)}") from error


def _names(model: ModelKey) -> str:
    """A model's key as JSON, field by field; it is stored, and its digest is the snapshot's primary key."""
    return json.dumps([model.name, model.version, [list(pair) for pair in model.resource]])


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


def _reason(error: BaseException) -> str:
    """The database's own message, without SQLAlchemy's statement, parameters and link."""
    message = str(getattr(error, "orig", None) or error)
    return "in use by another process" if "database is locked" in message else message
