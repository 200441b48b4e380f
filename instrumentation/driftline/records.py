"""The record of one model call: all that a framework adapter may say."""

from __future__ import annotations  # numpy is only named here: a helper process that predicts nothing never loads it

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, overload

if TYPE_CHECKING:
    from numpy.typing import NDArray


CLASSIFICATION: Final = "classification"
REGRESSION: Final = "regression"
CLUSTERING: Final = "clustering"
OUTLIER_DETECTION: Final = "outlier_detection"
MULTILABEL: Final = "multilabel_classification"
EMBEDDING: Final = "embedding"


LOST: Final = "lost"
"""Kind of a capture that says only how many rows there were: there was no room for them."""


class Capture(NamedTuple):
    """A private copy of what a model was given, or of what it returned.

    kind: how to read the payload (see `columns.READERS`). layout: captures of the same kind and layout can be joined.
    rows: number of rows. names: names of the columns as they came, None if they have none. size: bytes held.
    """

    kind: str
    payload: Any
    rows: int
    layout: Any
    names: Any
    size: int


SmallArray: TypeAlias = tuple[bytes, Any, tuple[int, ...], int]
"""What is captured of a small array, most often a row: payload, dtype, shape, size.

Every call makes two while the caller waits, and a bare tuple costs a fifth of a named one. `as_capture` turns it into a
Capture in the background.
"""

SIZE: Final = -1
"""Where either kind of capture has its size, for whoever cannot wait until it has a name."""


class NamedColumn(NamedTuple):
    """One named column: values[row]. `classes`: they are names of classes, even where they look like numbers."""

    name: str
    values: NDArray[Any]
    classes: bool = False


class InputFacts(NamedTuple):
    """How a model takes its inputs.

    kind: of all of them (see `tensors.kinds`), None where their shapes tell. name: of the first one. vocabulary: rows
    of its embedding of token ids, 0 where it has none. padding, unknown: those token ids. centroid: [width], mean of
    the embeddings it was trained on.
    """

    kind: str | None = None
    name: str | None = None
    vocabulary: int = 0
    padding: int | None = None
    unknown: int | None = None
    centroid: NDArray[Any] | None = None


TABLE: Final = InputFacts("tabular")
"""Rows of features, however many."""


class ModelFacts(NamedTuple):
    """What is known of a model, found out once.

    type: its class; of a pipeline or search, of the last step. system: the framework. features: names of its inputs,
    None when unknown. width: number of its inputs, None when unknown. outputs: (operation, columns of the raw output,
    head) to named output columns; an adapter's own function. A head is the key of an output, or its position; a model
    with one output has head 0. inputs: how they are read. joined: its outputs are parts of one prediction (a label, its
    probabilities); otherwise each is one, and its columns carry its key or position.
    """

    name: str
    version: str | None
    type: str
    system: str
    task: str | None
    features: tuple[str, ...] | None
    width: int | None
    outputs: Callable[[str, Sequence[NDArray[Any]], int | str], list[NamedColumn]]
    inputs: InputFacts = TABLE
    joined: bool = False


class Prediction(NamedTuple):
    """One outermost model call.

    inputs, outputs: private copies; None when there is nothing to read. Of kind LOST when there was no room to keep it.
    duration: seconds. error: class of the exception that the model raised. span: that of the call, if it has one.
    """

    model: ModelFacts
    operation: str
    rows: int
    inputs: Capture | None
    outputs: Capture | None
    duration: float
    error: str | None
    span: Any

    @property
    def lost(self) -> bool:
        """Whether there was no room for the rows."""
        return any(each is not None and each.kind == LOST for each in (self.inputs, self.outputs))

    @classmethod
    def of(cls, record: CallRecord) -> Prediction:
        model, operation, inputs, outputs, duration, error, span = record
        given, returned = as_capture(inputs), as_capture(outputs)
        taken = given or returned
        return cls(model, operation, taken.rows if taken else 0, given, returned, duration, error, span)


CallRecord: TypeAlias = tuple[
    ModelFacts, str, Capture | SmallArray | None, Capture | SmallArray | None, float, str | None, Any
]
"""What a caller hands over of a Prediction, bare like a SmallArray: its fields but for the rows."""


@overload
def as_capture(taken: Capture | SmallArray) -> Capture: ...
@overload
def as_capture(taken: Capture | SmallArray | None) -> Capture | None: ...
def as_capture(taken: Capture | SmallArray | None) -> Capture | None:
    """The same as a Capture."""
    if taken is None or isinstance(taken, Capture):
        return taken
    payload, dtype, shape, size = taken
    return Capture("bytes", payload, shape[0] if shape else 1, (dtype, shape[1:]), None, size)
