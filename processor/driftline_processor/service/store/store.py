"""The journal, the snapshots and the references, as the worker uses them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Final

from sqlalchemy import ColumnElement, bindparam, delete, insert, make_url, select, update
from sqlalchemy.engine import Connection

from driftline_processor.config import masked_url
from driftline_processor.outcomes.join import SavedJoin
from driftline_processor.records import ModelKey
from driftline_processor.service.store.damage import beside, set_aside
from driftline_processor.service.store.errors import TakenOverError, storing
from driftline_processor.service.store.rows import (
    Damaged,
    JournalEntry,
    ReferenceKey,
    Snapshot,
    StepChanges,
    checksum,
    model_digest,
    model_names,
    read_entry,
    read_snapshot,
)
from driftline_processor.service.store.session import Session, seconds_for
from driftline_processor.service.store.tables import (
    CHECKED_ENTRIES,
    CHECKED_SNAPSHOTS,
    HISTORY,
    JOURNAL,
    META,
    REFERENCES,
    SNAPSHOTS,
    WAITING,
    prepare,
    put_meta,
)

_REPLAY_BATCH: Final = 20
"""Requests of the journal that are read at a time: each may have 64 MiB."""

_MOST_NAME: Final = 100

STATE: Final = 0
"""The id of the state of a join, among its segments."""


class Store:
    """Not thread-safe. Other processors are kept away while it is open, by a lock of the database."""

    def __init__(self, url: str) -> None:
        """Opens the store, and makes or upgrades its tables. Raises StoreError."""
        self.name = masked_url(url)
        self._owner, self._opened = token_hex(16), False
        self._folder = beside(make_url(url))
        self._session = Session(url, self._begin, self._locked_out)
        self._opened = True

    def _begin(self, connection: Connection) -> None:
        """Signs the store when it is opened. A later connection finds the signature, if nobody else came in between.

        Both are writes: a store that is read-only must be detected now, not with the first request.
        """
        if not self._opened:
            prepare(connection, self.name)
            put_meta(connection, "owner", self._owner)
            return
        signature = update(META).where(META.c.key == "owner", META.c.value == self._owner)
        if not connection.execute(signature.values(value=self._owner)).rowcount:
            raise self._taken_over()

    def _locked_out(self, connection: Connection) -> None:
        """Who holds the lock signs: where we had it before, all that we remember is out of date."""
        signature = select(META.c.value).where(META.c.key == "owner")
        if self._opened and connection.scalar(signature) != self._owner:
            raise self._taken_over()

    def _taken_over(self) -> TakenOverError:
        return TakenOverError(f"store {self.name}: another processor took over while the connection was lost")

    def hold(self) -> bool:
        """Makes sure that the store is ours.

        Returns:
            Whether the connection had been lost, and is there again.

        Raises:
            StoreError: It is lost.

        """
        return self._session.hold()

    def set_aside(self, damaged: Damaged) -> Path:
        """Writes what is left of a damaged row to a file of its own, for somebody to look at. Raises OSError."""
        return set_aside(self._folder, checksum(*damaged), damaged.body)

    def append(
        self, entries: Sequence[JournalEntry], points: Mapping[ReferenceKey, Mapping[bytes, bytes]] | None = None
    ) -> None:
        """Adds entries to the journal and points to references in one transaction; durable on return.

        Args:
            entries: Requests, in order.
            points: Points of references: digest -> bytes, by tenant and id. One that is there already stays.

        Raises:
            UnstorableError: The database can hold one of them never. Nothing was added.
            StoreError: Nothing was added, or it cannot be known; adding them once more does no harm.

        """
        rows = [{**entry._asdict(), "checksum": checksum(*entry)} for entry in entries]
        with self._session.transaction(seconds_for(entry.body for entry in entries)) as connection:
            with storing("the request"):
                connection.execute(insert(JOURNAL), rows)
            for key, found in (points or {}).items():
                with storing(f"reference {key.id[:_MOST_NAME]!r}"):
                    _put_points(connection, key, found)

    def journal(self) -> Iterator[JournalEntry | Damaged]:
        """The requests since the last snapshots, in order."""
        query, rows = select(JOURNAL.c.id, *CHECKED_ENTRIES).order_by(JOURNAL.c.id).limit(_REPLAY_BATCH), None
        while rows is None or rows:
            # In transactions of their own: whoever reads may write in between.
            with self._session.transaction() as connection:
                rows = connection.execute(query.where(JOURNAL.c.id > rows[-1].id) if rows else query).all()
            for _, *row, found in rows:
                yield read_entry(JournalEntry(*row), found)

    def save(
        self,
        states: Mapping[ModelKey, bytes | None],
        absent: Collection[str] = (),
        joins: Mapping[str, SavedJoin] | None = None,
        history: Mapping[ModelKey, StepChanges] | None = None,
    ) -> None:
        """Replaces the snapshots of these models and empties the journal, in one transaction.

        Args:
            states: Snapshot by model; None deletes it.
            absent: Tenants whose requests stay in the journal.
            joins: What waits for outcomes, by tenant.
            history: What has changed in the histories of models.

        Raises:
            StoreError: Nothing was changed.

        """
        rows = [
            {"id": model_digest(model), "model": model_names(model), "body": body, "tenant": model.tenant}
            for model, body in states.items()
        ]
        kept = [
            {**row, "checksum": checksum(row["model"], row["body"], row["tenant"])}
            for row in rows
            if row["body"] is not None
        ]
        with self._session.transaction(4 * seconds_for(filter(None, states.values()))) as connection:
            if rows:
                outdated = delete(SNAPSHOTS).where(SNAPSHOTS.c.id == bindparam("outdated"))
                connection.execute(outdated, [{"outdated": row["id"]} for row in rows])
            if kept:
                connection.execute(insert(SNAPSHOTS), kept)
            for tenant, saved in (joins or {}).items():
                _save_join(connection, tenant, saved)
            for model, changes in (history or {}).items():
                _save_steps(connection, model, changes)
            connection.execute(delete(JOURNAL).where(JOURNAL.c.tenant.not_in(absent)))

    def steps(self) -> Iterator[bytes]:
        """The steps of all histories, by model, the oldest first."""
        query = select(HISTORY.c.body).order_by(HISTORY.c.model, HISTORY.c.ended)
        with self._session.transaction() as connection:
            for row in connection.execute(query):
                yield row.body

    def waiting(self, tenant: str, identity: int = STATE) -> bytes | None:
        """A segment of what waits for outcomes, or the state of the join; None where it is not there, or damaged."""
        query = select(WAITING.c.body, WAITING.c.checksum).where(WAITING.c.tenant == tenant, WAITING.c.id == identity)
        with self._session.transaction() as connection:
            row = connection.execute(query).first()
        return row.body if row is not None and row.checksum == checksum(row.body) else None

    def snapshots(self) -> list[Snapshot | Damaged]:
        """The latest snapshot of each model."""
        with self._session.transaction() as connection:
            rows = connection.execute(select(*CHECKED_SNAPSHOTS).order_by(SNAPSHOTS.c.id)).all()
        return [read_snapshot(*row) for row in rows]

    def references(self, tenant: str = "") -> dict[str, dict[bytes, bytes]]:
        """The points of the references received from a tenant over OTLP: id -> digest -> bytes."""
        found: dict[str, dict[bytes, bytes]] = {}
        columns = REFERENCES.c.id, REFERENCES.c.point, REFERENCES.c.body
        query = select(*columns).where(REFERENCES.c.tenant == tenant).order_by(REFERENCES.c.point)
        with self._session.transaction() as connection:
            for identity, point, body in connection.execute(query):
                found.setdefault(identity, {})[point] = body
        return found

    def drop_reference(self, identity: str, tenant: str = "") -> None:
        """Deletes a reference received from a tenant over OTLP. Raises StoreError."""
        with self._session.transaction() as connection:
            connection.execute(delete(REFERENCES).where(*_is(ReferenceKey(tenant, identity))))

    def close(self) -> None:
        """Lets the next processor in."""
        self._session.close()


def _save_join(connection: Connection, tenant: str, saved: SavedJoin) -> None:
    bodies = [(STATE, saved.state), *((segment.id, body) for segment, body in saved.segments.put)]
    gone = [{"gone": identity} for identity in (STATE, *saved.segments.drop)]
    connection.execute(delete(WAITING).where(WAITING.c.tenant == tenant, WAITING.c.id == bindparam("gone")), gone)
    rows = [{"tenant": tenant, "id": key, "body": body, "checksum": checksum(body)} for key, body in bodies]
    connection.execute(insert(WAITING), rows)


def _save_steps(connection: Connection, model: ModelKey, changes: StepChanges) -> None:
    digest = model_digest(model)
    gone = [{"gone": end} for end in {*changes.gone, *changes.added}]
    if gone:
        same = delete(HISTORY).where(HISTORY.c.model == digest, HISTORY.c.ended == bindparam("gone"))
        connection.execute(same, gone)
    if changes.added:
        rows = [{"model": digest, "ended": e, "body": b, "tenant": model.tenant} for e, b in changes.added.items()]
        connection.execute(insert(HISTORY), rows)


def _is(key: ReferenceKey) -> tuple[ColumnElement[bool], ...]:
    return REFERENCES.c.tenant == key.tenant, REFERENCES.c.id == key.id


def _put_points(connection: Connection, key: ReferenceKey, points: Mapping[bytes, bytes]) -> None:
    """Those that a commit of unknown outcome left may be there already."""
    same = delete(REFERENCES).where(*_is(key), REFERENCES.c.point == bindparam("same"))
    if points:
        connection.execute(same, [{"same": point} for point in points])
        rows = [{**key._asdict(), "point": point, "body": body} for point, body in points.items()]
        connection.execute(insert(REFERENCES), rows)
