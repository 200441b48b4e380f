"""Checks of what a server has sent against the references: names, types and pairs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from driftline import semconv
from driftline.reference.column_types import BOOLEAN, FLOAT, INTEGER, STRING, TIMESTAMP
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ColumnKey, ProfileColumn
from driftline.sketch.values import read_truth_or_text
from driftline.tools.doctor.finding import Finding, counted, listed, note, ok, problem
from driftline.tools.doctor.traffic import NUMBER, TEXT, ModelTraffic, Traffic

_NUMBERED: Final = re.compile(r"(\D*)(0|[1-9]\d{0,5})")
_NUMERIC: Final = (FLOAT, INTEGER, BOOLEAN, TIMESTAMP)
_MOSTLY: Final = 0.5


def matching(name: str, model: ModelTraffic, references: Sequence[Profile], traffic: Traffic) -> Iterator[Finding]:
    """Whether the model fits its reference."""
    if not references:
        return
    named = [each for each in references if each.model == name]
    reference = next((each for each in named if _serves(each, model)), None)
    if reference is None:
        yield _other_versions(name, model, named) if named else _other_models(name, references)
        if len(references) > 1 or len(traffic.models) > 1:
            return
        reference = references[0]
    if model.columns:
        yield from _inputs(name, model, reference)
        yield from _types(name, model, reference)
        yield from _pairs(name, model, reference)


def _serves(reference: Profile, model: ModelTraffic) -> bool:
    """A reference without a version serves all of them."""
    return not reference.version or reference.version in model.versions


def _other_versions(name: str, model: ModelTraffic, named: Sequence[Profile]) -> Finding:
    served = listed(sorted(filter(None, model.versions)))
    return problem(
        "matching",
        f"{name} is served as {f'version {served}' if served else 'no version'}; "
        f"its reference is of {listed(sorted(each.version for each in named))}",
        "set DRIFTLINE_MODEL_VERSION to that of the reference, or profile without --version",
    )


def _other_models(name: str, references: Sequence[Profile]) -> Finding:
    models = sorted({each.model for each in references})
    near = (get_close_matches(name, models, 1, 0.0) or models)[0]
    return problem(
        "matching",
        f"{name} has no reference; there is one of {listed(list(map(repr, models)))}",
        f"set DRIFTLINE_MODEL_NAME={near}, or profile with --model {name}",
    )


def _inputs(name: str, model: ModelTraffic, reference: Profile) -> Iterator[Finding]:
    """The names of inputs on both sides."""
    expected = _input_names(column.key for column in reference.columns)
    arrived = _input_names(model.columns)
    missing = [column for column in expected if column not in arrived]
    unknown = [column for column in arrived if column not in expected]
    if not missing and not unknown:
        yield ok("matching", f"{name}: all {counted(len(expected), 'input')} of the reference arrive")
    elif (numbered := _in_order(arrived)) and len(numbered) == len(expected):
        yield note(
            "matching",
            f"{name}: the data has no names: {listed(numbered)} are taken for {listed(expected)}, in their order",
            "to be sure, call the model with a DataFrame, or driftline.describe(model, feature_names=[…])",
        )
    else:
        yield from _differences(name, expected, missing, unknown)


def _in_order(names: list[str]) -> list[str]:
    """Names that are but numbers, from 0 or 1 on behind one prefix, in their order; nothing for any others."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    numbers = sorted(int(each[2]) for each in found if each)
    prefixes = {each[1] for each in found if each}
    if (
        len(prefixes) != 1
        or len(numbers) != len(names)
        or numbers
        not in (
            list(range(len(names))),
            list(range(1, len(names) + 1)),
        )
    ):
        return []
    return [f"{prefix}{number}" for prefix in prefixes for number in numbers]


def _input_names(keys: Iterable[ColumnKey]) -> list[str]:
    return [key.name for key in keys if key.target == semconv.TARGET_INPUT]


def _differences(name: str, expected: list[str], missing: list[str], unknown: list[str]) -> Iterator[Finding]:
    if missing:
        how_many = "none" if len(missing) == len(expected) else f"{len(expected) - len(missing)}"
        near = {each: found[0] for each in missing if (found := get_close_matches(each, unknown, 1))}
        hints = [f"{arrives} is perhaps {each}" for each, arrives in near.items()]
        yield problem(
            "matching",
            f"{name}: {how_many} of the {len(expected)} inputs of the reference arrive; missing: {listed(missing)}",
            f"{listed(hints)}: rename on one side" if hints else "send these inputs, or profile what is served",
        )
    if unknown:
        yield problem(
            "matching",
            f"{name}: not in the reference, so not judged: {listed(unknown)}",
            "profile the training data with these columns, or rename them",
        )


def _types(name: str, model: ModelTraffic, reference: Profile) -> Iterator[Finding]:
    """Columns that arrive as another type than in training."""
    for column in reference.columns:
        found = model.columns.get(column.key)
        wrong = None if found is None else _wrong_kind(column)
        if found is None or wrong is None or found.share(wrong) <= _MOSTLY:
            continue
        yield problem(
            "types",
            f"{name}: {column.key.name} arrives as {found.kind}, and was {column.type} in training",
            f"pass {column.type} values; numbers that are codes: driftline profile --categorical {column.key.name}",
        )


def _wrong_kind(column: ProfileColumn) -> str | None:
    """What a column of this type is never read from; None if it may be anything."""
    if column.type in _NUMERIC:
        return TEXT
    names_numbers = any(read_truth_or_text(category) is not None for category in column.categories)
    return NUMBER if column.type == STRING and not names_numbers else None


def _pairs(name: str, model: ModelTraffic, reference: Profile) -> Iterator[Finding]:
    """Pairs of inputs are counted by a server that knows the reference."""
    if reference.pairs and not model.pairs:
        yield problem(
            "pairs",
            f"{name}: none of the {counted(len(reference.pairs), 'pair')} of inputs in the reference is counted",
            "set DRIFTLINE_REFERENCE in the server to the reference, to find broken correlations",
        )
    elif reference.pairs:
        yield ok("pairs", f"{name}: {counted(len(model.pairs), 'pair')} of inputs counted")


def unused(references: Sequence[Profile], traffic: Traffic) -> Iterator[Finding]:
    """References of models that sent nothing, where others matched."""
    matched = {each.model for each in references} & traffic.models.keys()
    for model in sorted({each.model for each in references} - matched) if matched else ():
        yield note("references", f"the reference of {model!r} is not used: no such model sent anything")
