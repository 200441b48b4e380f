"""Whether models and references have found each other: what fits, what does not, and what would fix it."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from driftline_processor.records import ModelKey


class NameResolution(Enum):
    """How the names of live columns became those of the reference."""

    EXACT = "exact"
    POSITION = "position"


class TypeMismatch(NamedTuple):
    """A column most of whose rows are not of the reference's type."""

    column: str
    expected: str
    got: str


class UnusedReference(NamedTuple):
    """A reference that no model has been compared with. nearest: the model name that is most like its own, or ""."""

    id: str
    name: str
    version: str
    nearest: str


@dataclass(frozen=True, slots=True)
class ModelMatch:
    """How a served model fits its reference.

    Columns are named as in results: inputs by their name, outputs as `output <name>`, the label as `label <name>`.

    Attributes:
        model: The served model.
        reference: Id of the reference compared with, its name and its version; None and "" without one.
        provisional: Whether that reference is the model's own first window.
        judged_from: When a provisional reference judges like a training profile, Unix nanoseconds; 0 if it does.
        names: How the names were resolved.
        matched: Columns of the reference that arrive, pairs aside.
        missing: Columns of the reference that do not arrive.
        unknown: Columns that arrive and are not in the reference.
        suggestions: Names in `missing` by the name in `unknown` that is most like it.
        types: Columns whose type differs.
        pairs: Pairs of inputs in the reference that no server counts.
        nearest: The unused reference whose name is most like the model's, where there is no reference.

    """

    model: ModelKey
    reference: str | None = None
    reference_name: str = ""
    reference_version: str = ""
    provisional: bool = False
    judged_from: int = 0
    names: NameResolution = NameResolution.EXACT
    matched: int = 0
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()
    types: tuple[TypeMismatch, ...] = ()
    pairs: tuple[str, ...] = ()
    nearest: UnusedReference | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """All models and all references that none of them uses. Immutable: safe to hand to other threads."""

    models: tuple[ModelMatch, ...] = ()
    unused: tuple[UnusedReference, ...] = ()
