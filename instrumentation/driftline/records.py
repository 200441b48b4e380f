"""The record of one model call: everything a framework adapter can report."""

from __future__ import annotations  # numpy is for types only: a process that predicts nothing never loads it

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, overload

from driftline import semconv

if TYPE_CHECKING:
    from numpy.typing import NDArray


CLASSIFICATION: Final = "classification"
REGRESSION: Final = "regression"
CLUSTERING: Final = "clustering"
OUTLIER_DETECTION: Final = "outlier_detection"
MULTILABEL: Final = "multilabel_classification"
EMBEDDING: Final = "embedding"


LOST: Final = "lost"
"""Kind of a capture that only holds the number of rows: the buffer had no room for their values."""


class Capture(NamedTuple):
    """A private copy of a model's input or output.

    kind: how to read the payload (see `blocks.READERS`). layout: captures of one kind and layout can be joined.
    rows: number of rows. names: column names as they came with the data, None without any. size: bytes held.
    """

    kind: str
    payload: Any
    rows: int
    layout: Any
    names: Any
    size: int


SmallArray: TypeAlias = tuple[bytes, Any, tuple[int, ...], int]
"""The capture of a small array, usually a single row: payload, dtype, shape, size.

Every call makes two while the caller waits, and a bare tuple costs a fifth of a named one. `as_capture` turns it into a
Capture in the background.
"""

SIZE: Final = -1
"""Index of the size in either form of capture, for code on the caller's thread."""


class NamedColumn(NamedTuple):
    """One named column: values[row]. `classes`: values are class names, even if they look like numbers."""

    name: str
    values: NDArray[Any]
    classes: bool = False


class InputFacts(NamedTuple):
    """What is known of a model's inputs.

    kind: of all inputs (see `input_kinds`), None to infer it from their shapes. name: of the first input. vocabulary:
    rows of the token embedding, 0 without one. padding, unknown: those token ids. centroid: [width], mean of the
    embeddings the model was trained on.
    """

    kind: str | None = None
    name: str | None = None
    vocabulary: int = 0
    padding: int | None = None
    unknown: int | None = None
    centroid: NDArray[Any] | None = None


TABLE: Final = InputFacts("tabular")
"""Rows of any number of features."""


class ModelFacts(NamedTuple):
    """What is known of a model, determined once.

    type: its class; for a pipeline or search, that of the final estimator. system: the framework. features: input
    names, None if unknown. width: number of inputs, None if unknown. outputs: the adapter's function from (operation,
    columns of the raw output, head) to named output columns. A head is an output's key or position, 0 for a single
    output. inputs: how to read the inputs. joined: the outputs are parts of one prediction (a label and its
    probabilities); otherwise each is its own prediction, and its column names carry its key or position. id: name of
    the input that identifies rows, and is no feature; None without one.
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
    id: str | None = None

    def attributes(self, operation: str) -> dict[str, str]:
        """Metric attributes that identify an operation of the model."""
        version = {} if self.version is None else {semconv.MODEL_VERSION: self.version}
        identity = {semconv.MODEL_NAME: self.name, semconv.SYSTEM_NAME: self.system}
        return {**identity, **version, semconv.OPERATION_NAME: operation}


class Prediction(NamedTuple):
    """One outermost model call.

    inputs, outputs: private copies; None if there is nothing to read, of kind LOST if the buffer had no room.
    duration: seconds. error: class of the exception the model raised. span: of the call, if it has one. token: of the
    call's scope, which holds its number and the ids of its rows. ended: by `time.perf_counter`.
    """

    model: ModelFacts
    operation: str
    rows: int
    inputs: Capture | None
    outputs: Capture | None
    duration: float
    error: str | None
    span: Any
    token: Any = None
    ended: float = 0.0

    @property
    def lost(self) -> bool:
        """Whether the buffer had no room for the rows."""
        given, returned = self.inputs, self.outputs
        return (given is not None and given.kind == LOST) or (returned is not None and returned.kind == LOST)

    @classmethod
    def of(cls, record: CallRecord) -> Prediction:
        model, operation, inputs, outputs, duration, error, span, token, ended = record
        given, returned = as_capture(inputs), as_capture(outputs)
        captured = given or returned
        rows = captured.rows if captured else 0
        return cls(model, operation, rows, given, returned, duration, error, span, token, ended)


CallRecord: TypeAlias = tuple[
    ModelFacts, str, Capture | SmallArray | None, Capture | SmallArray | None, float, str | None, Any, Any, float
]
"""A Prediction without `rows`, as the caller's thread hands it over: a bare tuple, like a SmallArray."""


@overload
def as_capture(captured: Capture | SmallArray) -> Capture: ...
@overload
def as_capture(captured: Capture | SmallArray | None) -> Capture | None: ...
def as_capture(captured: Capture | SmallArray | None) -> Capture | None:
    """Convert either form of capture to a Capture."""
    if captured is None or isinstance(captured, Capture):
        return captured
    payload, dtype, shape, size = captured
    return Capture("bytes", payload, shape[0] if shape else 1, (dtype, shape[1:]), None, size)
