"""One feature arrives in another unit, and no request fails."""

from typing import Final

from driftline.reference.profile_column import ColumnKey
from driftline.semconv import TARGET_INPUT
from driftline.tools.demo.patients import FAULT
from driftline.tools.demo.scenario import Expected, Scenario

SCENARIO: Final = Scenario(
    name="drift",
    expected=Expected(ColumnKey(TARGET_INPUT, FAULT.feature)),
    coming=f"{FAULT.feature} changes its unit",
    lasting=f"{FAULT.feature} has been arriving in {FAULT.new} instead of {FAULT.old}",
    begun="its unit changed",
    change=FAULT.apply,
)
