"""How mature the labels of a window are, where classes take longer than others."""

import numpy as np
import pytest

from driftline.sketch.time_units import DAY, HOUR
from driftline_processor.outcomes.label_delays import LabelDelays

START = 472_000 * HOUR
DAYS = 40


def labelled(now: int) -> tuple[LabelDelays, dict[int, int], np.ndarray, np.ndarray]:
    """2,000 predictions a day, 30 % of which get a label: positives after some 2 days, negatives after 5."""
    random = np.random.default_rng(2)
    times = START + np.sort(random.integers(0, DAYS * DAY, 2_000 * DAYS))
    times = times[times < now]
    positive, labels = random.random(len(times)) < 0.3, random.random(len(times)) < 0.3
    delay = (random.lognormal(np.log(np.where(positive, 2.0, 5.0)), 0.5) * DAY).astype(np.int64)
    hours, counts = np.unique(times // HOUR, return_counts=True)
    here = labels & (times + delay <= now)
    delays = LabelDelays()
    delays.add(np.where(positive[here], "yes", "no").astype(object), times[here], (times + delay)[here])
    return delays, dict(zip(hours.tolist(), counts.tolist(), strict=True)), times[labels], here[labels]


@pytest.mark.parametrize("age", [3, 5, 8, 20])
def test_maturity_is_the_share_of_the_labels_to_come(age: int) -> None:
    """Of a day that is so many days old."""
    now = START + DAYS * DAY
    delays, rows, times, here = labelled(now)
    first = now - (age + 1) * DAY
    window = (times >= first) & (times < first + DAY)
    said = delays.maturity(rows, first // HOUR, first // HOUR + 23, now)
    assert said == pytest.approx(here[window].mean(), abs=0.05)
    again = LabelDelays.unpack(delays.pack())
    assert again.maturity(rows, first // HOUR, first // HOUR + 23, now) == said


def test_unknown_while_the_oldest_labels_may_be_young() -> None:
    """No prediction is older than the labels take: nobody knows what is still to come."""
    now = START + 4 * DAY
    delays, rows, _, _ = labelled(now)
    assert delays.maturity(rows, START // HOUR, now // HOUR, now) is None


def test_what_is_forgotten() -> None:
    """Predictions before a time."""
    delays, rows, _, _ = labelled(START + DAYS * DAY)
    delays.forget(START + DAYS * DAY)
    assert delays.maturity(rows, 0, 10**9, START + DAYS * DAY) is None
