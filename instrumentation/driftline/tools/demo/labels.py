"""What became of the patients, told a moment after each prediction: in life, a year later and by somebody else."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import driftline
from driftline.tools.demo.patients import load_patients
from driftline.tools.demo.scenario import Answered, FollowUp
from driftline.tools.demo.schedule import Phase
from driftline.tools.demo.services import Addresses

IDENTIFIED_SERVER: Final = "driftline.tools.demo.identified_server:app"

WITH_ROWS: Final = MappingProxyType({"OTEL_LOGS_EXPORTER": "otlp"})
"""Variables of the server: samples of its rows, which labels are joined with, are log records."""

_ENDPOINT: Final = "DRIFTLINE_OTLP_ENDPOINT"

Truth = NDArray[Any]


@contextmanager
def sending_labels(addresses: Addresses, broken: Callable[[Truth], Truth]) -> Iterator[FollowUp]:
    """Records the outcome of each patient. broken: what the fault makes of the outcomes of a request."""
    outcome = load_patients()[1]
    before = os.environ.get(_ENDPOINT)
    os.environ[_ENDPOINT] = f"http://127.0.0.1:{addresses.from_server}"

    def send(answered: Answered) -> None:
        truth = outcome[np.asarray(answered.rows.index)]
        if answered.phase is Phase.BROKEN:
            truth = broken(truth)
        for row, label in enumerate(truth.tolist()):
            driftline.record_outcome(answered.id, label=label, row=row)

    try:
        yield send
        driftline.flush()
    finally:
        os.environ.pop(_ENDPOINT)
        if before is not None:
            os.environ[_ENDPOINT] = before
