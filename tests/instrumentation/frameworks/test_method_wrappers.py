"""Wrappers on methods of families of classes."""

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from driftline.frameworks.call_wrappers import NullObserver
from driftline.frameworks.method_wrappers import MethodWrappers

MODULE = "made_families"
FAMILIES = ("First", "Second", "Third")


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module of classes that have nothing in common."""
    module = types.ModuleType(MODULE)
    for name in FAMILIES:
        setattr(module, name, type(name, (), {"call": lambda _: None}))
    monkeypatch.setitem(sys.modules, MODULE, module)
    return module


class Importing(MethodWrappers):
    """Meets another root while it looks at a class, as where another thread imports its module."""

    to_come: Iterator[str] = iter(())

    def wrap_class(self, cls: type) -> None:
        super().wrap_class(cls)
        for name in self.to_come:
            self.add(MODULE, name)


def is_wrapped(cls: Any) -> bool:
    return hasattr(cls.call, "__wrapped__")


def test_a_root_may_come_while_classes_are_looked_at(families: types.ModuleType) -> None:
    """An import in one thread does not disturb the look at all classes in another, and its own are wrapped."""
    methods = Importing((), (), ("call",), NullObserver())
    methods.add(MODULE, "First")
    methods.to_come = iter(FAMILIES[1:])
    methods.walk()

    assert all(is_wrapped(getattr(families, name)) for name in FAMILIES)
    methods.remove()
    assert not any(is_wrapped(getattr(families, name)) for name in FAMILIES)
