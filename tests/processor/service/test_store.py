"""What the store keeps over a restart, and how it says that it cannot."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

import pytest
from sqlalchemy import create_engine, make_url, text

from driftline.semconv import TENANT_NAME
from driftline_processor.outcomes.join import SavedJoin
from driftline_processor.outcomes.segments import Segment, SegmentChanges
from driftline_processor.records import ModelKey
from driftline_processor.service.store import (
    Damaged,
    JournalEntry,
    ReferenceKey,
    Snapshot,
    Store,
    StoreError,
    UnstorableError,
    session,
)
from postgres_cluster import PostgresCluster

Open = Callable[[str], Store]

ENTRIES = [JournalEntry(1, "metrics", b"one"), JournalEntry(2, "traces", b"\x00two"), JournalEntry(3, "logs", b"")]
STATES = {ModelKey("churn"): b"a", ModelKey("churn", "2", (("service.name", "shop"),)): b"b"}


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/driftline.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, file: str) -> str:
    """An empty database of each kind."""
    return file if request.param == "sqlite" else request.getfixturevalue("postgres").new_schema()


def changed(url: str, *statements: str, **values: object) -> None:
    """Changes a closed store behind its back."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values)
    engine.dispose()


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens a store; all are closed in the end."""
    with ExitStack() as stack:

        def open_store(url: str) -> Store:
            store = Store(url)
            stack.callback(store.close)
            return store

        yield open_store


def reopened(store: Store, url: str, opened: Open) -> Store:
    store.close()
    return opened(url)


def test_journal_survives(url: str, opened: Open) -> None:
    """What was appended is there after a restart, in order, byte for byte."""
    store = opened(url)
    store.append(ENTRIES[:2])
    store.append(ENTRIES[2:])

    assert list(reopened(store, url, opened).journal()) == ENTRIES


def test_save_moves_the_journal_into_the_snapshots(url: str, opened: Open) -> None:
    """A snapshot contains the journal: after it the journal is empty, and older snapshots of its models are gone."""
    store = opened(url)
    store.append(ENTRIES)
    store.save({ModelKey("churn"): b"old", ModelKey("fraud"): b"c"})
    store.append(ENTRIES[:1])
    store.save(STATES)
    store.append(ENTRIES[1:])
    store = reopened(store, url, opened)

    assert sorted(snapshot.body for snapshot in store.snapshots()) == [b"a", b"b", b"c"]
    assert list(store.journal()) == ENTRIES[1:]


def test_a_model_that_is_no_longer_kept_is_gone(url: str, opened: Open) -> None:
    """None takes the place of a snapshot: the others stay."""
    store = opened(url)
    store.save(STATES)
    store.save({next(iter(STATES)): None, ModelKey("never saved"): None})

    assert len(reopened(store, url, opened).snapshots()) == len(STATES) - 1


def test_save_of_nothing(url: str, opened: Open) -> None:
    """A state without models is a state."""
    store = opened(url)
    store.append(ENTRIES)
    store.save({})

    assert (store.snapshots(), list(store.journal())) == ([], [])


def test_references_survive(url: str, opened: Open) -> None:
    """Points of references are kept until the reference is dropped, snapshots or not."""
    store = opened(url)
    store.append(ENTRIES, {ReferenceKey("", "r1"): {b"d1": b"p1"}, ReferenceKey("", "r2"): {b"d1": b"p1"}})
    store.append(ENTRIES, {ReferenceKey("", "r1"): {b"d2": b"p2"}})
    store.save({})
    store = reopened(store, url, opened)
    store.drop_reference("r2")

    assert store.references() == {"r1": {b"d1": b"p1", b"d2": b"p2"}}


def test_append_is_all_or_nothing(url: str, opened: Open) -> None:
    """A transaction that fails leaves nothing behind: the sender will come again with all of it."""
    store = opened(url)
    store.append(ENTRIES[:1], {ReferenceKey("", "r1"): {b"d1": b"p1"}})
    with pytest.raises(StoreError, match="reference 'r2' cannot be stored"):
        store.append(ENTRIES[1:], {ReferenceKey("", "r1"): {b"d2": b"p2"}, ReferenceKey("", "r2"): {b"d1": None}})  # type: ignore[dict-item]

    assert list(store.journal()) == ENTRIES[:1]
    assert store.references() == {"r1": {b"d1": b"p1"}}


def test_what_is_appended_again(url: str, opened: Open) -> None:
    """A commit whose outcome could not be known may have succeeded: points that are there already do no harm."""
    store = opened(url)
    for _ in range(2):
        store.append(ENTRIES, {ReferenceKey("", "r1"): {b"d1": b"p1", b"d2": b"p2"}})

    assert store.references() == {"r1": {b"d1": b"p1", b"d2": b"p2"}}


@pytest.mark.parametrize(
    ("received", "identity", "told"),
    [(1 << 64, "r", "the request"), (1, "lone \ud800", "reference 'lone \\ud800'")],
)
def test_what_no_database_can_hold(received: int, identity: str, told: str, url: str, opened: Open) -> None:
    """It is named as such, not as a fault of the store; what follows is stored."""
    store = opened(url)
    with pytest.raises(UnstorableError, match=rf"^{re.escape(told)} cannot be stored: [^\n]+$"):
        store.append([JournalEntry(received, "metrics", b"one")], {ReferenceKey("", identity): {b"d1": b"p1"}})
    store.append(ENTRIES)

    assert list(store.journal()) == ENTRIES
    assert store.references() == {}


@pytest.mark.parametrize(
    "identity", ["a\0b", "z" * 1025, "".join(chr(0x4E00 + 7919 * number % 20_000) for number in range(1024))]
)
def test_what_postgresql_cannot_hold(identity: str, postgres: PostgresCluster, opened: Open) -> None:
    """A NUL, too many characters, too many bytes for an index: as above."""
    store = opened(postgres.new_schema())
    told = re.escape(f"reference {identity[:100]!r} cannot be stored: ")
    with pytest.raises(UnstorableError, match=rf"^{told}[^\n]+$"):
        store.append(ENTRIES, {ReferenceKey("", "r"): {b"d1": b"p1"}, ReferenceKey("", identity): {b"d1": b"p1"}})
    store.append(ENTRIES)

    assert list(store.journal()) == ENTRIES
    assert store.references() == {}


def test_the_reader_of_the_journal_may_write(url: str, opened: Open) -> None:
    """Replaying completes references, and drops older ones."""
    store = opened(url)
    store.append(
        [JournalEntry(number, "metrics", b"") for number in range(50)],
        {ReferenceKey("", "r1"): {b"d1": b"p1"}},
    )
    received = []
    for entry in store.journal():
        assert isinstance(entry, JournalEntry)
        received.append(entry.received)
        store.drop_reference("r1")

    assert received == list(range(50))


def test_in_memory(opened: Open) -> None:
    """A store in memory works within one process."""
    store = opened("sqlite://")
    store.append(ENTRIES)

    assert list(store.journal()) == ENTRIES


def test_commits_are_on_disk(file: str, opened: Open) -> None:
    """SQLite writes ahead, and waits for the disk: what was acknowledged survives a power loss."""
    store = opened(file)
    with store._session.transaction() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]

    assert pragmas == ["wal", 2]


def test_second_processor_is_refused(url: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processors on one file would count everything twice."""
    monkeypatch.setattr(session, "FIRST_WAIT_SECONDS", 0.1)
    first = opened(url)

    with pytest.raises(StoreError, match=r"^store \w+\S+(driftline\.db|test\d+): in use by another process$"):
        Store(url)
    first.close()
    opened(url)


