"""Joins the rows of two sides by the keys of their ids."""

from typing import NamedTuple

import numpy as np

from driftline.rows.keys import Words
from driftline.sketch.arrays import BoolArray, IntArray


class Joined(NamedTuple):
    """served, recomputed: numbers of the rows that are joined. Repeated ids count once, by their first row."""

    served: IntArray
    recomputed: IntArray
    only_served: int
    only_recomputed: int


class Keys(NamedTuple):
    """The key of each row, [rows]; `present` is False where a row has no id."""

    keys: Words
    present: BoolArray

    @property
    def repeated(self) -> int:
        """Rows beside the first of each id."""
        known = self.keys[self.present]
        return len(known) - len(np.unique(known))


def join(served: Keys, recomputed: Keys) -> Joined:
    """Rows of one key, in the order of the served side."""
    (a, first_a), (b, first_b) = _first(served), _first(recomputed)
    _, in_a, in_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    order = np.argsort(first_a[in_a], kind="stable")
    return Joined(first_a[in_a][order], first_b[in_b][order], len(a) - len(in_a), len(b) - len(in_b))


def _first(side: Keys) -> tuple[Words, IntArray]:
    rows = np.flatnonzero(side.present)
    keys, first = np.unique(side.keys[rows], return_index=True)
    return keys, rows[first]
