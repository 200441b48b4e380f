"""The table of scenarios: a new one is a file in this folder, and a row here."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from driftline.tools.demo.scenario import Scenario

DEFAULT: Final = "drift"

SCENARIOS: Final = {
    "drift": "driftline.tools.demo.scenarios.drift",
    "cold-spot": "driftline.tools.demo.scenarios.cold_spot",
    "skew": "driftline.tools.demo.scenarios.skew",
    "output-collapse": "driftline.tools.demo.scenarios.output_collapse",
    "concept": "driftline.tools.demo.scenarios.concept",
}
"""Name -> the module that defines it as `SCENARIO`, imported only when it is played."""


def load(name: str) -> "Scenario":
    scenario: Scenario = import_module(SCENARIOS[name]).SCENARIO
    return scenario
