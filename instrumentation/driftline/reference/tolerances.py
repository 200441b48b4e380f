"""How far single columns may move before it matters: by a column's name, or by a pattern of names."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from numbers import Real
from typing import Any, Final

from driftline.reference.errors import ProfileError

RULE: Final = "must be a share of rows between 0 and 1, both excluded"


def tolerance_of(name: str, tolerances: Mapping[str, float]) -> float | None:
    """That of the column's own name, else of the first pattern that matches it; None without any.

    >>> tolerance_of("fraud_card", {"fraud*": 0.001, "fraud_card": 0.002, "*": 0.1})
    0.002
    """
    if name in tolerances:
        return tolerances[name]
    return next((value for pattern, value in tolerances.items() if fnmatchcase(name, pattern)), None)


def unmatched(tolerances: Iterable[str], names: Iterable[str]) -> list[str]:
    """The patterns that none of the names matches."""
    known = list(names)
    return [each for each in tolerances if each not in known and not any(fnmatchcase(name, each) for name in known)]


def is_tolerance(value: Any) -> bool:
    """Whether it is a number between 0 and 1."""
    return not isinstance(value, bool) and isinstance(value, Real) and 0.0 < float(value) < 1.0


def checked(tolerances: Mapping[Any, Any]) -> dict[str, float]:
    """The same as floats. Raises ProfileError, which names the pattern, the rule and the value."""
    for pattern, value in tolerances.items():
        if not isinstance(pattern, str) or not pattern:
            raise ProfileError(f"tolerances: must be by names or patterns of names (got {pattern!r})")
        if not is_tolerance(value):
            raise ProfileError(f"tolerances: that of {pattern!r} {RULE} (got {value!r})")
    return {pattern: float(value) for pattern, value in tolerances.items()}


def parse(text: str) -> tuple[str, float]:
    """`PATTERN=VALUE`. Raises ProfileError."""
    pattern, equals, value = (part.strip() for part in text.rpartition("="))
    if not equals or not pattern:
        raise ProfileError(f"must be PATTERN=VALUE, such as 'fraud*=0.001' (got {text!r})")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not is_tolerance(number):
        raise ProfileError(f"that of {pattern!r} {RULE} (got {value!r})")
    return pattern, number
