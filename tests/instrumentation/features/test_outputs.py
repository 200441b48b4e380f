"""What a model returned, as named columns."""

from typing import Any

import numpy as np
import pytest

from driftline.features import outputs
from driftline.records import NamedColumn


def columns(*rows: list[float]) -> list[Any]:
    return list(np.array(rows).T)


def values(found: list[NamedColumn]) -> dict[str, list[Any]]:
    return {
        column.name: np.round(column.values, 6).tolist() if not column.classes else column.values.tolist()
        for column in found
    }


def test_probabilities_of_two_classes() -> None:
    """The class, its probability, and that of the second class."""
    found = outputs.probabilities(columns([0.2, 0.8], [0.9, 0.1]), ["no", "yes"])

    assert values(found) == {"prediction": ["yes", "no"], "confidence": [0.8, 0.9], "score": [0.8, 0.1]}
    assert [column.classes for column in found] == [True, False, False]


def test_probabilities_of_several_classes() -> None:
    """No single score, but entropy and margin; without names, classes are numbered."""
    found = outputs.probabilities(columns([0.2, 0.5, 0.3], [0.0, 0.0, 1.0]), ())

    assert values(found) == {
        "prediction": [1, 2],
        "confidence": [0.5, 1.0],
        "entropy": [1.029653, 0.0],
        "margin": [0.2, 1.0],
    }


def test_labels_that_hold_together_are_scores() -> None:
    """Where a row does not add up to 1, each column is a score of its own."""
    found = outputs.probabilities(columns([0.9, 0.8], [0.1, 0.2]), ["a", "b"])

    assert values(found) == {"score.0": [0.9, 0.1], "score.1": [0.8, 0.2]}


def test_logarithms_of_probabilities() -> None:
    """As the probabilities themselves."""
    found = outputs.log_probabilities(columns([np.log(0.25), np.log(0.75)]), [0, 1])

    assert values(found) == {"prediction": [1], "confidence": [0.75], "score": [0.75]}


@pytest.mark.parametrize(
    ("given", "classes", "expected"),
    [
        (columns([0.5], [-1.0]), [0, 1], {"score": [0.5, -1.0]}),
        (columns([0.5, 2.0, 1.0]), ["a", "b", "c"], {"prediction": ["b"], "score": [2.0]}),
        (columns([1.0, 2.0, 3.0]), ["a", "b"], {"score.0": [1.0], "score.1": [2.0], "score.2": [3.0]}),
    ],
)
def test_decision_values(given: list[Any], classes: list[Any], expected: dict[str, list[Any]]) -> None:
    """One column is the score; a column a class names the class; anything else is numbered."""
    assert values(outputs.scores(given, classes)) == expected


@pytest.mark.parametrize(
    ("task", "classes"), [("classification", True), ("clustering", True), ("regression", False), (None, False)]
)
def test_results_are_names_or_numbers_as_the_task_says(task: str | None, classes: bool) -> None:
    """A class that is a number is a name."""
    (column,) = outputs.results(columns([1.0]), task)

    assert column.classes is classes
