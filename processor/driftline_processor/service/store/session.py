"""The one connection of a store, which holds the lock that keeps other processors away; begun anew when it is lost."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.engine import Connection

from driftline_processor.config import masked_url
from driftline_processor.service.store.database import DATABASES
from driftline_processor.service.store.errors import DATABASE_ERRORS, StoreError, reason

FIRST_WAIT_SECONDS: Final = 5.0
"""For the lock: a processor that was killed a moment ago may not be known to be dead."""

_NEXT_WAIT_SECONDS: Final = 0.2
"""Later, while senders wait for their answers."""

PROBE_SECONDS: Final = 5.0
"""For the answer of a database that has nothing to do."""

ANSWER_SECONDS: Final = 15.0
"""For a transaction: a database that takes longer does not answer any more."""

BYTES_A_SECOND: Final = 1 << 20
"""The least that a database takes."""


class Session:
    """Not thread-safe. Whatever is committed is committed by the holder of the lock."""

    def __init__(self, url: str, begin: Callable[[Connection], None], locked_out: Callable[[Connection], None]) -> None:
        """Connects.

        Args:
            url: SQLAlchemy URL.
            begin: Called in the first transaction of each connection that holds the lock.
            locked_out: Called where another processor holds it.

        Raises:
            StoreError: It cannot connect, or another processor holds the lock.

        """
        self.name = masked_url(url)
        self._begin, self._locked_out = begin, locked_out
        self._connection: Connection | None = None
        self._wait = FIRST_WAIT_SECONDS
        with self._named():
            parts = make_url(url)
            self._database = DATABASES[parts.get_backend_name()]
            self._engine = self._database.engine(parts, FIRST_WAIT_SECONDS)
            self._connect()
        self._wait = _NEXT_WAIT_SECONDS

    @contextmanager
    def transaction(self, seconds: float = 4 * ANSWER_SECONDS) -> Iterator[Connection]:
        """A transaction of at most so long, committed when the block is left without an error. Raises StoreError."""
        with self._named():
            connection = self._current() or self._connect()
            with self._database.patience(connection, seconds), connection.begin():
                yield connection

    def hold(self) -> bool:
        """Makes sure that the lock is held.

        Returns:
            Whether the connection had to be begun anew.

        Raises:
            StoreError: The lock is lost.

        """
        lost = self._current() is None
        with self.transaction(PROBE_SECONDS) as connection:
            if not lost:
                self._database.probe(connection)
        return lost

    def close(self) -> None:
        """Gives the lock back."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _current(self) -> Connection | None:
        """The connection; None where it is lost. SQLAlchemy would silently take another, without the lock."""
        if self._connection is not None and self._connection.invalidated:
            self.close()
        return self._connection

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        try:
            with self._database.patience(connection, ANSWER_SECONDS):
                self._lock(connection)
                with connection.begin():
                    self._begin(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _lock(self, connection: Connection) -> None:
        with connection.begin():
            locked = self._database.lock(connection, self._wait)
        if not locked:
            with connection.begin():
                self._locked_out(connection)
            raise StoreError(f"store {self.name}: in use by another process")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (*DATABASE_ERRORS, ImportError) as error:
            raise StoreError(f"store {self.name}: {reason(error)}") from error


def seconds_for(bodies: Iterable[bytes]) -> float:
    """For a transaction that writes these."""
    return ANSWER_SECONDS + sum(map(len, bodies)) / BYTES_A_SECOND
