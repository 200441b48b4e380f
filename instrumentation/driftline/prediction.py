"""The record of one model call: all that a framework adapter may say."""

from __future__ import annotations  # numpy is only named here: a helper process that predicts nothing never loads it

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

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


class Capture(Protocol):
    """A private copy of what a model was given, or of what it returned.

    kind: how to read the payload (see `columns.READERS`). layout: captures of the same kind and layout can be joined.
    rows: number of rows. names: names of the columns as they came, None if they have none. size: bytes held.
    """

    @property
    def kind(self) -> str: ...
    @property
    def payload(self) -> Any: ...
    @property
    def rows(self) -> int: ...
    @property
    def layout(self) -> Any: ...
    @property
    def names(self) -> Any: ...
    @property
    def size(self) -> int: ...


class Taken(NamedTuple):
    """A Capture of anything."""

    kind: str
    payload: Any
    rows: int
    layout: Any
    names: Any
    size: int


class SmallArray(NamedTuple):
    """The Capture of a small array, most often a row: as little as can be said on the caller's thread."""

    payload: bytes
    dtype: Any
    shape: tuple[int, ...]
    rows: int
    size: int

    @property
    def kind(self) -> str:
        return "bytes"

    @property
    def layout(self) -> Any:
        return self.dtype, self.shape[1:]

    @property
    def names(self) -> None:
        return None


new_small_array: Final[Callable[[tuple[Any, ...]], SmallArray]] = partial(tuple.__new__, SmallArray)
"""Of its fields in their order, in half the time: one is made for every input and output of every call."""


class Column(NamedTuple):
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


class Model(NamedTuple):
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
    outputs: Callable[[str, Sequence[NDArray[Any]], int | str], list[Column]]
    inputs: InputFacts = TABLE
    joined: bool = False


class Prediction(NamedTuple):
    """One outermost model call.

    inputs, outputs: private copies; None when there is nothing to read. Of kind LOST when there was no room to keep it.
    duration: seconds. error: class of the exception that the model raised. span: that of the call, if it has one.
    """

    model: Model
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


new_prediction: Final[Callable[[tuple[Any, ...]], Prediction]] = partial(tuple.__new__, Prediction)
"""As `new_small_array`."""
