"""What any score must see through: never, always, and every k-th window."""

from typing import Final

from bench.verdicts.said import Edges, Said
from bench.verdicts.stream import TIME, Columns, Stream


class EveryKth:
    """All columns are in alarm in every k-th window; with 0 never, with 1 always."""

    def __init__(self, k: int) -> None:
        self._k, self._windows, self._edges = k, 0, Edges()
        self.kept, self.seconds = 0, 0.0

    def fit(self, stream: Stream) -> None:
        pass

    def window(self, rows: Columns) -> Said:
        self._windows += 1
        alarmed = self._k > 0 and self._windows % self._k == 0
        return self._edges.said(frozenset(rows) - {TIME} if alarmed else frozenset())


KINDS: Final = {"never": 0, "always": 1, "every 10th": 10}
