"""What a window held, read as the type of the reference."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import driftline
from served_columns import Worker, judge, troubles

RNG = np.random.default_rng(0)
ROWS = 3000


def column(*values: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": np.array(values, object)})


def drawn(values: Sequence[Any]) -> Any:
    drawn = np.empty(ROWS, object)
    drawn[:] = [values[i] for i in RNG.integers(0, len(values), ROWS)]
    return drawn


def ages(rows: int = ROWS) -> pd.DataFrame:
    return pd.DataFrame({"x": RNG.normal(50, 10, rows)})


AGES = driftline.profile(ages(), model="churn")


@pytest.mark.parametrize("when", ["before", "between", "among"])
def test_a_bad_row_is_one_bad_row(when: str) -> None:
    """A text in a numeric column costs that row, whether it comes first, later, or with others; in any process."""
    worker, other = Worker("a"), Worker("b")
    if when == "before":
        requests = [worker.predict(column("unknown")).export()]
    elif when == "between":
        requests = [worker.predict(ages()).export(), worker.predict(column("x", "y", "z")).export()]
    else:
        requests = [worker.predict(pd.concat([ages(), column("x", "y", "z")])).export()]
    requests += [worker.predict(ages()).predict(ages()).export(), other.predict(ages()).export()]

    columns = judge(AGES, *requests)
    rows = {"before": 9_001, "between": 12_003, "among": 12_003}[when]
    assert columns["x"].rows == rows
    assert not troubles(columns)


def test_a_column_of_texts_is_of_the_wrong_type() -> None:
    """As many bad rows as there are do alarm."""
    requests = [Worker().predict(pd.DataFrame({"x": RNG.choice(["a", "b"], ROWS)})).export()]

    assert troubles(judge(AGES, *requests))["x"].startswith("wrong_type: wrong type: 0% → 100%")


@pytest.mark.parametrize("choices", [[9.95, 19.99, 29.99], [0.1, 0.2, 0.3, 0.7]], ids=["prices", "tenths"])
@pytest.mark.parametrize("training", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("serving", [np.float64, np.float32, np.float16])
def test_rounding_to_a_coarser_type_is_no_drift(choices: list[float], training: Any, serving: Any) -> None:
    """Boosters, ONNX and JSON servers round to float32: the values are still those of training."""
    values = RNG.choice(choices, (ROWS, 1))
    profile = driftline.profile(values.astype(training), model="churn")

    columns = judge(profile, Worker().predict(values.astype(serving)).export())
    assert not troubles(columns)
    assert columns["x0"].statistics["ks"] == 0.0


def test_values_below_the_training_minimum_are_told_as_such() -> None:
    """What is not rounding alarms, and the minimum is shown as it is written."""
    profile = driftline.profile(RNG.choice([9.95, 19.99, 29.99], (ROWS, 1)), model="churn")
    columns = judge(profile, Worker().predict(RNG.choice([9.94, 19.99, 29.99], (ROWS, 1))).export())

    assert troubles(columns)["x0"].startswith("value: share below the training minimum 9.95: 0%")


CLASSES = RNG.integers(0, 2, ROWS)
SPELLED = {"int": CLASSES, "bool": CLASSES.astype(bool), "float": CLASSES.astype(float), "text": CLASSES.astype(str)}


@pytest.mark.parametrize("training", SPELLED)
@pytest.mark.parametrize("serving", SPELLED)
def test_one_and_true_are_one_class(training: str, serving: str) -> None:
    """As 1 and 1.0 are."""
    X = RNG.normal(size=(ROWS, 1))
    profile = driftline.profile(X, prediction=SPELLED[training], model="churn")

    columns = judge(profile, Worker().predict(X, SPELLED[serving]).export())
    assert not troubles(columns)
    assert columns["prediction"].rows == ROWS
    assert len(columns["prediction"].shares) == 2


@pytest.mark.parametrize(
    "values", [["a", 5, "b", "c", 7, "a"], ["true", True, "false", False], [5, 7, 8, "a"], ["5", 7, "9"]], ids=str
)
def test_texts_and_numbers_in_one_column(values: list[Any]) -> None:
    """The same objects mean the same in training and in serving."""
    X = pd.DataFrame({"x": drawn(values)})

    assert not troubles(judge(driftline.profile(X, model="churn"), Worker().predict(X).export()))


ZIPS = RNG.choice(["01234", "10115", "00501", "99999"], ROWS)
READ = {
    "digits": (ZIPS, ZIPS.astype(int)),
    "truth": (np.where(CLASSES == 1, "true", "false"), CLASSES.astype(bool)),
    "numbers": (CLASSES.astype(str), CLASSES),
    "floats": (RNG.normal(size=ROWS).astype(str), None),
}


@pytest.mark.parametrize("way", ["texts trained", "texts served"])
@pytest.mark.parametrize("kind", READ)
def test_a_text_that_reads_as_the_reference_counts_as_it(kind: str, way: str) -> None:
    """Texts of digits and truth values, against the numbers they stand for, and the other way round."""
    texts, numbers = READ[kind]
    numbers = texts.astype(float) if numbers is None else numbers
    frames = [pd.DataFrame({"x": pd.Series(values, dtype=object)}) for values in (texts, numbers)]
    if kind == "floats" and way == "texts trained":
        pytest.skip("thousands of texts, each another, are an ID")
    trained, served = frames if way == "texts trained" else reversed(frames)

    columns = judge(driftline.profile(trained, model="churn"), Worker().predict(served).export())
    assert columns["x"].rows == ROWS
    assert not troubles(columns)
