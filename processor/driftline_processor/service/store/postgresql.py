"""A store in PostgreSQL: an advisory lock of the session that writes keeps other processors away."""

from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL, Connection, Engine, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from driftline_processor.service.store.patience import cut_after

_CONNECT: Final = {
    "connect_timeout": 3,
    # A server that is gone without a word is noticed within 15 s.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
"""libpq's parameters, in seconds and milliseconds; those in the URL come first."""

_SESSION: Final = (
    "SET statement_timeout = '30s'",
    # So does the server notice that we are gone, and gives the lock to the next. Ignored by Unix sockets.
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 2",
    # A commit survives a power loss whatever the server's default: what is acknowledged is durable.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)

_KEY: Final = "hashtextextended('driftline store ' || current_schema(), 0)"
"""Of the lock: tables of the same names in another schema are another store."""

_LOCKS: Final = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)

_LOCK_NOT_AVAILABLE: Final = "55P03"
_READ_ONLY: Final = "25006"


def engine(url: URL, _wait: float) -> Engine:
    """By psycopg 3 where the URL names no driver."""
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    options = {key: value for key, value in _CONNECT.items() if key not in url.query}
    made = create_engine(
        url, poolclass=NullPool, connect_args=options if url.get_driver_name().startswith("psycopg") else {}
    )
    event.listen(made, "handle_error", _leave_a_standby)
    return made


def lock(connection: Connection, seconds: float) -> bool:
    """The lock is the session's: whoever can commit on this connection holds it."""
    for statement in _SESSION:
        connection.execute(text(statement))
    connection.execute(text(f"SET LOCAL lock_timeout = {max(int(seconds * 1000), 1)}"))
    try:
        connection.execute(text(f"SELECT pg_advisory_lock({_KEY})"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def probe(connection: Connection) -> None:
    """A round trip."""
    connection.execute(text("SELECT 1"))


def patience(connection: Connection, seconds: float) -> AbstractContextManager[None]:
    """On our side: `statement_timeout` is the server's, and a server that was stopped does not look at the time."""
    return cut_after(connection, seconds)


def in_use(connection: Connection) -> bool:
    """Whether a processor holds the lock."""
    return bool(connection.scalar(text(f"{_LOCKS} AND (classid::bigint << 32 | objid::bigint) = {_KEY}")))


def _leave_a_standby(context: ExceptionContext) -> None:
    """A server that became a standby keeps its connections: the next may lead to the one that writes now."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True
