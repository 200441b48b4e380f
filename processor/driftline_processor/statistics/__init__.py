"""The statistics that users read, one a file. To add one: write its file and name it in `STATISTICS`."""

from typing import Final

from driftline_processor.statistics.chi_square import CHI_SQUARE
from driftline_processor.statistics.g_test import G_TEST
from driftline_processor.statistics.hellinger import HELLINGER
from driftline_processor.statistics.jensen_shannon import JENSEN_SHANNON
from driftline_processor.statistics.ks import KS
from driftline_processor.statistics.linf import L_INFINITY
from driftline_processor.statistics.missing_rate import MISSING_RATE
from driftline_processor.statistics.psi import PSI
from driftline_processor.statistics.view import Statistic, View
from driftline_processor.statistics.wasserstein import WASSERSTEIN

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
)