def test_newer_store_is_left_alone(url: str) -> None:
    """A store of a later version is refused, and not changed."""
    Store(url).close()
    changed(url, "UPDATE driftline_meta SET value = '99' WHERE key = 'schema'")

    with pytest.raises(StoreError, match=r"written by a newer Driftline \(schema 99, supported: 5\)"):
        Store(url)


def test_file_that_is_no_database(file: str, tmp_path: Path) -> None:
    """Another file in its place is named, not overwritten."""
    path = tmp_path / "driftline.db"
    path.write_text("a letter to a friend " * 100)

    with pytest.raises(StoreError, match="file is not a database"):
        Store(file)
    assert path.read_text().startswith("a letter")


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A store that cannot be made says so at the start."""
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(f"sqlite:///{tmp_path}/nowhere/driftline.db")


def test_read_only_file(file: str, tmp_path: Path) -> None:
    """A store that cannot be written is found out at the start, not with the first request."""
    Store(file).close()

    with pytest.raises(StoreError, match=r"driftline\.db"):
        Store(f"sqlite:///file:{tmp_path}/driftline.db?mode=ro&uri=true")


def test_missing_driver_hides_the_password() -> None:
    """What is wrong is told without the secret in the URL."""
    with pytest.raises(StoreError, match=r"^store postgresql\+psycopg2://u:\*\*\*@h/d: No module named 'psycopg2'$"):
        Store("postgresql+psycopg2://u:secret@h/d")


def test_the_file_is_its_owners_only(file: str, tmp_path: Path, opened: Open) -> None:
    """The journal holds values of rows. A file of before is made private, too; so are those of SQLite beside it."""
    (tmp_path / "driftline.db").touch(0o644)
    opened(file).append(ENTRIES)

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"driftline.db": 0o600, "driftline.db-wal": 0o600}


@pytest.mark.parametrize(
    "change",
    [
        *("body = :noise", "body = :nothing", "received = received + 1", "tenant = 'acme'"),
        *("signal = 'metrics'", "signal = 'profiles'", "checksum = 1"),
    ],
)
def test_a_damaged_request_costs_itself(change: str, url: str, opened: Open) -> None:
    """Whatever part of its row is not as it was written: it is told, and the others are replayed."""
    store = opened(url)
    store.append(ENTRIES)
    store.close()
    changed(url, f"UPDATE driftline_journal SET {change} WHERE id = 2", **_bound(change, noise=b"\0", nothing=b""))

    found = list(opened(url).journal())
    assert found[::2] == ENTRIES[::2]
    assert isinstance(found[1], Damaged)
    assert found[1].what == "a request in the journal"


def _bound(statement: str, **values: object) -> dict[str, object]:
    """The values that the statement asks for."""
    return {name: value for name, value in values.items() if f":{name}" in statement}


def test_a_request_that_became_text(file: str, opened: Open) -> None:
    """SQLite keeps a text in a column of bytes."""
    store = opened(file)
    store.append(ENTRIES)
    store.close()
    changed(file, "UPDATE driftline_journal SET body = 'text' WHERE id = 2")

    assert list(opened(file).journal()) == [ENTRIES[0], Damaged.request("text"), ENTRIES[2]]


def test_a_damaged_snapshot_costs_its_model(
    url: str, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told by the model's name and version, and set aside in a private file."""
    monkeypatch.chdir(tmp_path)
    store = opened(url)
    store.save(STATES)
    store.close()
    changed(url, "UPDATE driftline_snapshots SET body = :noise WHERE model LIKE '%shop%'", noise=b"\xc1")
    store = opened(url)
    found = store.snapshots()
    (damaged,) = (each for each in found if isinstance(each, Damaged))
    path = store.set_aside(damaged)

    assert len(found) == len(STATES)
    assert damaged.what == "the state of model churn 2, which begins anew"
    assert path.resolve().parent == tmp_path
    assert path.read_bytes() == b"\xc1"
    assert path.stat().st_mode & 0o777 == 0o600


