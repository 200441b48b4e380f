"""What `--check` says about a store, which it leaves as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from driftline_processor.records import ModelKey
from driftline_processor.service.store import JournalEntry, Store, StoreError
from driftline_processor.service.store.check import describe_store


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """The first start makes it."""
    said = describe_store(f"sqlite:///{tmp_path}/driftline.db")

    assert said == f"store sqlite:///{tmp_path}/driftline.db: none yet; the first start creates it"
    assert not list(tmp_path.iterdir())


def test_what_is_in_it(tmp_path: Path) -> None:
    """Models, requests, references; and where somebody works on it, that."""
    url = f"sqlite:///{tmp_path}/driftline.db"
    store = Store(url)
    store.save({ModelKey("churn"): b"a", ModelKey("fraud"): b"b"})
    store.append([JournalEntry(1, "traces", bytes(1_500_000))], {"r": {b"1": b"x", b"2": b"y"}})
    assert describe_store(url) == f"store {url}: in use by another process"
    store.close()

    said = "schema 2, 2 models, 1 requests to replay (1.5 MB), 1 references received"
    assert describe_store(url) == f"store {url}: {said}"


@pytest.mark.parametrize("kept", [20_000, 5000, 100])
def test_a_damaged_file(kept: int, tmp_path: Path) -> None:
    """It is an error, told in a line."""
    url = f"sqlite:///{tmp_path}/driftline.db"
    store = Store(url)
    store.append([JournalEntry(1, "traces", bytes(50_000))])
    store.close()
    path = tmp_path / "driftline.db"
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(StoreError, match=r"^store sqlite:.*driftline\.db: [^\n]+$"):
        describe_store(url)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE driftline_meta SET value = '99' WHERE key = 'schema'", "written by a newer Driftline"),
        ("UPDATE driftline_meta SET value = 'x' WHERE key = 'schema'", "damaged: the schema must be a number"),
        ("ALTER TABLE driftline_snapshots DROP COLUMN body", r"damaged: driftline_snapshots must have .*'body'"),
    ],
)
def test_tables_that_no_start_could_read(change: str, said: str, tmp_path: Path) -> None:
    """The check says what the start would say."""
    url = f"sqlite:///{tmp_path}/driftline.db"
    Store(url).close()
    with closing(sqlite3.connect(tmp_path / "driftline.db")) as connection, connection:
        connection.execute(change)

    with pytest.raises(StoreError, match=said):
        describe_store(url)


def test_secrets_are_not_shown() -> None:
    """Neither before the host nor among the parameters."""
    with pytest.raises(StoreError) as error:
        describe_store("postgresql+psycopg2://u:secret@h/d?password=secret&sslmode=require")

    assert "secret" not in str(error.value)
