"""What `--check` says about a store, which it leaves as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgpack
import pytest

from driftline_processor.records import ModelKey
from driftline_processor.service.store import JournalEntry, ReferenceKey, Store, StoreError
from driftline_processor.service.store.check import describe_store
from driftline_processor.service.store.tables import SCHEMA

STATE = msgpack.packb({"form": 4})


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """The first start makes it."""
    said = describe_store(f"sqlite:///{tmp_path}/driftline.db")

    assert said == f"store sqlite:///{tmp_path}/driftline.db: none yet; the first start creates it"
    assert not list(tmp_path.iterdir())


def test_what_is_in_it(tmp_path: Path) -> None:
    """Models, requests, references; and where somebody works on it, that."""
    url = f"sqlite:///{tmp_path}/driftline.db"
    store = Store(url)
    store.save({ModelKey("churn"): STATE, ModelKey("fraud"): STATE})
    store.append([JournalEntry(1, "traces", bytes(1_500_000))], {ReferenceKey("", "r"): {b"1": b"x", b"2": b"y"}})
    assert describe_store(url) == f"store {url}: in use by another process"
    store.close()

    said = "schema 5, 2 models, 1 requests to replay (1.5 MB), 1 references received"
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
        ("DROP TABLE driftline_journal", "damaged: no table driftline_journal; the next start begins it anew"),
        (
            "UPDATE driftline_snapshots SET checksum = NULL, body = x'81a4666f726d63'",
            r"snapshot: form must be 2 or 3 or 4, got 99 \(written by another version\)",
        ),
        ("ALTER TABLE driftline_snapshots DROP COLUMN body", r"damaged: driftline_snapshots must have .*'body'"),
    ],
)
def test_tables_that_no_start_could_read(change: str, said: str, tmp_path: Path) -> None:
    """The check says what the start would say."""
    url = f"sqlite:///{tmp_path}/driftline.db"
    store = Store(url)
    store.save({ModelKey("churn"): STATE})
    store.close()
    with closing(sqlite3.connect(tmp_path / "driftline.db")) as connection, connection:
        connection.execute(change)

    with pytest.raises(StoreError, match=said):
        describe_store(url)


def test_rows_that_are_damaged(tmp_path: Path) -> None:
    """They are named, and left where they are: a start goes on without them."""
    url = f"sqlite:///{tmp_path}/driftline.db"
    store = Store(url)
    store.save({ModelKey("churn", "2"): STATE, ModelKey("fraud"): STATE, ModelKey("rent"): b"\xc1"})
    store.append([JournalEntry(number, "traces", b"request") for number in range(50)])
    store.close()
    with closing(sqlite3.connect(tmp_path / "driftline.db")) as connection, connection:
        connection.execute("UPDATE driftline_snapshots SET body = x'00' WHERE model LIKE '%churn%'")
        connection.execute("UPDATE driftline_journal SET received = 7 WHERE id = 30")
    said = describe_store(url)

    _, _, damaged = said.partition("; damaged, set aside by the next start: ")
    assert set(damaged.split(", ")) == {
        *("the state of model churn 2", "the state of model rent", "which begins anew", "a request in the journal")
    }
    assert said == describe_store(url)


def test_a_store_without_its_schema(tmp_path: Path) -> None:
    """The row is lost; the columns tell that it was the current one."""
    url = f"sqlite:///{tmp_path}/driftline.db"
    Store(url).close()
    with closing(sqlite3.connect(tmp_path / "driftline.db")) as connection, connection:
        connection.execute("DELETE FROM driftline_meta")

    assert f"schema {SCHEMA}, 0 models" in describe_store(url)
    Store(url).close()


def test_secrets_are_not_shown() -> None:
    """Neither before the host nor among the parameters."""
    with pytest.raises(StoreError) as error:
        describe_store("postgresql+psycopg2://u:secret@h/d?password=secret&sslmode=require")

    assert "secret" not in str(error.value)
