"""Which reference each model uses, which none uses, and what has been said about it. Each thing is said once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from driftline.semconv import TARGET_INPUT
from driftline_processor.engine.match_wording import (
    Fact,
    match_notices,
    no_reference_notice,
    other_versions_notice,
    unused_notice,
)
from driftline_processor.engine.matching import Columns, Matching, ModelMatch, UnusedReference, likeness
from driftline_processor.records import ModelKey, Reference
from driftline_processor.reference.selection import choose_reference, other_versions

_MOST_FACTS: Final = 10_000
"""Facts remembered of a model; past them it has more than it makes sense to say."""


_COMPARED: Final = 50
"""Names, and references, that are compared by likeness: there may be thousands, and each takes 50 µs."""


class MatchTracker:
    """References, and how models fit them. size: of a window, nanoseconds."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._references: dict[str, Reference] = {}
        self._latest: dict[ModelKey, ModelMatch] = {}
        self._said: dict[ModelKey, set[Fact]] = {}
        self._notices: list[str] = []
        self._unused: Mapping[str, Reference] = {}
        self._unused_known = False
        self._unused_described: tuple[UnusedReference, ...] | None = None
        self._nearest_to: dict[ModelKey, tuple[Mapping[str, Reference], Reference | None]] = {}
        self._unused_since: dict[str, int] = {}
        self._unused_said: set[str] = set()

    def put(self, reference: Reference) -> None:
        """Adds a reference, or replaces the one of its id."""
        self.drop(reference.id)
        self._references[reference.id] = reference

    @property
    def references(self) -> Iterable[Reference]:
        return self._references.values()

    def drop(self, identity: str) -> None:
        self._references.pop(identity, None)
        self._unused_known = False

    def evict(self, model: ModelKey) -> None:
        """Forgets a model."""
        self._latest.pop(model, None)
        self._said.pop(model, None)
        self._nearest_to.pop(model, None)
        self._unused_known = False

    def models_changed(self) -> None:
        """There are other models than before: other references may be unused, and be like other names."""
        self._unused_known, self._unused_described = False, None

    def choose(self, model: ModelKey) -> Reference | None:
        """The reference that a model is compared with."""
        return choose_reference(self._references.values(), model)

    def whole(self, reference: Reference) -> Reference:
        """A reference as it was put, with its pairs; a provisional one as it is."""
        return self._references.get(reference.id, reference)

    def note(self, match: ModelMatch, reference: Reference) -> None:
        """Remembers how a model fits its reference, and says what is new."""
        self._latest[match.model] = match
        facts = self._said.setdefault(match.model, set())
        if not match.provisional and len(facts) < _MOST_FACTS:
            self._notices += match_notices(match, reference, facts)

    def note_without(self, match: ModelMatch, columns: Columns, models: Iterable[ModelKey]) -> None:
        """Remembers a model that has no reference of its own, and says which one may be meant for it."""
        model = match.model
        nearest = self._nearest(model, columns, self._find_unused(models))
        self._latest[model] = replace(match, nearest=None if nearest is None else _as_unused(nearest, [model]))
        versions = other_versions(self._references.values(), model)
        if versions:
            self._unused_said.update(key for key, other in self._references.items() if other.name == model.name)
            if self._is_new(model, ("versions", *versions)):
                self._notices.append(other_versions_notice(model, versions))
        elif nearest is not None and self._is_new(model, ("nearest", nearest.id)):
            self._unused_said.add(nearest.id)
            inputs = _inputs(nearest)
            self._notices.append(no_reference_notice(model, nearest, len(inputs & _live(columns)), len(inputs)))

    def note_windows(self, end: int, models: Iterable[ModelKey]) -> None:
        """Says which references have gone unused for a whole window. end: of the newest window judged."""
        every = tuple(models)
        unused = self._find_unused(every)
        self._unused_since = {identity: self._unused_since.get(identity, end) for identity in unused}
        for identity, since in self._unused_since.items():
            if end - since >= self._size and identity not in self._unused_said:
                self._unused_said.add(identity)
                names = sorted({model.name for model in every})
                self._notices.append(unused_notice(_as_unused(unused[identity], every), names))

    def notices(self) -> list[str]:
        """What is new; each line is returned once."""
        notices, self._notices = self._notices, []
        return notices

    def say(self, notice: str) -> None:
        """Adds a line of the engine's own."""
        self._notices.append(notice)

    def matching(self, models: Iterable[ModelKey]) -> Matching:
        """How all of these models fit, and the references that none of them uses."""
        every = tuple(models)
        unused = self._find_unused(every).values()
        if self._unused_described is None:
            self._unused_described = tuple(_as_unused(reference, every) for reference in unused)
        return Matching(tuple(self._latest.get(model, ModelMatch(model)) for model in every), self._unused_described)

    def _find_unused(self, models: Iterable[ModelKey]) -> Mapping[str, Reference]:
        """The same object while they are the same references: what is derived from it is kept."""
        if not self._unused_known:
            chosen = (self.choose(model) for model in models) if self._references else ()
            used = {reference.id for reference in chosen if reference is not None}
            unused = {key: reference for key, reference in self._references.items() if key not in used}
            if unused != self._unused:
                self._unused, self._unused_described = unused, None
            self._unused_known = True
        return self._unused

    def _nearest(self, model: ModelKey, columns: Columns, unused: Mapping[str, Reference]) -> Reference | None:
        """The unused reference with most of the model's inputs, and of several the one with the most similar name."""
        known = self._nearest_to.get(model)
        if known is not None and known[0] is unused:
            return known[1]
        live = _live(columns)

        def alike(reference: Reference) -> tuple[float, float]:
            inputs = _inputs(reference)
            return len(inputs & live) / max(len(inputs), 1), likeness(reference.name, model.name)

        nearest = max(islice(unused.values(), _COMPARED), key=alike, default=None)
        self._nearest_to[model] = unused, nearest
        return nearest

    def _is_new(self, model: ModelKey, fact: Fact) -> bool:
        facts = self._said.setdefault(model, set())
        new = fact not in facts
        facts.add(fact)
        return new


def _inputs(reference: Reference) -> set[str]:
    return {key.name for key in reference.columns if key.target == TARGET_INPUT}


def _live(columns: Columns) -> set[str]:
    return {key.name for key in columns if key.target == TARGET_INPUT}


def _as_unused(reference: Reference, models: Iterable[ModelKey]) -> UnusedReference:
    names = sorted({model.name for model in islice(models, _COMPARED)})
    nearest = max(names, key=lambda name: likeness(name, reference.name), default="")
    return UnusedReference(reference.id, reference.name, reference.version, nearest)
