"""Clients of the model server: patients drawn from the data set, alone and in small batches, over one connection."""

import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import Final

import httpx
import numpy as np
import pandas as pd

from driftline.demo.patients import FAULT, UnitChange, load_patients
from driftline.demo.story import Act, Story

REQUESTS_PER_SECOND: Final = 10.0
BATCHES: Final = (1, 1, 1, 20, 35, 50, 50, 50, 50, 50)
"""Sizes of requests, each as likely: about 30 rows a request, 300 a second, 3,000 in a window."""

TIMEOUT: Final = 20.0


class TrafficError(Exception):
    """The server did not answer as a healthy one does; says how."""


def draw_batches(patients: pd.DataFrame, seed: int) -> Iterator[pd.DataFrame]:
    """Endless requests: patients drawn with replacement, so that all of them are alike in distribution."""
    random = np.random.default_rng(seed)
    while True:
        yield patients.iloc[random.integers(len(patients), size=random.choice(BATCHES))]


class Traffic:
    """Sends the story to a server from a thread of its own.

    Requests have their times; one whose time has passed while the server was busy is left out, so a slow machine sees
    fewer rows, not a burst. A request that fails ends the traffic.

    rows_sent: rows that were answered. elapsed: seconds since the beginning. fault_began: when the first request left
    with the feature in the other unit, nanoseconds since the epoch; None before.
    """

    def __init__(self, url: str, story: Story, fault: UnitChange = FAULT, seed: int = 1) -> None:
        self.rows_sent = 0
        self.elapsed = 0.0
        self.fault_began: int | None = None
        self._url, self._story, self._fault = url, story, fault
        self._batches = draw_batches(load_patients()[0], seed)
        self._stopped = Event()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._run, name="traffic", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End before the story does; the request in flight is finished."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(TIMEOUT)

    def running(self, wait: float) -> bool:
        """Whether the story goes on after at most `wait` seconds; raises TrafficError if the server failed."""
        self._thread.join(wait)
        if self._failure is not None:
            raise TrafficError(f"the model server failed a request: {self._failure}") from self._failure
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
                for act in self._acts():
                    self._send(client, act)
        except (httpx.HTTPError, ValueError) as error:
            self._failure = error

    def _acts(self) -> Iterator[Act]:
        """What the traffic is like, at each time that a request is due, until the story is over."""
        start = time.monotonic()
        while (act := self._story.act(self.elapsed)) is not Act.OVER:
            yield act
            due = (int((time.monotonic() - start) * REQUESTS_PER_SECOND) + 1) / REQUESTS_PER_SECOND
            if self._stopped.wait(max(0.0, start + due - time.monotonic())):
                return
            self.elapsed = time.monotonic() - start

    def _send(self, client: httpx.Client, act: Act) -> None:
        rows = next(self._batches)
        if act is Act.BROKEN:
            rows = self._fault.apply(rows)
            self.fault_began = self.fault_began or time.time_ns()
        answer = client.post(self._url, json=rows.to_dict("records")).raise_for_status().json()
        if len(answer) != len(rows):
            raise ValueError(f"{len(answer)} answers for {len(rows)} patients")
        self.rows_sent += len(rows)
