"""How other packages are asked: a process of its own, and plain values through a pipe."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.verdicts import package
from bench.verdicts.package import Package, PackageError
from bench.verdicts.stream import Stream

RULE = """
class Rule:
    def __init__(self, columns, rows):
        self.rows = rows

    def window(self, columns):
        print("a package may print")
        if not len(columns["a"]):
            raise ValueError("no rows")
        return [name for name, values in columns.items() if values[-1] != values[-1] or values[-1] is None]
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    (tmp_path / "with_fake.py").write_text(RULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(package, "_python", lambda name: sys.executable)
    yield Package("fake")
    server = package._server("fake")
    package._server.cache_clear()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.close()
    server.stdout.close()
    server.wait(timeout=60)


def test_a_package_is_asked_through_a_pipe(asked: Package) -> None:
    """Numbers and texts arrive as they are, missing ones as well; a fault is told with the name of the package."""
    training = {"a": np.arange(3.0), "b": np.array(["x", "y", None], object)}
    asked.fit(Stream(training, lambda: iter(()), 3))

    assert asked.kept == 24 + 1 + 1 + 4
    assert asked.window({"a": np.array([1.0, np.nan]), "b": np.array(["x", "y"], object)}).alarmed == {"a"}
    assert asked.window({"a": np.array([1.0]), "b": np.array(["x", None], object)}).opened == {"b"}
    assert asked.window({"a": np.array([1.0]), "b": np.array(["x", None], object)}).opened == frozenset()
    with pytest.raises(PackageError, match="fake: ValueError: no rows"):
        asked.window({"a": np.zeros(0), "b": np.zeros(0, object)})
