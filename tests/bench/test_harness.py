import numpy as np
import pytest

from bench.harness import Figure, Result, interleaved, median_interval, typical


def figure(gate: float = 0.5, goal: float = 0.1, *, at_least: bool = False) -> Figure:
    return Figure("name", "something else", gate, goal, lambda: np.zeros(1), at_least=at_least)


def test_the_interval_of_the_median_is_that_of_the_tables() -> None:
    """Of 21 values the 6th from each end, as in the tables of the sign test at 5 %; of 31 the 10th."""
    assert median_interval(np.arange(1.0, 22.0)) == (6.0, 16.0)
    assert median_interval(np.arange(1.0, 32.0)) == (10.0, 22.0)


def test_too_few_values_give_their_whole_range() -> None:
    """Of five values not even the extremes hold the median with 95 %: nothing narrower is said."""
    assert median_interval(np.array([3.0, 1.0, 2.0, 5.0, 4.0])) == (1.0, 5.0)


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    """In 2,000 samples of a skewed distribution the interval misses the true median in at most 5 %, and in some."""
    rng = np.random.default_rng(0)
    intervals = [median_interval(rng.lognormal(size=31)) for _ in range(2000)]
    missed = np.mean([not low <= 1.0 <= high for low, high in intervals])
    assert 0.01 < missed <= 0.05 + 2 * (0.05 / 2000) ** 0.5


def test_one_slow_round_moves_neither_ratio_nor_interval() -> None:
    """The figure is an order statistic: what another process did to one round is not in it."""
    quiet, disturbed = np.linspace(1.0, 1.3, 31), np.linspace(1.0, 1.3, 31)
    disturbed[-1] = 50.0
    assert Result.of(figure(), disturbed).as_json() == Result.of(figure(), quiet).as_json()


@pytest.mark.parametrize(
    ("gate", "goal", "at_least", "holds", "reaches_goal"),
    [
        (0.4, 0.1, False, False, False),
        (0.5, 0.1, False, True, False),
        (0.9, 0.5, False, True, True),
        (0.6, 0.9, True, False, False),
        (0.5, 0.9, True, True, False),
        (0.2, 0.5, True, True, True),
    ],
)
def test_gate_and_goal(gate: float, goal: float, at_least: bool, holds: bool, reaches_goal: bool) -> None:
    """A ratio of 0.5 on the gate or the goal meets it; which side is the better one is the figure's."""
    result = Result.of(figure(gate, goal, at_least=at_least), np.array([0.5]))
    assert (result.holds, result.reaches_goal) == (holds, reaches_goal)


def test_a_result_as_json() -> None:
    """What bench.json says of a figure, by the names that its readers know."""
    said = Result.of(figure(), np.array([0.4])).as_json()
    assert said == {
        "ratio": 0.4,
        "low": 0.4,
        "high": 0.4,
        "gate": 0.5,
        "goal": 0.1,
        "holds": True,
        "against": "something else",
    }


def test_variants_take_turns() -> None:
    """Each round has every variant once and begins with the next one; the first round is not counted."""
    order: list[str] = []

    def variant(name: str) -> float:
        order.append(name)
        return float(len(order))

    samples = interleaved({"a": lambda: variant("a"), "b": lambda: variant("b")}, rounds=2)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert samples["a"].tolist() == [4.0, 5.0]
    assert samples["b"].tolist() == [3.0, 6.0]


def test_a_typical_call_is_the_median_one() -> None:
    """One call that takes a thousand times as long is not typical."""
    calls = iter([0.05, *[0.0] * 8])

    def call() -> None:
        if next(calls):
            sum(range(1_000_000))

    assert typical(call, 9) < 0.001
