"""Outcomes given the score, of classes: each event, a region of scores or all rows predicted wrong, is one 2x2 table.

x of m rows now are held against the rate that the reference has under the same mix of scores, so that scores that move
are no change of the concept.
"""

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Final, NamedTuple

import numpy as np

from driftline.reference.outcome_profile import ClassOutcomes
from driftline.sketch.arrays import FloatArray, IntArray
from driftline_processor.monitors.concept.evidence import Evidence, critical_value, signed_root

GROUPS: Final = 8
"""Of the cells of the score: one that is wide takes a shift within it for a change of the concept."""

FEWEST_CHUNKS: Final = 8
"""Stretches of the reference that tell how outcomes vary by themselves."""

SURE: Final = 1.645
"""Standard errors between what moved and its lower bound."""

MATERIAL: Final = 0.02
"""Share of all rows."""


class Counted(NamedTuple):
    """Rows by group of the score, those with the event, and those predicted wrong, [stretches, groups] each."""

    rows: FloatArray
    events: FloatArray
    wrong: FloatArray


class _Tables(NamedTuple):
    """Of each event, [stretches, events]: rows, those with it, the expected rate; its variances there and now."""

    rows: FloatArray
    found: FloatArray
    expected: FloatArray
    calibration: FloatArray
    own: FloatArray


class _Levels(NamedTuple):
    """How outcomes of the reference vary beyond chance, by length of stretches: rows, degrees of freedom, inflation."""

    rows: FloatArray
    degrees: FloatArray
    inflation: FloatArray


