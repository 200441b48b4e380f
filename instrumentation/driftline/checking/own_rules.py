"""Rules of the user's own, in Python or in YAML.

A rule is a condition (`"start <= end"`), a function of the columns, or a mapping:

    - rule: discharge >= admit
      when: status == 'closed'
    - {column: age, min: 0, max: 120}
    - {column: mail, pattern: "[^@]+@[^@]+"}
    - {column: updated_at, within: 2h}
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftline.checking.column_rules import Broken
from driftline.rows.expressions import Columns, Expression
from driftline.sketch.values import aligned, is_missing, text_of

Holds: TypeAlias = Callable[[Columns, int], Any]
"""From columns and the number of rows to what holds: true, false, or NaN where unknown, [rows]."""

_KEYS: Final = ("name", "rule", "when", "column", "min", "max", "pattern", "within", "in")
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
_SECONDS: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_TEXT: Final = 10_000
"""Characters of a value that a pattern is tried on."""


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule of the user's.

    name: as counters and spans have it. column: "" for one of several. needs: the columns that must be there; without
    them every row breaks the rule. when: the rows that it is about, None for all.
    """

    name: str
    column: str
    requirement: str
    needs: tuple[str, ...]
    holds: Holds
    when: Expression | None = None

    def broken(self, columns: Columns, rows: int) -> Broken:
        """The rows that break the rule."""
        lacking = [name for name in self.needs if name not in columns]
        if lacking:
            return Broken(self.name, f"needs the column {lacking[0]!r}", np.ones(rows, bool))
        held = np.broadcast_to(np.asarray(self.holds(columns, rows), np.float64), (rows,))
        about = True if self.when is None else self.when.truth(columns, rows) == 1.0
        return Broken(self.name, self.requirement, (held == 0.0) & about)


def read_rules(given: Iterable[Any] | str | Path) -> tuple[OwnRule, ...]:
    """Read rules.

    Args:
        given: conditions, functions and mappings; or the path of a YAML file with a list of conditions and mappings.

    Returns:
        The rules, in this order.

    Raises:
        ValueError: one is not valid; the message names its number, the rule that it breaks, and the value.
        OSError: the file cannot be read.

    """
    if isinstance(given, (str, Path)):
        return _read_file(Path(given))
    return tuple(_numbered(number, each) for number, each in enumerate(given, 1))


def _read_file(path: Path) -> tuple[OwnRule, ...]:
    try:
        import yaml
    except ImportError:
        raise ValueError(f"{path}: rules in YAML need PyYAML (pip install pyyaml)") from None
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: must be YAML ({' '.join(str(error).split())})") from None
    if not isinstance(found, list):
        raise ValueError(f"{path}: must be a list of rules (got {type(found).__name__})")  # noqa: TRY004  # of a value
    try:
        return read_rules(found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _numbered(number: int, given: Any) -> OwnRule:
    try:
        return _rule(given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"rule {number}: {error}") from None


def _rule(given: Any) -> OwnRule:
    if isinstance(given, OwnRule):
        return given
    if isinstance(given, str):
        return _condition(given, {})
    if callable(given):
        return _function(given)
    if not isinstance(given, Mapping):
        raise ValueError(f"must be a condition, a function or a mapping (got {given!r})")  # noqa: TRY004  # of a value
    if unknown := set(given) - set(_KEYS):
        raise ValueError(f"must have no keys but {', '.join(_KEYS)} (got {', '.join(sorted(map(str, unknown)))})")
    if "rule" in given:
        return _condition(_text(given, "rule"), given)
    return _on_column(_text(given, "column"), given)


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}: must be a non-empty string (got {value!r})")
    return value.strip()


def _when(given: Mapping[str, Any]) -> Expression | None:
    return Expression(_text(given, "when")) if "when" in given else None


def _condition(text: str, given: Mapping[str, Any]) -> OwnRule:
    expression, when = Expression(text), _when(given)
    requirement = f"must hold: {text}" + (f", when {when.text}" if when else "")
    return OwnRule(str(given.get("name", text)), "", requirement, _needs(expression, when), expression.truth, when)


def _needs(*conditions: Expression | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in conditions if each is not None for name in each.names))


def _function(function: Callable[[Columns], Any]) -> OwnRule:
    name = getattr(function, "__name__", type(function).__name__)

    def holds(columns: Columns, rows: int) -> Any:
        del rows
        return function(columns)

    documentation = (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]
    return OwnRule(name, "", f"must hold: {documentation or name}", (), holds)


def _on_column(column: str, given: Mapping[str, Any]) -> OwnRule:
    found = [key for key in _COLUMN_RULES if key in given]
    if not found:
        raise ValueError(f"must have one of {', '.join(('rule', *_COLUMN_RULES))} (got {dict(given)!r})")
    made = [_COLUMN_RULES[key](given[key]) for key in found]
    when = _when(given)
    needs = tuple(dict.fromkeys((column, *_needs(when))))

    def holds(columns: Columns, rows: int) -> Any:
        del rows
        told = [np.asarray(test(columns[column]), np.float64) for _, test in made]
        return np.min(np.stack(told), axis=0)  # NaN, an unknown, goes through

    requirement = " and ".join(text for text, _ in made) + (f", when {when.text}" if when else "")
    return OwnRule(str(given.get("name", "/".join(found))), column, f"must {requirement}", needs, holds, when)


_Test: TypeAlias = tuple[str, Callable[[NDArray[Any]], Any]]


def _at_least(value: Any) -> _Test:
    least = _number(value)
    return f"be at least {value}", lambda values: _known(x := aligned(values), x >= least)


def _at_most(value: Any) -> _Test:
    most = _number(value)
    return f"be at most {value}", lambda values: _known(x := aligned(values), x <= most)


def _number(value: Any) -> float:
    found = aligned(np.array([value], object))
    if not np.isfinite(found[0]):
        raise ValueError(f"must be a number or a time (got {value!r})")
    return float(found[0])


def _known(x: NDArray[Any], held: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(np.isnan(x), np.nan, held)


def _pattern(value: Any) -> _Test:
    try:
        whole = re.compile(value)
    except (re.error, TypeError) as error:
        raise ValueError(f"pattern: must be a regular expression: {error} (got {value!r})") from None

    def matches(item: Any) -> float:
        if is_missing(item):
            return np.nan
        return float(whole.fullmatch(text_of(item)[:_LONGEST_TEXT]) is not None)

    return f"match {value!r}", lambda values: np.array([matches(each) for each in values.tolist()], np.float64)


def _within(value: Any) -> _Test:
    found = _DURATION.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"within: must be a duration such as 90s, 15m, 2h or 1d (got {value!r})")
    longest = float(found[1]) * _SECONDS[found[2]]
    return (
        f"be within the last {value}",
        lambda values: _known(x := aligned(values), x >= time.time() - longest),
    )


def _one_of(value: Any) -> _Test:
    if not isinstance(value, (list, tuple, set, frozenset)) or not value:
        raise ValueError(f"in: must be a list of values (got {value!r})")
    names = {text_of(each) for each in value}

    def among(item: Any) -> float:
        return np.nan if is_missing(item) else float(text_of(item) in names)

    shown = ", ".join(map(repr, value))
    return f"be one of {shown}", lambda values: np.array([among(each) for each in values.tolist()], np.float64)


_COLUMN_RULES: Final[Mapping[str, Callable[[Any], _Test]]] = {
    "min": _at_least,
    "max": _at_most,
    "pattern": _pattern,
    "within": _within,
    "in": _one_of,
}
