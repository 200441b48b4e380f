"""What became of a batch, in numbers and in words."""

import pytest

from driftline_processor.engine.ingest_report import FULL, Outcome, named
from driftline_processor.engine.model_state import Fate, Taken
from driftline_processor.records import ModelKey
from engine_records import CHURN, MINUTE, START


def test_everything_is_counted_once() -> None:
    """Each item is counted, a duplicate, or rejected."""
    outcome = Outcome(MINUTE)
    for fate in Fate:
        outcome.add(CHURN, Taken(fate, 3.0, time=START), START)
    observed = outcome.observed()

    assert observed.counted + observed.duplicates + sum(items for items, _ in observed.rejections) == len(Fate)
    assert (observed.rows, observed.late, observed.baseline) == (3, {CHURN: 3}, 1)


@pytest.mark.parametrize("fate", FULL)
def test_a_bound_names_itself_and_the_model(fate: Fate) -> None:
    """Rule and value, for the sender."""
    outcome = Outcome(MINUTE)
    outcome.add(CHURN, Taken(fate), START)
    (rejection,) = outcome.observed().rejections

    assert rejection.reason == f"model 'churn' version '1': {FULL[fate]}"


def test_models_in_words() -> None:
    """A version is named when it is known."""
    assert named(ModelKey("churn")) == "model 'churn'"
    assert named(CHURN) == "model 'churn' version '1'"
