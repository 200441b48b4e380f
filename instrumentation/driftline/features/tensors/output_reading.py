"""How to read a model's outputs: what is known of them, and what is still to be guessed from their values."""

import threading
from collections.abc import Callable
from typing import Any, Final

from numpy.typing import NDArray

from driftline.features.models import Description, WeakIdMap, invalidate_facts
from driftline.features.tensors.output_forms import LOGITS, VECTOR, Guess, known_form, task_of
from driftline.features.tensors.task_evidence import Evidence

_MOST_HEADS: Final = 64

_LOGITS: Final = "logits"
_VECTORS: Final = frozenset({"pooler_output", "embeddings", "image_embeds", "text_embeds", "sentence_embedding"})
"""Names of outputs that are embeddings."""


class OutputReading:
    """How the outputs of one model are read.

    description: the user's description it was created for. on_decision: called, in any thread, when a task was guessed.
    """

    def __init__(self, description: Description, evidence: Evidence, on_decision: Callable[[], None]) -> None:
        self.description = description
        self.classes = evidence.classes
        self.padding = evidence.padding
        self._known_task = description.task or evidence.task
        self._evident = evidence.form if description.task in (None, evidence.task) else None
        self._on_decision = on_decision
        self._guesses: dict[int | str, Guess] = {}
        self._tasks: dict[int | str, str] = {}
        self._lock = threading.Lock()

    @property
    def task(self) -> str | None:
        """As described or evident, else as guessed; None if not known yet, or if the outputs differ."""
        if self._known_task is not None:
            return self._known_task
        found = set(self._tasks.values())
        return found.pop() if len(found) == 1 and self._guesses.keys() <= self._tasks.keys() else None

    @property
    def is_known(self) -> bool:
        """Whether the task is known rather than guessed."""
        return self._known_task is not None

    def form(self, head: int | str, table: NDArray[Any]) -> str | None:
        """The form (see `output_forms`) of an output; None until there are enough rows. table: [width, rows]."""
        form = known_form(self._known_task) or self._evident_form(head, len(table))
        if form is None:
            form = self._guess(head, table)
        if form is not None and head not in self._tasks and len(self._tasks) < _MOST_HEADS:
            self._tasks[head] = task_of(form, len(table))
            if not self.is_known:
                self._on_decision()
        return form

    def _evident_form(self, head: int | str, width: int) -> str | None:
        if head in _VECTORS:
            return VECTOR
        if head not in (0, _LOGITS):
            return None
        return self._evident or (LOGITS if head == _LOGITS and width > 1 else None)

    def _guess(self, head: int | str, table: NDArray[Any]) -> str | None:
        guess = self._guesses.get(head)
        if guess is None:
            if len(self._guesses) >= _MOST_HEADS:
                return None
            guess = self._guesses.setdefault(head, Guess(self._known_task))
        # Spans read outputs on callers' threads, which must not block: under contention the table is ignored.
        if guess.form is None and self._lock.acquire(blocking=False):
            try:
                guess.add(table)
            finally:
                self._lock.release()
        return guess.form


_readings: Final = WeakIdMap()
"""The reading of each model's outputs: guesses outlive the cached facts of the model."""


def reading_of(model: Any, description: Description, evidence: Callable[[], Evidence]) -> OutputReading:
    """The reading of a model, kept until its description changes. evidence: computed for a new one."""
    known: OutputReading | None = _readings.get(model)
    if known is not None and known.description is description:
        return known
    reading = OutputReading(description, evidence(), on_decision=invalidate_facts)
    try:
        _readings.set(model, reading)
    except TypeError:  # not weakly referenceable: guessed anew each time
        return reading
    return reading
