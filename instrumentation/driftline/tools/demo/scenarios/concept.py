"""Other outcomes of the same patients: a treatment is withdrawn, and a third of the mild cases turn severe."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline.reference.profile_column import ColumnKey
from driftline.semconv import TARGET_CONCEPT, TARGET_PERFORMANCE
from driftline.tools.demo.labels import IDENTIFIED_SERVER, WITH_ROWS, sending_labels
from driftline.tools.demo.scenario import Expected, FollowUp, Scenario
from driftline.tools.demo.services import Addresses

TURNED: Final = 1 / 3
"""Share of the mild cases."""


@contextmanager
def _follow(addresses: Addresses) -> Iterator[FollowUp]:
    random = np.random.default_rng(0)

    def untreated(truth: NDArray[Any]) -> NDArray[Any]:
        return np.where((truth == "mild") & (random.random(len(truth)) < TURNED), "severe", truth)

    with sending_labels(addresses, untreated) as send:
        yield send


SCENARIO: Final = Scenario(
    name="concept",
    expected=Expected(
        ColumnKey(TARGET_CONCEPT, "outcomes"),
        also=frozenset({ColumnKey(TARGET_PERFORMANCE, "accuracy")}),
    ),
    coming="A treatment is withdrawn: a third of the mild cases turn severe, and requests and answers stay as they are",
    lasting="A third of the mild cases have turned severe",
    begun="the treatment was withdrawn",
    app=IDENTIFIED_SERVER,
    server=WITH_ROWS,
    follow=_follow,
)
