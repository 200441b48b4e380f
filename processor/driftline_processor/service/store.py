"""The one place that writes to disk: a journal of what came in, snapshots of the state, and references that were sent.

What is acknowledged is in the journal. A restart restores the snapshots and replays the journal after them; a snapshot
and the cutting of the journal are one transaction, so every request is in exactly one of the two.
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

from driftline_processor.decode import Signal
from driftline_processor.records import ModelKey

SCHEMA: Final = 1
"""Version of the tables. A store with a newer one is left alone; an older one will be migrated here."""

_BUSY_SECONDS: Final = 5
_REPLAYED_AT_A_TIME: Final = 100

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
    """The store cannot be used: names it, and says why."""


class Entry(NamedTuple):
    """A request as it came: when (Unix nanoseconds), which signal, and its bytes."""

    received: int
    signal: Signal
    body: bytes


class Store:
    """Used by one thread at a time. A file of SQLite is locked against a second processor as long as it is open."""

    def __init__(self, url: str) -> None:
        """Opens the store, and makes its tables in an empty one. Raises StoreError."""
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
            raise StoreError(f"store {self._name}: is of a newer Driftline (schema {found}, this one knows {SCHEMA})")
        # A store that cannot be written must be found out now, not with the first request.
        connection.execute(delete(_meta).where(_meta.c.key == "opened"))
        connection.execute(insert(_meta).values(key="opened", value="yes"))

    def append(self, entries: Sequence[Entry], points: Mapping[str, Mapping[bytes, bytes]] | None = None) -> None:
        """Adds to the journal, and new points (digest, bytes) to references, all or nothing; durable on return.

        Raises:
            StoreError: nothing was added.

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

    def journal(self) -> Iterator[Entry]:
        """What has come in since the snapshots, in order."""
        query = select(_journal.c.received, _journal.c.signal, _journal.c.body).order_by(_journal.c.id)
        with self._transaction() as connection:
            for received, signal, body in connection.execute(query.execution_options(yield_per=_REPLAYED_AT_A_TIME)):
                if signal in get_args(Signal):
                    yield Entry(received, signal, body)

    def save(self, states: Mapping[ModelKey, bytes | None]) -> None:
        """Puts snapshots in place of the older ones of those models, and empties the journal, which they contain.

        None: the model is no longer kept.

        Raises:
            StoreError: nothing was changed.

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
        """What `save` was given last of each model."""
        with self._transaction() as connection:
            return list(connection.scalars(select(_snapshots.c.body).order_by(_snapshots.c.id)))

    def references(self) -> dict[str, dict[bytes, bytes]]:
        """The points of the references that came over OTLP."""
        found: dict[str, dict[bytes, bytes]] = {}
        with self._transaction() as connection:
            for identity, point, body in connection.execute(select(_references).order_by(_references.c.point)):
                found.setdefault(identity, {})[point] = body
        return found

    def drop_reference(self, identity: str) -> None:
        """Forgets a reference that came over OTLP. Raises StoreError."""
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
    """A model's key as JSON, field by field: it is stored, and its digest is the snapshot's key."""
    return json.dumps([model.name, model.version, [list(pair) for pair in model.resource]])


def _digest(model: ModelKey) -> str:
    """A key of fixed length: names have none."""
    return blake2b(_names(model).encode(), digest_size=16).hexdigest()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    # One connection that lives as long as the store: it holds the lock on the file, and a database in memory.
    arguments = {"check_same_thread": False, "timeout": _BUSY_SECONDS}
    engine = create_engine(url, poolclass=StaticPool, connect_args=arguments)
    event.listen(engine, "connect", _durable)
    return engine


def _durable(connection: Any, _record: object) -> None:
    """One writer; a commit is on the disk when it returns, also after a power loss."""
    for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _reason(error: BaseException) -> str:
    """The database's own words, without SQLAlchemy's statement, parameters and link."""
    words = str(getattr(error, "orig", None) or error)
    return "is in use by another process" if "database is locked" in words else words
