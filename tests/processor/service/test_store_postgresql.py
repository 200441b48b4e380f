"""A store in PostgreSQL: one owner at a time, whatever becomes of the connection and the server."""

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from sqlalchemy import make_url

from driftline_processor.service.store import JournalEntry, Store, StoreError, TakenOverError, postgresql, session
from driftline_processor.service.store.check import describe_store
from driftline_processor.service.store.tables import SCHEMA
from e2e.processes import wait_until
from postgres_cluster import PostgresCluster

ENTRIES = [JournalEntry(number, "traces", bytes([number])) for number in range(3)]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for the lock in vain does not wait for long."""
    monkeypatch.setattr(session, "FIRST_WAIT_SECONDS", 0.1)


@pytest.fixture
def url(postgres: PostgresCluster) -> str:
    return postgres.new_schema()


@pytest.fixture
def database(postgres: PostgresCluster) -> str:
    return postgres.new_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(Store(url)) as store:
        yield store


def test_a_cut_connection_is_begun_anew(store: Store, postgres: PostgresCluster) -> None:
    """What fails says so, then the lock is held again; nothing that was stored is lost."""
    store.append(ENTRIES[:1])
    postgres.cut_connections()
    with pytest.raises(StoreError, match="terminating connection due to administrator command"):
        store.append(ENTRIES[1:2])
    store.append(ENTRIES[2:])

    assert list(store.journal()) == [ENTRIES[0], ENTRIES[2]]


def test_a_cut_connection_is_noticed_without_a_request(store: Store, postgres: PostgresCluster) -> None:
    """`hold` says that the connection is lost, then that there is a new one, then nothing."""
    assert not store.hold()
    postgres.cut_connections()
    with pytest.raises(StoreError):
        store.hold()

    assert store.hold()
    assert not store.hold()


def test_a_server_that_crashes_and_comes_back(store: Store, postgres: PostgresCluster) -> None:
    """Meanwhile every request fails; what was stored before is there after."""
    store.append(ENTRIES[:1])
    postgres.end(signal.SIGQUIT)
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match=r"^store postgresql\+psycopg://[^\n]+$"):
                store.append(ENTRIES[1:2])
    finally:
        postgres.start()
    store.append(ENTRIES[2:])

    assert list(store.journal()) == [ENTRIES[0], ENTRIES[2]]


def test_a_server_that_hangs(store: Store, postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its connections and answers nothing: that is told, with requests and without, and then it is ours."""
    monkeypatch.setattr(session, "PROBE_SECONDS", 0.2)
    store.append(ENTRIES[:1])
    with postgres.stopped(), pytest.raises(StoreError, match=r"no answer for 0\.2 s$"):
        store.hold()
    wait_until(lambda: _is_held(store), "the server has noticed that the connection was cut")
    monkeypatch.setattr(session, "ANSWER_SECONDS", 0.2)
    with postgres.stopped(), pytest.raises(StoreError, match=r"no answer for 0\.2"):
        store.append(ENTRIES[1:2])
    wait_until(lambda: _is_held(store), "the server has noticed that the connection was cut")
    store.append(ENTRIES[2:])

    assert list(store.journal()) in ([ENTRIES[0], ENTRIES[2]], ENTRIES)  # what it was sent it may have written


def _is_held(store: Store) -> bool:
    with suppress(StoreError):
        return not store.hold()
    return False


def test_another_processor_waits_until_the_first_has_gone(store: Store, url: str) -> None:
    """While the first one's session lives nobody else gets in, `--check` says so, and reads all the same."""
    store.append(ENTRIES)
    with pytest.raises(StoreError, match="in use by another process"):
        Store(url)
    said = f"schema {SCHEMA}, 0 models, 3 requests to replay (0.0 MB), 0 references received"
    assert describe_store(url) == f"store {url}: in use by another process, {said}"
    store.close()

    assert describe_store(url) == f"store {url}: {said}"
    with closing(Store(url)) as other:
        assert list(other.journal()) == ENTRIES


def test_who_was_replaced_gives_up(store: Store, url: str, postgres: PostgresCluster) -> None:
    """Another processor got the lock with the connection: the first may write neither then nor after."""
    store.append(ENTRIES[:1])
    postgres.cut_connections()
    with closing(Store(url)) as other:
        other.append(ENTRIES[1:])
        with pytest.raises(StoreError, match="terminating connection"):
            store.append(ENTRIES[2:])
        with pytest.raises(TakenOverError):
            store.append(ENTRIES[2:])
    for attempt in (store.hold, lambda: store.append(ENTRIES), lambda: store.save({})):
        with pytest.raises(TakenOverError, match="another processor took over while the connection was lost"):
            attempt()

    with closing(Store(url)) as other:
        assert list(other.journal()) == ENTRIES


def test_schemas_are_stores_of_their_own(database: str) -> None:
    """Two processors share a database where each has its own search path."""
    one, two = (f"{database}?options=-csearch_path%3D{name}" for name in ("one", "two"))
    with closing(Store(database)) as store, store._session.transaction() as connection:
        for name in ("one", "two"):
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    with closing(Store(one)) as first, closing(Store(two)) as second:
        first.append(ENTRIES)

        assert list(first.journal()) == ENTRIES
        assert list(second.journal()) == []


def test_a_standby_is_left(database: str, postgres: PostgresCluster) -> None:
    """A server that takes no writes any more keeps its connections, but the store is not there."""
    setting = f"ALTER DATABASE {make_url(database).database} {{}} default_transaction_read_only {{}}"
    with closing(Store(database)) as store:
        with store._session.transaction() as connection:
            connection.exec_driver_sql("SET SESSION default_transaction_read_only = on")
        postgres.execute(setting.format("SET", "= on"))
        with pytest.raises(StoreError, match="read-only transaction"):
            store.append(ENTRIES)
        with pytest.raises(StoreError, match="read-only transaction"):
            store.hold()
        postgres.execute(setting.format("RESET", ""))

        assert store.hold()
        store.append(ENTRIES)


@pytest.mark.parametrize(("configured", "found"), [("off", "on"), ("remote_apply", "remote_apply"), ("local", "local")])
def test_commits_are_on_disk(configured: str, found: str, database: str, postgres: PostgresCluster) -> None:
    """A server that would acknowledge before it has written is told not to; what is safer stays."""
    postgres.execute(f"ALTER DATABASE {make_url(database).database} SET synchronous_commit = {configured}")
    with closing(Store(database)) as store, store._session.transaction() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == found


def test_the_driver_is_psycopg(url: str) -> None:
    """A URL need not name it."""
    short = url.replace("postgresql+psycopg", "postgresql")
    with closing(Store(short)) as store:
        store.append(ENTRIES)

    assert postgresql.engine(make_url(short), 1).driver == "psycopg"
    assert "3 requests to replay" in describe_store(short)


def test_a_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start and `--check` say what to install, and no secret."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for attempt in (Store, describe_store):
        with pytest.raises(
            StoreError, match=r"^store postgresql://u:\*+@h/d: .*pip install 'driftline\[postgresql\]'$"
        ):
            attempt("postgresql://u:secret@h/d")


def test_a_server_that_is_not_there() -> None:
    """It is told in one line, without the password."""
    for attempt in (Store, describe_store):
        with pytest.raises(StoreError, match=r"^store postgresql://u:\*+@127.0.0.1:1/d: [^\n]+refused[^\n]+$") as error:
            attempt("postgresql://u:secret@127.0.0.1:1/d")
        assert "secret" not in str(error.value)
