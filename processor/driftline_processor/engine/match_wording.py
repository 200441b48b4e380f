"""What does not match between models and references, in words: what is so, and what would change it."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from driftline.semconv import TARGET_INPUT
from driftline_processor.engine.ingest_report import describe_model
from driftline_processor.engine.matching import ModelMatch, NameResolution, UnusedReference, in_order
from driftline_processor.records import ModelKey, Reference

_MOST_NAMED: Final = 10

Fact = tuple[str, ...]
"""What has been said of a model: each is said once."""


def match_notices(match: ModelMatch, reference: Reference, said: set[Fact]) -> Iterator[str]:
    """What does not match, one line each; what is in `said` is left out, and what is new is added to it."""

    def new(kind: str, names: Collection[str]) -> list[str]:
        found = [name for name in names if (kind, name) not in said]
        said.update((kind, name) for name in found)
        return found

    model = describe_model(match.model)
    inputs = [key.name for key in reference.columns if key.target == TARGET_INPUT]
    missing_inputs = [name for name in match.missing if name in set(inputs)]
    if match.names is NameResolution.POSITION and new("position", [reference.id]):
        yield f"{model}: {_by_position(reference, match.numbered)}"
    unknown = new("unknown", match.unknown)
    if new("missing", missing_inputs):
        yield f"{model}: {_missing(missing_inputs, inputs, match, reference)}"
    elif unknown and not missing_inputs:
        yield f"{model}: {_unknown(unknown)}"
    if outputs := new("missing", [name for name in match.missing if name not in set(inputs)]):
        yield (
            f"{model}: {listed(outputs)} of the reference {_do(outputs)} not arrive: profile without what this model "
            "does not give, or serve the operation that gives it"
        )
    for column, expected, got in match.types:
        if new("type", [column]):
            yield (
                f"{model}: {column!r} is {expected} in the reference, and most rows hold {got}: convert it before the "
                "model, or profile the data as it is served"
            )
    if pairs := new("pair", match.pairs):
        yield (
            f"{model}: {len(pairs)} {'pairs' if len(pairs) > 1 else 'pair'} of inputs in the reference never arrive, "
            "and no change of their correlation is seen: set DRIFTLINE_REFERENCE where the model is served"
        )


def _by_position(reference: Reference, numbered: Sequence[str]) -> str:
    return (
        f"inputs {listed(numbered)} are taken for those of the reference, in its order: {listed(reference.inputs)}; "
        "fit on a data frame, or pass feature_names to driftline.describe, to be sure of them"
    )


def _missing(missing: Sequence[str], inputs: Sequence[str], match: ModelMatch, reference: Reference) -> str:
    if len(missing) == len(inputs):
        what = f"none of the {len(inputs)} inputs of the reference arrive"
        what = what if len(inputs) > 1 else f"the one input of the reference, {missing[0]!r}, does not arrive"
    else:
        what = (
            f"{len(missing)} of the {len(inputs)} inputs of the reference {_do(missing)} not arrive: {listed(missing)}"
        )
    has = f"; the data has {listed(match.unknown)}" if match.unknown else ""
    meant = ", ".join(f"{name!r} for {other!r}" for name, other in match.suggestions[:_MOST_NAMED])
    meant = f" (is it {meant}?)" if meant else ""
    return f"{what}{has}{meant}: {_remedy(match.unknown, reference)}"


def _remedy(unknown: Sequence[str], reference: Reference) -> str:
    if in_order(unknown):
        return "fit the model on a data frame, or pass the names as feature_names to driftline.describe"
    if in_order(reference.inputs):
        return "profile the training data with the names of its columns"
    return "use one name in the training data and in requests, or profile the data as it is served"


def _unknown(names: Sequence[str]) -> str:
    what = f"{listed(names)} {'are' if len(names) > 1 else 'is'} not in the reference, and not judged"
    return f"{what}: profile the training data with {'them' if len(names) > 1 else 'it'} (--keep for what it left out)"


def no_reference_notice(model: ModelKey, nearest: Reference, shared: int, inputs: int) -> str:
    """Of a model without a reference, while there is one that nobody uses.

    shared: how many of the reference's `inputs` the model has.
    """
    alike = f" ({shared} of its {inputs} inputs arrive)" if shared else ""
    return (
        f"{describe_model(model)}: no reference has its name, and reference {_described(nearest)}{alike} is unused: if "
        f"it is this model's, set DRIFTLINE_MODEL_NAME={nearest.name} where it is served, or profile with "
        f"--model {model.name}"
    )


def other_versions_notice(model: ModelKey, versions: Sequence[str]) -> str:
    """Of a model whose reference is of other versions."""
    return (
        f"{describe_model(model)}: no reference for this version, only for {', '.join(map(repr, versions))}: profile "
        "its training data, set DRIFTLINE_MODEL_VERSION where it is served, or profile without --version for all"
    )


def unused_notice(reference: UnusedReference, models: Sequence[str]) -> str:
    """Of a reference that no model uses, while others are served."""
    version = " and version" if reference.version else ""
    return (
        f"reference {_described(reference)} is unused: no model of that name{version} has sent rows, only "
        f"{listed(models)}; check DRIFTLINE_MODEL_NAME and DRIFTLINE_MODEL_VERSION where it is served"
    )


def _described(reference: Reference | UnusedReference) -> str:
    return f"{reference.name!r}{f' version {reference.version!r}' if reference.version else ''}"


def listed(names: Sequence[str]) -> str:
    """Names in a line: ten, and how many more; numbered ones as a range."""
    numbered = in_order(names)
    if len(numbered) > 2:
        return f"{numbered[0]} … {numbered[-1]}"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more


def _do(names: Sequence[str]) -> str:
    return "do" if len(names) > 1 else "does"
