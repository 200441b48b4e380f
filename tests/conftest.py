"""Fixtures that all tests share."""

from collections.abc import Iterator

import pytest

from otlp_sink import OtlpSink


@pytest.fixture
def otlp_sink() -> Iterator[OtlpSink]:
    """An OTLP/gRPC backend of this test's own."""
    with OtlpSink() as sink:
        yield sink
