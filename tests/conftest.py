"""Fixtures that all tests share."""

from collections.abc import Iterator

import pytest

from otlp_sink import OtlpSink


@pytest.fixture
def otlp_sink() -> Iterator[OtlpSink]:
    """An OTLP/gRPC backend of this test's own."""
    with OtlpSink() as sink:
        yield sink


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fast tests first: end-to-end tests come last, everything else stays in its order."""
    items.sort(key=lambda item: "e2e" in item.path.parts)