@dataclass(frozen=True, eq=False)
class ClassEvents:
    """The events of one reference. The last one is that rows are predicted wrong."""

    outcomes: ClassOutcomes

    @cached_property
    def first_cells(self) -> IntArray:
        """The first cell of each group; the predicted class never changes within one."""
        rows = self.outcomes.joint.sum(axis=(1, 2))
        middle = (np.cumsum(rows) - rows / 2.0) / max(rows.sum(), 1.0)
        group = np.floor(middle * GROUPS)
        told = self.outcomes.joint.sum(axis=2).argmax(axis=1)
        starts = np.append(True, (np.diff(group) != 0) | (np.diff(told) != 0))
        return np.flatnonzero(starts).astype(np.int64)

    def grouped(self, cells: FloatArray) -> FloatArray:
        """Sums by cell as those by group, along the last axis."""
        return np.asarray(np.add.reduceat(cells, self.first_cells, axis=-1))

    @cached_property
    def regions(self) -> FloatArray:
        """All scores, halves, quarters and eighths of the groups, [regions, groups]."""
        groups = len(self.first_cells)
        cut = np.linspace(0, groups, 9).round().astype(int)
        at = np.arange(groups)
        found = [(at >= cut[a]) & (at < cut[a + wide]) for wide in (8, 4, 2, 1) for a in range(0, 8, wide)]
        return np.unique([each for each in found if each.any()], axis=0).astype(np.float64)

    @cached_property
    def _reference(self) -> Counted:
        return Counted(*(self.grouped(self.outcomes.chunks[:, place]) for place in range(3)))

    @cached_property
    def _rates(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rows, and rates of the event and of wrong predictions, of each group."""
        rows, events, wrong = (each.sum(axis=0) for each in self._reference)
        return rows, (events + 0.5) / (rows + 1.0), (wrong + 0.5) / (rows + 1.0)

    def _tables(self, now: Counted) -> _Tables:
        known, event, wrong = self._rates
        rows, found = now.rows @ self.regions.T, now.events @ self.regions.T
        sums = [
            (np.column_stack((weights * a @ self.regions.T, (weights * b).sum(axis=1))))
            for weights, a, b in (
                (now.rows, event, wrong),
                (now.rows**2, event * (1 - event) / np.maximum(known, 1), wrong * (1 - wrong) / np.maximum(known, 1)),
                (now.rows, event * (1 - event), wrong * (1 - wrong)),
            )
        ]
        rows = np.column_stack((rows, now.rows.sum(axis=1)))
        found = np.column_stack((found, now.wrong.sum(axis=1)))
        some = np.maximum(rows, 1.0)
        return _Tables(rows, found, sums[0] / some, sums[1] / some**2, sums[2] / some)

    @cached_property
    def _levels(self) -> _Levels:
        held, found = self._reference, []
        while len(held.rows) >= FEWEST_CHUNKS:
            tables, number = self._tables(held), len(held.rows)
            squares = (tables.found - tables.rows * tables.expected) ** 2 / np.maximum(tables.rows * tables.own, 1e-9)
            some = np.maximum((tables.rows > 0.0).sum(axis=0), 1)
            squares = np.where(tables.rows > 0.0, squares, 0.0).sum(axis=0) / some * number / (number - 1)
            pooled = squares.mean()
            level = np.maximum(pooled, (pooled + squares) / 2.0)
            found.append((held.rows.sum(axis=1).mean(), number - 1.0, level))
            half = number // 2
            held = Counted(*(each[: 2 * half].reshape(half, 2, -1).sum(axis=1) for each in held))
        if not found:
            rows = max(float(held.rows.sum(axis=1).mean()) if len(held.rows) else 1.0, 1.0)
            return _Levels(np.array([rows]), np.array([4.0]), np.ones((1, len(self.regions) + 1)))
        return _Levels(*(np.array(each) for each in zip(*found, strict=True)))

    @cached_property
    def _inflation(self) -> tuple[FloatArray, FloatArray]:
        """R(n) = phi + tau² n, by event: what stays, and what grows with the rows (two errors beyond none)."""
        levels = self._levels
        weight = levels.degrees / np.maximum(levels.inflation.mean(axis=1), 1.0) ** 2
        mean = weight @ levels.inflation / weight.sum()
        if len(levels.rows) < 3:
            return np.maximum(mean, 1.0), np.zeros_like(mean)
        design = np.column_stack((np.ones_like(weight), levels.rows))
        covariance = np.linalg.pinv(design.T @ (weight[:, None] * design))
        fitted = covariance @ (design.T @ (weight[:, None] * levels.inflation))
        grows = np.where(fitted[1] > np.sqrt(2.0 * max(covariance[1, 1], 0.0)), fitted[1], 0.0)
        return np.maximum(1.0, np.where(grows > 0.0, fitted[0], mean)), grows

    def evidence(self, now: Counted, alpha: float) -> list[Evidence]:
        """Of each event in one stretch, the last one that rows are predicted wrong.

        Args:
            now: One stretch.
            alpha: False alarms allowed in all events together.

        """
        tables, levels = _Tables(*(each[0] for each in self._tables(now))), self._levels
        total = max(float(now.rows.sum()), 1.0)
        some = np.maximum(tables.rows, 1.0)
        known = np.maximum(tables.expected * (1.0 - tables.expected) / np.maximum(tables.calibration, 1e-12), 1.0)
        phi, grows = self._inflation
        order = np.argsort(levels.rows)
        seen = np.array([np.interp(log(total), np.log(levels.rows[order]), each[order]) for each in levels.inflation.T])
        inflation = np.clip(np.maximum(phi + grows * total, seen), 1.0, total)
        of_reference = phi + grows * levels.rows.max()
        nearest = levels.degrees[np.abs(np.log(levels.rows / total)).argmin()]
        degrees = max(4.0, nearest / max(1.0 - 1.0 / max(float(np.median(inflation)), 1.0001), 0.05))
        needed = critical_value(alpha / len(phi), degrees)
        wide = np.sqrt((inflation / some + of_reference / known) / (1.0 / some + 1.0 / known))
        ratio = signed_root(tables.found, some, tables.expected * known, known) / wide / needed
        share = tables.rows / total
        rate = tables.found / some
        error = np.sqrt(np.maximum(tables.own, 0.25 / some) / some + tables.calibration) * np.sqrt(
            np.minimum(inflation, phi)
        )
        moved = np.abs(rate - tables.expected) * share
        off = SURE * error * share
        return [
            Evidence(float(e) if m > 0 else 0.0, float(d), float(d - o), float(d + o), float(p), float(r))
            for e, d, o, p, r, m in zip(ratio, moved, off, tables.expected, rate, tables.rows, strict=True)
        ]

    def bounds(self, event: int) -> tuple[float | None, float | None]:
        """The scores between which an event is, None at either end."""
        if event >= len(self.regions):
            return None, None
        groups = np.flatnonzero(self.regions[event])
        first, last = self.first_cells[groups[0]], groups[-1] + 1
        low = None if first == 0 else float(self.outcomes.edges[int(first) - 1])
        if last >= len(self.first_cells):
            return low, None
        return low, float(self.outcomes.edges[int(self.first_cells[last]) - 1])
