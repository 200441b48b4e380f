"""Concept drift and worse performance, as verdicts: over the window and longer stretches that end with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from driftline.reference.outcome_profile import ClassOutcomes, NumberOutcomes
from driftline.semconv import TARGET_CONCEPT, TARGET_LABEL, TARGET_PERFORMANCE
from driftline.sketch.arrays import FloatArray
from driftline.sketch.spellings import outcome_name
from driftline.sketch.time_units import SECOND
from driftline_processor.monitors.concept import class_events, error_means
from driftline_processor.monitors.concept.class_events import ClassEvents, Counted
from driftline_processor.monitors.concept.error_means import ErrorMeans
from driftline_processor.monitors.concept.evidence import Evidence
from driftline_processor.performance.intervals import kish_size
from driftline_processor.performance.label_counts import ClassCounts, NumberCounts
from driftline_processor.performance.selection import differs
from driftline_processor.performance.sufficiency import FEWEST_LABELS
from driftline_processor.records import ColumnKey, ColumnResult, Reference
from driftline_processor.verdicts.reasons import NoRows, OutcomesMoved
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm, State, Verdict

SPANS: Final = (1, 2, 4, 8, 16, 32)
"""Windows that are judged together."""

CONCEPT: Final = ColumnKey(TARGET_CONCEPT, "outcomes")
WRONG: Final = ColumnKey(TARGET_PERFORMANCE, "accuracy")
ERRORS: Final = ColumnKey(TARGET_PERFORMANCE, "mae")

ASPECT: Final = "outcome"


class Stretch(NamedTuple):
    """What was counted in some time that ends with the window."""

    start: int
    end: int
    counts: ClassCounts | NumberCounts


class _Found(NamedTuple):
    """The evidence of one finding in one stretch, what it is about, and whether labels are no random sample."""

    stretch: Stretch
    evidence: Evidence
    reason: OutcomesMoved
    selected: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """alpha: false alarms allowed in one evaluation. weighted: whether the chance that a row gets a label is known."""

    alpha: float
    weighted: bool = False


@dataclass(frozen=True, eq=False)
class OutcomeMonitor:
    """Of one reference. reference: how it is judged. label: how the event's label is spelled in training."""

    reference: ClassEvents | ErrorMeans
    label: str = ""

    @classmethod
    def of_reference(cls, reference: Reference) -> "OutcomeMonitor | None":
        """None where the reference knows no outcomes."""
        outcomes = reference.outcomes
        if outcomes is None:
            return None
        seconds = float(reference.ends[-1] - reference.starts[0]) if reference.has_timestamps else 0.0
        found = cls.of(outcomes, seconds * SECOND)
        if isinstance(outcomes, NumberOutcomes):
            return found
        names = (
            name for key, each in reference.columns.items() if key.target == TARGET_LABEL for name in each.categories
        )
        return replace(found, label={outcome_name(name): name for name in names}.get(outcomes.positive, ""))

    @classmethod
    def of(cls, outcomes: ClassOutcomes | NumberOutcomes, duration: float) -> "OutcomeMonitor":
        """duration: of the training data, nanoseconds; 0 without timestamps."""
        if isinstance(outcomes, ClassOutcomes):
            return cls(ClassEvents(outcomes))
        return cls(ErrorMeans(outcomes, duration / max(len(outcomes.chunks), 1)))

    @property
    def keys(self) -> tuple[ColumnKey, ...]:
        """Of the findings."""
        if isinstance(self.reference, ErrorMeans):
            return CONCEPT, ERRORS
        return (CONCEPT, WRONG) if self.reference.outcomes.predicts else (CONCEPT,)

    def judge(
        self, stretches: Sequence[Stretch], alarms: Mapping[ColumnKey, OpenAlarm], limits: Limits
    ) -> tuple[ColumnResult, ...]:
        """A verdict on each finding.

        Args:
            stretches: The window, and longer ones that end with it.
            alarms: That are open.
            limits: The budget.

        """
        material = class_events.MATERIAL if isinstance(self.reference, ClassEvents) else error_means.MATERIAL
        alpha = limits.alpha / len(SPANS) / len(self.keys)
        by_key: dict[ColumnKey, list[_Found]] = {key: [] for key in self.keys}
        for stretch in stretches:
            if _labels(stretch.counts) >= FEWEST_LABELS:
                for key, found in self._findings(stretch, alpha, limits):
                    by_key[key].append(found)
        labels = _labels(stretches[0].counts) if stretches else 0.0
        known = self._known
        return tuple(
            ColumnResult(key, labels, labels, known, {}, {}, {}, _verdict(found, material, alarms.get(key)))
            for key, found in by_key.items()
        )

    @property
    def _known(self) -> float:
        outcomes = self.reference.outcomes
        return float(outcomes.joint.sum() if isinstance(outcomes, ClassOutcomes) else outcomes.sums[:, 0].sum())

    def _findings(self, stretch: Stretch, alpha: float, limits: Limits) -> Iterable[tuple[ColumnKey, _Found]]:
        counts = stretch.counts
        if isinstance(self.reference, ClassEvents):
            assert isinstance(counts, ClassCounts)
            rows, labels = counts.rows.sum(axis=1), counts.labels.sum(axis=(1, 2))
            selected = not limits.weighted and differs(labels, rows)
            doubt = not limits.weighted and float(labels.sum()) < float(rows.sum())
            evidence = self.reference.evidence(_counted(self.reference, counts), alpha)
            every = list(enumerate(evidence))
            if len(self.keys) == 1:
                every.pop()
            for at, each in every:
                found = _Found(stretch, each, _class_reason(self, at, each, doubt=doubt), selected)
                yield CONCEPT, found
                if at == len(evidence) - 1:
                    yield WRONG, found._replace(evidence=each.if_higher())
            return
        assert isinstance(counts, NumberCounts)
        rows = kish_size(float(counts.blocks[0]), counts.squares)
        doubt = not limits.weighted and float(counts.blocks[0]) < float(counts.rows.sum())
        means = self.reference.evidence(counts.blocks, rows, stretch.end - stretch.start, alpha)
        for name, each in zip(error_means.STATISTICS, means, strict=False):
            reason = OutcomesMoved(name, each.before, each.after, selection=doubt)
            yield CONCEPT, _Found(stretch, each, reason, False)
            if name == "size":
                yield ERRORS, _Found(stretch, each.if_higher(), reason, False)


