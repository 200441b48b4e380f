"""One run: a stream of a seed, given to a method, and scored."""

from collections.abc import Mapping
from typing import Final

from bench.verdicts import days, made, real
from bench.verdicts.methods import METHODS
from bench.verdicts.results import Run
from bench.verdicts.score import Score, score
from bench.verdicts.stream import Scenario

SCENARIOS: Final[Mapping[str, Scenario]] = {
    each.name: each for each in (*made.SCENARIOS, *days.SCENARIOS, *real.scenarios())
}


def measure(run: Run) -> Score | str:
    """The score of one run, or the fault that it ended with, ours or a package's: no other run ends with it."""
    try:
        stream, method = SCENARIOS[run.stream].make(run.seed), METHODS[run.method]()
        method.fit(stream)
        return score(stream, [method.window(rows) for rows in stream.windows()], method)
    except Exception as error:  # noqa: BLE001  # told, and the run has failed
        return f"{type(error).__name__}: {error}"
