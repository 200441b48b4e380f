"""A client of the model server: patients drawn from the data set, alone and in small batches, over one connection."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Final

import httpx
import numpy as np
import pandas as pd

from driftline.tools.demo.patients import load_patients
from driftline.tools.demo.scenario import Answered, FollowUp, Scenario
from driftline.tools.demo.schedule import Phase, Schedule

REQUESTS_PER_SECOND: Final = 10.0
BATCHES: Final = (1, 1, 1, 20, 35, 50, 50, 50, 50, 50)
"""Rows of a request, all equally likely: about 30 a request, 300 a second, 3,000 a window."""

TIMEOUT: Final = 20.0


class TrafficError(Exception):
    """The server failed a request, or its answer has the wrong number of rows."""


def draw_batches(patients: pd.DataFrame, seed: int) -> Iterator[pd.DataFrame]:
    """Requests without end: patients drawn with replacement, so all requests have the same distribution."""
    random = np.random.default_rng(seed)
    while True:
        yield patients.iloc[random.integers(len(patients), size=random.choice(BATCHES))]


class PatientTraffic:
    """Sends requests at a fixed rate, as scheduled, from a thread of its own.

    Requests that come due while the server is busy are skipped, so a slow machine sees fewer rows, not a burst. A
    failed request ends the traffic.

    rows_sent: rows that were answered. elapsed: seconds since the start. fault_began: when the first request with the
    scenario's fault was sent, nanoseconds since the epoch; None before.
    """

    def __init__(
        self, url: str, schedule: Schedule, scenario: Scenario, model_file: Path, follow_up: FollowUp, *, seed: int = 1
    ) -> None:
        self.rows_sent = 0
        self.elapsed = 0.0
        self.fault_began: int | None = None
        self._url, self._schedule, self._scenario = url, schedule, scenario
        self._model_file, self._follow_up = model_file, follow_up
        self._batches = draw_batches(load_patients()[0], seed)
        self._stopped = Event()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop early, after the request in flight."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT)

    def running(self, wait: float) -> bool:
        """Whether the traffic is still running after at most `wait` seconds.

        Raises:
            TrafficError: The server failed a request.

        """
        self._thread.join(wait)
        if self._failure is not None:
            raise TrafficError(f"the model server failed a request: {self._failure}") from self._failure
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
                for phase in self._phases():
                    self._send(client, phase)
        except (httpx.HTTPError, ValueError) as error:
            self._failure = error

    def _phases(self) -> Iterator[Phase]:
        """The phase at each time that a request is due, until the schedule is over."""
        start = time.monotonic()
        while (phase := self._schedule.phase(self.elapsed)) is not Phase.OVER:
            yield phase
            due = (int((time.monotonic() - start) * REQUESTS_PER_SECOND) + 1) / REQUESTS_PER_SECOND
            if self._stopped.wait(max(0.0, start + due - time.monotonic())):
                return
            self.elapsed = time.monotonic() - start

    def _send(self, client: httpx.Client, phase: Phase) -> None:
        rows = next(self._batches)
        if phase is Phase.BROKEN:
            rows = self._break(rows)
        response = client.post(self._url, json=rows.to_dict("records")).raise_for_status()
        answer = response.json()
        if len(answer) != len(rows):
            raise ValueError(f"{len(answer)} answers for {len(rows)} patients")
        self.rows_sent += len(rows)
        self._follow_up(Answered(response.headers.get("x-prediction-id", ""), rows, answer, phase))

    def _break(self, rows: pd.DataFrame) -> pd.DataFrame:
        if self.fault_began is None:
            self.fault_began = time.time_ns()
            self._scenario.deploy(self._model_file)
        return self._scenario.change(rows)
