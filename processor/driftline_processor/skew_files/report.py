"""A comparison of two sides: its result, as JSON and as lines for people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from driftline.reference.tolerances import tolerance_of
from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.skew.comparison import FeatureSkew, compare, mark_one_hot
from driftline_processor.skew.joining import join
from driftline_processor.skew.staleness import History
from driftline_processor.skew_files.sides import FileSide, SkewError


@dataclass(frozen=True, slots=True)
class SkewReport:
    """rows: joined. only_served, only_recomputed: ids that the other side lacks. notes: lines for the user."""

    rows: int
    only_served: int
    only_recomputed: int
    columns: Mapping[str, FeatureSkew]
    notes: tuple[str, ...] = ()

    @property
    def is_skewed(self) -> bool:
        return any(skew.unequal > 0.0 for skew in self.columns.values())

    def as_json(self) -> str:
        document: dict[str, Any] = {
            "rows": self.rows,
            "only_served": self.only_served,
            "only_recomputed": self.only_recomputed,
            "columns": {name: skew._asdict() for name, skew in self.columns.items()},
        }
        return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"

    def lines(self, *, everything: bool = False) -> Iterator[str]:
        yield (f"{self.rows:,} rows joined; {self.only_served:,} only served, {self.only_recomputed:,} only recomputed")
        told = [skew for skew in self.columns.values() if everything or skew.kind is not None]
        yield from (skew.sentence for skew in sorted(told, key=lambda skew: -skew.unequal))
        equal = sum(skew.kind is None for skew in self.columns.values())
        if equal and not everything:
            yield f"{equal} of {len(self.columns)} columns are equal"


def compare_sides(
    served: FileSide, recomputed: FileSide, tolerance: float = 0.0, tolerances: Mapping[str, float] | None = None
) -> SkewReport:
    """Join two sides by their keys and compare the columns that both have.

    Raises:
        SkewError: no row has its match, or no column is on both sides.

    """
    joined = join(served.keys, recomputed.keys)
    common = [name for name in served.features if name in recomputed.features]
    if not len(joined.served):
        raise SkewError("no id is on both sides: is --id the column whose ids predictions were made with?")
    if not common:
        raise SkewError(f"no column is on both sides: served {_few(served)}, recomputed {_few(recomputed)}")
    times = recomputed.times if recomputed.times is not None else _served_times(served, recomputed, joined)
    history = History(joined.recomputed, times, _numbered(recomputed.entities))
    chosen = {name: served.features[name].chosen(joined.served) for name in common}
    own = {name: tolerance_of(name, tolerances or {}) for name in common}
    found = compare(
        chosen,
        {name: recomputed.features[name] for name in common},
        history,
        served.weights[joined.served],
        {name: tolerance if value is None else value for name, value in own.items()},
    )
    notes = (*served.notes, *recomputed.notes, *_lacking(served, recomputed))
    return SkewReport(
        len(joined.served), joined.only_served, joined.only_recomputed, mark_one_hot(found, chosen), notes
    )


def _served_times(served: FileSide, recomputed: FileSide, joined: Any) -> FloatArray | None:
    """The times of predictions, where the recomputed side has none."""
    if served.times is None:
        return None
    times = np.full(len(recomputed.keys.keys), np.nan)
    times[joined.recomputed] = served.times[joined.served]
    return times


def _numbered(entities: Any) -> IntArray | None:
    if entities is None:
        return None
    return np.unique(np.array([str(each) for each in entities.tolist()]), return_inverse=True)[1].reshape(-1)


def _few(side: FileSide) -> str:
    return ", ".join(list(side.features)[:5]) or "nothing"


def _lacking(served: FileSide, recomputed: FileSide) -> Iterator[str]:
    for name, one, other in (("served", served, recomputed), ("recomputed", recomputed, served)):
        if alone := [column for column in one.features if column not in other.features]:
            yield f"Only {name}, so not compared: {', '.join(alone[:10])}" + (" …" if len(alone) > 10 else "")
