"""What the store keeps over a restart, and how it says that it cannot."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import create_mock_engine

from driftline_processor.records import ModelKey
from driftline_processor.service import store as store_module
from driftline_processor.service.store import Damaged, JournalEntry, Store, StoreError

Open = Callable[[str], Store]

ENTRIES = [JournalEntry(1, "metrics", b"one"), JournalEntry(2, "traces", b"\x00two"), JournalEntry(3, "logs", b"")]
STATES = {ModelKey("churn"): b"a", ModelKey("churn", "2", (("service.name", "shop"),)): b"b"}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/driftline.db"


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
    store.append(ENTRIES, {"r1": {b"d1": b"p1"}, "r2": {b"d1": b"p1"}})
    store.append(ENTRIES, {"r1": {b"d2": b"p2"}})
    store.save({})
    store = reopened(store, url, opened)
    store.drop_reference("r2")

    assert store.references() == {"r1": {b"d1": b"p1", b"d2": b"p2"}}


def test_append_is_all_or_nothing(url: str, opened: Open) -> None:
    """A transaction that fails leaves nothing behind: the sender will come again with all of it."""
    store = opened(url)
    store.append(ENTRIES[:1], {"r1": {b"d1": b"p1"}})
    with pytest.raises(StoreError, match="UNIQUE constraint failed"):
        store.append(ENTRIES[1:], {"r1": {b"d1": b"again"}})

    assert list(store.journal()) == ENTRIES[:1]


def test_in_memory(opened: Open) -> None:
    """A store in memory works within one process."""
    store = opened("sqlite://")
    store.append(ENTRIES)

    assert list(store.journal()) == ENTRIES


def test_commits_are_on_disk(url: str, opened: Open) -> None:
    """SQLite writes ahead, and waits for the disk: what was acknowledged survives a power loss."""
    store = opened(url)
    with store._engine.connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]

    assert pragmas == ["wal", 2]


def test_second_processor_is_refused(url: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processors on one file would count everything twice."""
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.1)
    first = opened(url)

    with pytest.raises(StoreError, match=r"^store sqlite:.*driftline\.db: in use by another process$"):
        Store(url)
    first.close()
    opened(url)


def test_newer_store_is_left_alone(url: str, tmp_path: Path) -> None:
    """A store of a later version is refused, and not changed."""
    Store(url).close()
    with sqlite3.connect(tmp_path / "driftline.db") as connection:
        connection.execute("UPDATE driftline_meta SET value = '99' WHERE key = 'schema'")
    connection.close()

    with pytest.raises(StoreError, match=r"written by a newer Driftline \(schema 99, supported: 2\)"):
        Store(url)


def test_file_that_is_no_database(url: str, tmp_path: Path) -> None:
    """Another file in its place is named, not overwritten."""
    path = tmp_path / "driftline.db"
    path.write_text("a letter to a friend " * 100)

    with pytest.raises(StoreError, match="file is not a database"):
        Store(url)
    assert path.read_text().startswith("a letter")


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A store that cannot be made says so at the start."""
    with pytest.raises(StoreError, match="unable to open database file"):
        Store(f"sqlite:///{tmp_path}/nowhere/driftline.db")


def test_read_only_file(url: str, tmp_path: Path) -> None:
    """A store that cannot be written is found out at the start, not with the first request."""
    Store(url).close()

    with pytest.raises(StoreError, match=r"driftline\.db"):
        Store(f"sqlite:///file:{tmp_path}/driftline.db?mode=ro&uri=true")


def test_missing_driver_hides_the_password() -> None:
    """What is wrong is told without the secret in the URL."""
    with pytest.raises(StoreError, match=r"^store postgresql\+psycopg2://u:\*\*\*@h/d: No module named 'psycopg2'$"):
        Store("postgresql+psycopg2://u:secret@h/d")


def test_tables_for_postgresql() -> None:
    """The tables are made without anything that only SQLite has."""
    statements: list[str] = []
    engine = create_mock_engine(
        "postgresql+psycopg://", lambda sql, *_: statements.append(str(sql.compile(dialect=engine.dialect)))
    )
    store_module._tables.create_all(engine, checkfirst=False)

    assert len(statements) == 4
    assert "BIGSERIAL" in "".join(statements)
    assert "BYTEA" in "".join(statements)


def test_the_file_is_its_owners_only(url: str, tmp_path: Path, opened: Open) -> None:
    """The journal holds values of rows. A file of before is made private, too; so are those of SQLite beside it."""
    (tmp_path / "driftline.db").touch(0o644)
    opened(url).append(ENTRIES)

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"driftline.db": 0o600, "driftline.db-wal": 0o600}


def changed(tmp_path: Path, *statements: str) -> None:
    """Changes a closed store behind its back."""
    with closing(sqlite3.connect(tmp_path / "driftline.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        *("body = x'00'", "body = x''", "body = 'text'", "received = received + 1"),
        *("signal = 'metrics'", "signal = 'profiles'", "checksum = 1"),
    ],
)
def test_a_damaged_request_costs_itself(change: str, url: str, tmp_path: Path, opened: Open) -> None:
    """Whatever part of its row is not as it was written: it is told, and the others are replayed."""
    store = opened(url)
    store.append(ENTRIES)
    store.close()
    changed(tmp_path, f"UPDATE driftline_journal SET {change} WHERE id = 2")

    found = list(opened(url).journal())
    assert found[::2] == ENTRIES[::2]
    assert isinstance(found[1], Damaged)
    assert found[1].what == "a request in the journal"


def test_a_damaged_snapshot_costs_its_model(url: str, tmp_path: Path, opened: Open) -> None:
    """It is told by the model's name and version, and set aside in a private file."""
    store = opened(url)
    store.save(STATES)
    store.close()
    changed(tmp_path, "UPDATE driftline_snapshots SET body = x'c1' WHERE model LIKE '%shop%'")
    store = opened(url)
    found = store.snapshots()
    (damaged,) = (each for each in found if isinstance(each, Damaged))
    path = store.set_aside(damaged)

    assert len(found) == len(STATES)
    assert damaged.what == "the state of model churn 2, which begins anew"
    assert path.parent == tmp_path
    assert path.read_bytes() == b"\xc1"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_store_of_before_there_were_checksums(url: str, tmp_path: Path, opened: Open) -> None:
    """Schema 1 gets them: what it holds is read, what is added is checked."""
    store = opened(url)
    store.save(STATES)
    store.append(ENTRIES[:2])
    store.close()
    changed(
        tmp_path,
        *(f"ALTER TABLE driftline_{table} DROP COLUMN checksum" for table in ("journal", "snapshots")),
        "UPDATE driftline_meta SET value = '1' WHERE key = 'schema'",
    )
    store = opened(url)
    store.append(ENTRIES[2:])
    store = reopened(store, url, opened)

    assert list(store.journal()) == ENTRIES
    assert {snapshot.body for snapshot in store.snapshots()} == set(STATES.values())


def test_a_schema_that_is_no_number(url: str, tmp_path: Path) -> None:
    """Damage is told in a line."""
    Store(url).close()
    changed(tmp_path, "UPDATE driftline_meta SET value = 'abc' WHERE key = 'schema'")

    with pytest.raises(StoreError, match=r"driftline\.db: damaged: the schema must be a number \(got 'abc'\)$"):
        Store(url)
