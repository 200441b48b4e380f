"""Fixtures that all tests share."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from driftline.runtime.self_faults import FAULTS
from otlp_sink import OtlpSink
from postgres_cluster import PostgresCluster, postgres_cluster
from telemetry import Telemetry


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> Iterator[None]:
    """SIGINT interrupts, here and in all that is started: a shell's background job has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def otlp_sink() -> Iterator[OtlpSink]:
    """An OTLP/gRPC backend of this test's own."""
    with OtlpSink() as sink:
        yield sink


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """A real PostgreSQL, for all tests; those that end it start it again."""
    with postgres_cluster() as cluster:
        yield cluster


@pytest.fixture
def instrumented() -> Iterator[Callable[..., Telemetry]]:
    """Instruments the test process, `instrumented(sampler=None, **options)`; undone at the end of the test."""
    FAULTS.reset()
    started: list[Telemetry] = []

    def start(**options: Any) -> Telemetry:
        started.append(Telemetry(**options))
        return started[-1]

    yield start
    for each in started:
        each.close()
    FAULTS.reset()


@pytest.fixture
def telemetry(instrumented: Callable[..., Telemetry]) -> Telemetry:
    """The test process, instrumented with default settings."""
    return instrumented()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fast tests first: end-to-end tests come last, everything else stays in its order."""
    items.sort(key=lambda item: "e2e" in item.path.parts or item.get_closest_marker("e2e") is not None)
