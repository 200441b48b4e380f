"""What differs between the databases that a store can be in."""

from contextlib import AbstractContextManager
from typing import Final, Protocol

from sqlalchemy.engine import URL, Connection, Engine

from driftline_processor.service.store import postgresql, sqlite


class Database(Protocol):
    """A kind of database: a module with these functions."""

    def engine(self, url: URL, wait: float) -> Engine:
        """An engine whose connections are closed when they are given back, and whose commits survive a power loss.

        wait: seconds for locks of others.
        """

    def lock(self, connection: Connection, seconds: float) -> bool:
        """Keeps other processors away while the connection is open; whether nobody else does after so long."""

    def probe(self, connection: Connection) -> None:
        """Fails where the connection, and with it the lock, is lost."""

    def patience(self, connection: Connection, seconds: float) -> AbstractContextManager[None]:
        """Lets a block fail, and loses the connection, where the database does not answer for so long."""


DATABASES: Final[dict[str, Database]] = {"sqlite": sqlite, "postgresql": postgresql}
"""By SQLAlchemy's name of the dialect."""
