"""How long a server is waited for: one that is stopped keeps its connections, and TCP finds no fault with them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from threading import Event, Timer

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoAnswerError


@contextmanager
def cut_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Cuts the connection where the block takes longer.

    Raises:
        NoAnswerError: The block has failed because of that.

    """
    with socket(fileno=os.dup(_descriptor(connection))) as wire:  # of our own: the driver's may be another's by then
        late = Event()
        timer = Timer(seconds, _cut, (wire, late))
        timer.daemon = True
        timer.start()
        try:
            yield
        except DBAPIError as error:
            if not late.is_set():
                raise
            raise NoAnswerError(f"no answer for {seconds:g} s") from error
        finally:
            timer.cancel()


def _descriptor(connection: Connection) -> int:
    return int(connection.connection.driver_connection.fileno())  # type: ignore[union-attr]


def _cut(wire: socket, late: Event) -> None:
    """Whoever waits on it is told that the server has gone."""
    late.set()
    with suppress(OSError):
        wire.shutdown(SHUT_RDWR)
