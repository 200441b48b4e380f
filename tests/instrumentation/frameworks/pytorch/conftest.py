"""Fixtures of the PyTorch tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from driftline.runtime.self_faults import FAULTS


@pytest.fixture(autouse=True)
def _no_faults(instrumented: Callable[..., Any]) -> Iterator[None]:
    """No test may cause an internal fault. Runs before `instrumented` resets the counts."""
    yield
    assert not FAULTS.counts()
