"""Every method that is scored, by name."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bench.verdicts.dummies import KINDS, EveryKth
from bench.verdicts.ours import Driftline
from bench.verdicts.package import PACKAGES, Package
from bench.verdicts.score import Method

OURS: Final = "driftline"

METHODS: Final[Mapping[str, Callable[[], Method]]] = {
    OURS: Driftline,
    **{name: partial(EveryKth, k) for name, k in KINDS.items()},
    **{name: partial(Package, name) for name in PACKAGES},
}

COUNTED: Final = (OURS, *PACKAGES)
"""Those that are compared; dummies are shown only."""
