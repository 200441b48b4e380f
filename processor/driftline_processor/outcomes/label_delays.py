"""How many of the labels of a window have come: the chain ladder, by class.

Actuaries' (Mack 1993, ASTIN Bulletin 23:213): of the cohorts that are old enough, how many labels there were at one age
for each that there was at the age before; what is missing of a younger cohort follows.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.time_units import HOUR, SECOND

AGES: Final = 104
"""Ages of labels are told apart by quarter powers of two of seconds, up to two years."""

_A_DOUBLING: Final = 4

_NEARLY_ALL: Final = 0.995
"""Of the labels: the few that take longer are left out of account."""

MOST_CLASSES: Final = 20
"""Classes that have a ladder of their own; the others, and all numbers, share one."""

_LEAST: Final = 0.05
"""Of a class's labels: fewer say nothing of how many will come."""


@dataclass(slots=True)
class LabelDelays:
    """counts: labels by class, hour of the prediction and age: class -> (hour, age) -> labels."""

    counts: dict[str, Counter[tuple[int, int]]] = field(default_factory=dict)

    def add(self, classes: Any, predicted: IntArray, labelled: IntArray) -> None:
        """Count labels.

        Args:
            classes: Names, [labels].
            predicted: Times of the predictions, Unix nanoseconds, [labels].
            labelled: When the labels became true, likewise.

        """
        ages = (_A_DOUBLING * np.log2(np.maximum((labelled - predicted) / SECOND, 1.0))).astype(np.int64)
        hours, ages = predicted // HOUR, np.clip(ages, 0, AGES - 1)
        for name in sorted(set(classes.tolist())):
            own = classes == name
            known = name if name in self.counts or len(self.counts) < MOST_CLASSES else ""
            pairs = zip(hours[own].tolist(), ages[own].tolist(), strict=True)
            self.counts.setdefault(known, Counter()).update(pairs)

    def maturity(self, rows: Mapping[int, int], first: int, last: int, now: int) -> float | None:
        """The share that has come of the labels that will come.

        Args:
            rows: Sampled rows by hour, those without a label included.
            first: Hour of the first predictions of a window.
            last: Of the last ones.
            now: Unix nanoseconds.

        Returns:
            None where no predictions are older than nearly all labels were when they came.

        """
        predicted = sum(count for hour, count in rows.items() if first <= hour <= last)
        here = awaited = 0.0
        for counts in self.counts.values():
            share = _final_share(counts, rows, now)
            if share is None:
                return None
            here += sum(labels for (hour, _), labels in counts.items() if first <= hour <= last)
            awaited += share * predicted
        return min(here / awaited, 1.0) if awaited else None

    def forget(self, before: int) -> None:
        """Predictions before, Unix nanoseconds."""
        oldest = before // HOUR
        for name, counts in self.counts.items():
            if min(counts, default=(oldest, 0))[0] < oldest:
                self.counts[name] = Counter({key: labels for key, labels in counts.items() if key[0] >= oldest})

    def pack(self) -> list[Any]:
        """As plain values."""
        return [(name, [(*key, labels) for key, labels in counts.items()]) for name, counts in self.counts.items()]

    @classmethod
    def unpack(cls, packed: Any) -> "LabelDelays":
        """The inverse of `pack`."""
        return cls({name: Counter({(hour, age): n for hour, age, n in held}) for name, held in packed})


def _age(now: int, hour: int) -> int:
    """The greatest age that all predictions of an hour have."""
    seconds = max((now - (hour + 1) * HOUR) / SECOND, 1.0)
    return int(min(_A_DOUBLING * np.log2(seconds), AGES - 1))


def _final_share(counts: Mapping[tuple[int, int], int], rows: Mapping[int, int], now: int) -> float | None:
    """Labels of a class for each row, once all have come; None where that is unknown."""
    hours = sorted({hour for hour, _ in counts} | rows.keys())
    ages = np.array([_age(now, hour) for hour in hours])
    table = np.zeros((len(hours), AGES))
    place = {hour: row for row, hour in enumerate(hours)}
    for (hour, age), labels in counts.items():
        table[place[hour], age] += labels
    developed = _developed(table.cumsum(axis=1), ages)
    if developed is None:
        return None
    share = np.where(ages > 0, developed[np.maximum(ages - 1, 0)], 0.0)
    known = share >= _LEAST
    complete = table.cumsum(axis=1)[np.arange(len(hours)), np.maximum(ages - 1, 0)]
    of_rows = sum(rows.get(hour, 0) for hour, old in zip(hours, known.tolist(), strict=True) if old)
    return float((complete[known] / share[known]).sum() / of_rows) if of_rows else None


def _developed(table: FloatArray, ages: IntArray) -> FloatArray | None:
    """The share of labels that have come by the end of each age, [AGES]; None where no hour is old enough.

    Args:
        table: Labels by hour, of at most each age, [hours, AGES].
        ages: Of the hours; younger labels than that have all come, [hours].

    """
    total = table.sum(axis=0)
    oldest = int(np.argmax(total >= _NEARLY_ALL * total[-1]))
    if ages.max() <= oldest:
        return None
    shares = np.ones(AGES)
    for age in range(oldest, 0, -1):
        grown, before = (float(table[ages > age, each].sum()) for each in (age, age - 1))
        shares[age - 1] = shares[age] * (before / grown if grown else 1.0)
    return shares
