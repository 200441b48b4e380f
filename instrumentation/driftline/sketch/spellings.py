"""The names of a category that is a number or a truth value: 1, 1.0, True and true are one.

A column of codes is text in a CSV, integers in a data frame, and floats in the matrix that a model is given.
"""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.arrays import FloatArray
from driftline.sketch.values import class_name, class_names, is_missing, read_truth_or_text

_TRUTHS: Final = {1.0: ("True", "true"), 0.0: ("False", "false")}


def numbers_named(categories: Iterable[str]) -> FloatArray:
    """The number that each category stands for, NaN for one that stands for none."""
    numbers = (read_truth_or_text(name) for name in categories)
    return np.array([math.nan if number is None else number for number in numbers], np.float64)


def spellings(number: float) -> tuple[str, ...]:
    """The names that a number has as a category, that of a class first."""
    return (class_name(number), str(number), *_TRUTHS.get(number, ()))


def number_named(text: str) -> float | None:
    """The number of which a text is one of the names; None for any other text, as 01 or a date."""
    number = read_truth_or_text(text)
    return number if number is not None and math.isfinite(number) and text in spellings(number) else None


def other_spellings(cells: Mapping[str, int]) -> dict[str, int]:
    """The cells of categories that are numbers or truth values, by all names of these."""
    found: dict[str, int] = {}
    for name, cell in cells.items():
        number = number_named(name)
        if number is not None:
            found |= dict.fromkeys(spellings(number), cell)
    return found


def outcome_names(values: NDArray[Any]) -> NDArray[Any]:
    """Classes by name, "" where missing, [rows]: 1, 1.0, True and their spellings as text are one."""
    if values.dtype.kind == "f":
        distinct, at = np.unique(values, return_inverse=True)
        return np.array([_outcome_name(each) for each in distinct.tolist()], object)[at.reshape(-1)]
    return np.array([_outcome_name(each) for each in values.tolist()], object)


def _outcome_name(value: Any) -> str:
    return "" if is_missing(value) else outcome_name(class_name(value))


def told_names(values: NDArray[Any]) -> dict[str, str]:
    """How classes are spelled, by name, of those that are not by it: True is 1 among outcomes, and True in a sketch.

    >>> told_names(np.array([True, False])), told_names(np.array(["1.0", "churned"], object)), told_names(np.ones(3))
    ({'0': 'False', '1': 'True'}, {'1': '1.0'}, {})
    """
    if values.dtype.kind in "fiu":
        return {}
    spelled = class_names(values)
    return {name: each for each in spelled if (name := outcome_name(each)) != each}


@lru_cache(maxsize=1024)
def outcome_name(name: str) -> str:
    """The name of a class by that of its number, where it has one.

    >>> outcome_name("True"), outcome_name("1.0"), outcome_name("01"), outcome_name("churned")
    ('1', '1', '01', 'churned')
    """
    number = number_named(name)
    return name if number is None else class_name(number)