def _labels(counts: ClassCounts | NumberCounts) -> float:
    """As so many rows of equal weight as the labelled ones say."""
    if isinstance(counts, ClassCounts):
        return kish_size(float(counts.weight.sum()), float(counts.squares.sum()))
    return kish_size(float(counts.blocks[0]), counts.squares)


def _counted(events: ClassEvents, counts: ClassCounts) -> Counted:
    """Weighted rows, as so many as they say."""
    total, squares = float(counts.weight.sum()), float(counts.squares.sum())
    weight: FloatArray = counts.weight * (total / squares if squares else 0.0)
    outcomes = events.outcomes
    right = np.einsum("cpp->c", weight) if outcomes.predicts else np.zeros(len(weight))
    rows = weight.sum(axis=(1, 2))
    positive = outcomes.classes.index(outcomes.positive) if outcomes.positive else None
    event = right if positive is None else weight[:, :, positive].sum(axis=1)
    wrong = rows - right if outcomes.predicts else np.zeros(len(weight))
    return Counted(*(events.grouped(each)[None, :] for each in (rows, event, wrong)))


def _class_reason(monitor: OutcomeMonitor, at: int, found: Evidence, *, doubt: bool) -> OutcomesMoved:
    events = monitor.reference
    assert isinstance(events, ClassEvents)
    outcomes = events.outcomes
    if at == len(events.regions):
        return OutcomesMoved("wrong", found.before, found.after, selection=doubt)
    low, high = events.bounds(at)
    what = "label" if outcomes.positive else "right"
    name = monitor.label or outcomes.positive or None
    return OutcomesMoved(what, found.before, found.after, name, low, high, selection=doubt)


def _verdict(found: Sequence[_Found], material: float, alarm: OpenAlarm | None) -> Verdict:
    if not found:
        return Verdict(ASPECT, State.INSUFFICIENT_DATA, 0.0, 0.0, material, 0.0, (NoRows(),), asked=material)
    worst = max(found, key=lambda each: each.evidence.score(material))
    score, evidence = worst.evidence.score(material), worst.evidence
    state = State.HEALTHY
    if score > 1.0:
        state = State.WARNING if worst.selected else State.ALARM
    elif evidence.ratio > 1.0:
        state = State.WARNING
    bounds = [each.evidence.low for each in found if each.evidence.score(material) > 1.0 and not each.selected]
    return Verdict(
        aspect=ASPECT,
        state=state,
        distance=evidence.moved,
        lower_bound=max(evidence.low, 0.0),
        tolerance=material,
        score=score if state is State.ALARM else min(score, 1.0),
        reasons=() if state is State.HEALTHY else (worst.reason,),
        duration=worst.stretch.end - worst.stretch.start,
        largest_bound=max(bounds, default=0.0),
        closing=_closing(found, material, alarm) if state is State.HEALTHY else None,
        asked=material,
    )


def _closing(found: Sequence[_Found], material: float, alarm: OpenAlarm | None) -> ClosingEvidence | None:
    """As soon as rows after the opening show that surely at most half of any move is left."""
    if alarm is None:
        return None
    for stretch in sorted({each.stretch.start for each in found if each.stretch.start >= alarm.opened}):
        at_most = max(each.evidence.high for each in found if each.stretch.start == stretch)
        if at_most <= max(alarm.largest_bound / 2.0, material):
            return ClosingEvidence(stretch, at_most)
    return None
