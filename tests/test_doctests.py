"""Examples in docstrings print what they say."""

import doctest
from contextvars import Context
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(source).with_suffix("").parts)
    for source in (ROOT / "instrumentation", ROOT / "processor")
    for path in sorted(source.rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str) -> None:
    """Every module of both packages that has some; in a context of its own, in which nothing was predicted yet."""
    found = Context().run(doctest.testmod, import_module(module))

    assert found.attempted > 0
    assert found.failed == 0
