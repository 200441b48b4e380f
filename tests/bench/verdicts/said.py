"""What a method says of a window."""

from typing import Final, NamedTuple

BESIDE: Final = " × "
"""Between the two columns of a pair, where a method speaks of one."""


class Said(NamedTuple):
    """alarmed: columns in alarm in this window. opened: those of which somebody is told now, a page each.

    seasons: those that are unusual, and are said to be so by the season.
    """

    alarmed: frozenset[str]
    opened: frozenset[str]
    seasons: frozenset[str] = frozenset()


class Edges:
    """For methods whose alarms have no life: a column opens where it was not in alarm in the window before."""

    def __init__(self) -> None:
        self._before: frozenset[str] = frozenset()

    def said(self, alarmed: frozenset[str]) -> Said:
        said = Said(alarmed, alarmed - self._before)
        self._before = alarmed
        return said
