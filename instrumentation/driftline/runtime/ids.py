"""Ids of model calls, unique over processes."""

import itertools
import secrets
from typing import Final


class Ids:
    """96 random bits of the process, then a count."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """In a forked child: its ids are not its parent's."""
        self._numbers = itertools.count(secrets.randbits(96) << 32)

    def make(self) -> str:
        return f"{next(self._numbers):032x}"


IDS: Final = Ids()
