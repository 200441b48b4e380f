"""The statistics that users read, one a file. To add one: write its file and name it in `STATISTICS`."""

from typing import Final

from driftline_processor.monitors.drift.statistics.anderson_darling import ANDERSON_DARLING
from driftline_processor.monitors.drift.statistics.chi_square import CHI_SQUARE
from driftline_processor.monitors.drift.statistics.energy import ENERGY
from driftline_processor.monitors.drift.statistics.g_statistic import G_TEST
from driftline_processor.monitors.drift.statistics.hellinger import HELLINGER
from driftline_processor.monitors.drift.statistics.jensen_shannon import JENSEN_SHANNON
from driftline_processor.monitors.drift.statistics.ks import KS
from driftline_processor.monitors.drift.statistics.linf import L_INFINITY
from driftline_processor.monitors.drift.statistics.missing_rate import MISSING_RATE
from driftline_processor.monitors.drift.statistics.psi import PSI
from driftline_processor.monitors.drift.statistics.view import Statistic, View
from driftline_processor.monitors.drift.statistics.wasserstein import WASSERSTEIN

__all__ = ["STATISTICS", "Statistic", "View"]

STATISTICS: Final[tuple[Statistic, ...]] = (
    PSI,
    KS,
    JENSEN_SHANNON,
    WASSERSTEIN,
    HELLINGER,
    L_INFINITY,
    CHI_SQUARE,
    G_TEST,
    MISSING_RATE,
    ENERGY,
    ANDERSON_DARLING,
)