NAMES = '["churn", "", []]'
SCHEMA_1 = (
    "CREATE TABLE driftline_meta (key VARCHAR(64) NOT NULL, value VARCHAR(64) NOT NULL, PRIMARY KEY (key))",
    (
        "CREATE TABLE driftline_journal (id {serial} NOT NULL, received BIGINT NOT NULL, signal VARCHAR(16) NOT NULL, "
        "body {bytes} NOT NULL, PRIMARY KEY (id))"
    ),
    (
        "CREATE TABLE driftline_snapshots (id VARCHAR(32) NOT NULL, model TEXT NOT NULL, body {bytes} NOT NULL, "
        "PRIMARY KEY (id))"
    ),
    (
        "CREATE TABLE driftline_references (id VARCHAR(1024) NOT NULL, point {bytes} NOT NULL, body {bytes} NOT NULL, "
        "PRIMARY KEY (id, point))"
    ),
    "INSERT INTO driftline_meta VALUES ('schema', '1')",
    "INSERT INTO driftline_journal (received, signal, body) VALUES (1, 'metrics', :request)",
    "INSERT INTO driftline_snapshots VALUES ('5', :model, :state)",
    "INSERT INTO driftline_references VALUES ('r1', :point, :body)",
)
SCHEMA_2 = (
    *SCHEMA_1,
    "ALTER TABLE driftline_journal ADD COLUMN checksum BIGINT",
    "ALTER TABLE driftline_snapshots ADD COLUMN checksum BIGINT",
    f"UPDATE driftline_journal SET checksum = {crc32(b'1metricsone')}",
    f"UPDATE driftline_snapshots SET checksum = {crc32(NAMES.encode() + b'a')}",
    "UPDATE driftline_meta SET value = '2'",
)
SCHEMA_3 = (
    *SCHEMA_2,
    "ALTER TABLE driftline_journal ADD COLUMN tenant VARCHAR(64) NOT NULL DEFAULT ''",
    "ALTER TABLE driftline_snapshots ADD COLUMN tenant VARCHAR(64) NOT NULL DEFAULT ''",
    "DROP TABLE driftline_references",
    (
        "CREATE TABLE driftline_references (id VARCHAR(1024) NOT NULL, point {bytes} NOT NULL, body {bytes} NOT NULL, "
        "tenant VARCHAR(64) NOT NULL DEFAULT '', PRIMARY KEY (id, point, tenant))"
    ),
    "INSERT INTO driftline_references VALUES ('r1', :point, :body, '')",
    "UPDATE driftline_meta SET value = '3'",
)
TYPES = {"sqlite": {"serial": "INTEGER", "bytes": "BLOB"}, "postgresql": {"serial": "BIGSERIAL", "bytes": "BYTEA"}}


