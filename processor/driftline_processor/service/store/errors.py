"""What can go wrong with a store: the store itself, or one request that it can never hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError


class StoreError(Exception):
    """The store cannot be used; the message names it and gives the reason."""


class TakenOverError(StoreError):
    """Another processor has worked on the store since: what this one remembers is out of date, for good."""


class UnstorableError(StoreError):
    """What was to be stored can never be, whenever it comes again; nothing was stored. The message names it."""


DATABASE_ERRORS: Final = (SQLAlchemyError, UnicodeError, OverflowError)
"""What a statement may raise; the last two are of values that a driver cannot encode."""

_VALUES: Final = {"22", "23", "54"}
"""Classes of SQLSTATE: a value is wrong, a constraint is violated, a limit of the database is exceeded."""

_EXTRA: Final = {"psycopg": "pip install 'driftline[postgresql]'"}
"""What brings a driver that is missing."""


@contextmanager
def storing(what: str) -> Iterator[None]:
    """Raises UnstorableError, by this name, where the database rejects values, not the statement."""
    try:
        yield
    except DATABASE_ERRORS as error:
        if not _rejects_values(error):
            raise
        raise UnstorableError(f"{what} cannot be stored: {reason(error)}") from error


def _rejects_values(error: BaseException) -> bool:
    cause = getattr(error, "orig", None) or error
    state = str(getattr(cause, "sqlstate", None) or "")
    return (
        isinstance(error, (DataError, IntegrityError))
        or isinstance(cause, (UnicodeError, OverflowError))
        or state[:2] in _VALUES
    )


def reason(error: BaseException) -> str:
    """The database's own message in one line, without SQLAlchemy's statement, parameters and link."""
    cause = getattr(error, "orig", None) or error
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)  # psycopg's: without the line of the SQL
    message = " ".join(str(primary or cause).split())
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRA:
        return f"{message}: {_EXTRA[error.name]}"
    return "in use by another process" if "database is locked" in message else message
