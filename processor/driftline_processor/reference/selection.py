"""Which reference a model is compared with."""

from collections.abc import Iterable
from dataclasses import replace

from driftline.semconv import TARGET_PAIR
from driftline_processor.records import ModelKey, Reference


def choose_reference(references: Iterable[Reference], model: ModelKey) -> Reference | None:
    """The reference of the model's own version, else the one that names no version; of several, the one put last."""
    named = [reference for reference in references if reference.name == model.name]
    for version in (model.version, ""):
        for reference in reversed(named):
            if reference.version == version:
                return reference
    return None


def other_versions(references: Iterable[Reference], model: ModelKey) -> list[str]:
    """The versions that there are references for, where none serves this model."""
    return sorted({reference.version for reference in references if reference.name == model.name})


def without_pairs(reference: Reference) -> Reference:
    """The reference as servers need it that count no pairs of inputs."""
    columns = {key: column for key, column in reference.columns.items() if key.target != TARGET_PAIR}
    return replace(reference, columns=columns)