@pytest.mark.parametrize("schema", [SCHEMA_1, SCHEMA_2, SCHEMA_3])
def test_a_store_of_an_older_schema(schema: tuple[str, ...], url: str, opened: Open) -> None:
    """What it holds is read, as nobody's in particular; what is added is checked, and may be a tenant's."""
    values = {"request": b"one", "model": NAMES, "state": b"a", "point": b"d1", "body": b"p1"}
    types = TYPES[make_url(url).get_backend_name()]
    changed(url, *(statement.format(**types) if "{" in statement else statement for statement in schema), **values)
    store = opened(url)
    store.append(ENTRIES[1:], {ReferenceKey("acme", "r1"): {b"d1": b"other"}, ReferenceKey("", "r1"): {b"d2": b"p2"}})
    store = reopened(store, url, opened)

    assert list(store.journal()) == ENTRIES
    assert store.snapshots() == [Snapshot("churn", b"a")]
    assert store.references() == {"r1": {b"d1": b"p1", b"d2": b"p2"}}
    assert store.references("acme") == {"r1": {b"d1": b"other"}}
    store.save({}, joins={"acme": SavedJoin(SegmentChanges([(Segment(7, "rows", 1, 1, 4), b"rows")], [6]), b"state")})
    assert (store.waiting("acme"), store.waiting("acme", 7), store.waiting("", 7)) == (b"state", b"rows", None)


def test_what_is_of_a_tenant(url: str, opened: Open) -> None:
    """Requests, states and references are told apart by tenant, though all of their names be equal."""
    acme, mine = JournalEntry(1, "logs", b"x", "acme"), JournalEntry(1, "logs", b"x")
    key = ModelKey("churn", "", ((TENANT_NAME, "acme"),))
    store = opened(url)
    store.append([acme, mine], {ReferenceKey("acme", "r"): {b"d": b"p"}, ReferenceKey("", "r"): {b"d": b"q"}})
    assert list(store.journal()) == [acme, mine]
    store.save({key: b"a", ModelKey("churn"): b"b"}, absent=["acme"])
    store.drop_reference("r")
    store = reopened(store, url, opened)

    assert list(store.journal()) == [acme]
    assert sorted(store.snapshots()) == [Snapshot("churn", b"a", "acme"), Snapshot("churn", b"b")]
    assert (store.references(), store.references("acme")) == ({}, {"r": {b"d": b"p"}})


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5"])
def test_a_schema_that_is_no_number(value: str, url: str) -> None:
    """Damage is told in a line."""
    Store(url).close()
    changed(url, f"UPDATE driftline_meta SET value = '{value}' WHERE key = 'schema'")

    with pytest.raises(StoreError, match=rf": damaged: the schema must be a number \(got '{value}'\)$"):
        Store(url)
