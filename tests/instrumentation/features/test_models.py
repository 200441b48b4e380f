"""What is known of model objects."""

import gc
import weakref
from typing import Any

import pytest

from driftline.features.models import Description, ModelFactsCache, describe, description_of, invalidate_facts
from driftline.records import ModelFacts


class Thing:
    """Neither hashable nor equal to itself."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def facts(name: str) -> ModelFacts:
    return ModelFacts(name, None, "T", "test", None, None, None, lambda operation, columns, head: [])


def test_descriptions_add_up() -> None:
    """What is left out stays as it was said before."""
    thing = Thing()
    describe(thing, name="a", feature_names=["x", "y"])
    describe(thing, version="2", name="b")

    assert description_of(thing) == Description("b", "2", ("x", "y"), None)
    assert description_of(Thing()) == Description()


def test_descriptions_go_with_their_model() -> None:
    """Nothing keeps a model alive."""
    thing = Thing()
    describe(thing, name="a")
    reference = weakref.ref(thing)
    del thing
    gc.collect()

    assert reference() is None


def test_what_cannot_be_referenced_cannot_be_described() -> None:
    """The error says so."""
    with pytest.raises(TypeError, match="cannot describe an object of type int"):
        describe(3, name="three")


def test_facts_are_found_out_once() -> None:
    """Until something changes."""
    looked: list[Any] = []

    def look(model: Any) -> ModelFacts:
        looked.append(model)
        return facts("m")

    models, thing = ModelFactsCache(look), Thing()
    assert models.of(thing) is models.of(thing)
    assert len(looked) == 1
    invalidate_facts()
    models.of(thing)
    assert len(looked) == 2


def test_facts_of_what_cannot_be_referenced_are_found_out_each_time() -> None:
    """It costs time, but it works."""
    models = ModelFactsCache(lambda model: facts(str(model)))

    assert models.of(3).name == "3"
    assert models.of(4).name == "4"
