"""`describe` where PyTorch is used: what is said to be a model is recorded, whatever it is."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
import torch
from torch import nn

import driftline
from driftline import semconv
from telemetry import Telemetry

X: Final = torch.randn(5, 4)


class Classifier(nn.Module):
    """A module with a method of its own that predicts."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(4, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x))

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        return self(x).argmax(1)


def operations(telemetry: Telemetry) -> list[tuple[str, str]]:
    named = (span.attributes for span in telemetry.spans())
    return [(each[semconv.MODEL_NAME], each[semconv.OPERATION_NAME]) for each in named]


def test_a_submodule_can_be_a_model(telemetry: Telemetry) -> None:
    """What is described stays a model, also when the whole is prepared again."""
    whole = Classifier().eval()
    driftline.describe(whole.encoder, name="encoder")
    whole.eval()
    whole.encoder(X)
    whole(X)

    assert operations(telemetry) == [("encoder", "forward"), ("Classifier", "forward")]


def test_a_method_is_the_call(telemetry: Telemetry) -> None:
    """The method that was named is recorded, with all that it calls as one; of other objects of its class it is not."""
    model, other = Classifier().eval(), Classifier()
    assert driftline.describe(model, name="churn", method="predict") is model
    model.predict(X)
    other.predict(X)

    assert operations(telemetry) == [("churn", "predict")]


def test_a_function_is_recorded(telemetry: Telemetry) -> None:
    """The function that `describe` returns does the same, and is a model."""
    model = Classifier().eval()

    def serve(x: torch.Tensor) -> torch.Tensor:
        return model.head(model.encoder(x)).softmax(1)

    served = driftline.describe(serve, name="stages")

    assert torch.equal(served(X), serve(X))
    assert operations(telemetry) == [("stages", "forward")]
    assert served.__name__ == "serve"


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_before_or_after_instrument(instrumented: Callable[..., Telemetry], before: bool) -> None:
    """It does not matter which comes first."""
    model = Classifier()
    telemetry = None if before else instrumented()
    driftline.describe(model, name="a")
    served = driftline.describe(lambda x: x, name="b")
    driftline.describe(other := Classifier(), name="c", method="predict")
    telemetry = telemetry or instrumented()
    for call in (model, served, other.predict):
        call(X)

    assert operations(telemetry) == [("a", "forward"), ("b", "forward"), ("c", "predict")]


def test_an_object_of_any_class_with_a_method(telemetry: Telemetry) -> None:
    """An engine that is no module can be a model too."""

    class Engine:
        def infer(self, batch: Any) -> Any:
            return batch["x"]

    driftline.describe(engine := Engine(), method="infer")
    engine.infer({"x": X})

    assert operations(telemetry) == [("Engine", "infer")]


def test_uninstrument_restores_the_method(instrumented: Callable[..., Telemetry]) -> None:
    """The class has its own method again, and the function that was returned still works."""
    before = Classifier.predict
    telemetry = instrumented()
    driftline.describe(Classifier(), method="predict")
    served = driftline.describe(lambda x: x)
    assert Classifier.predict is not before
    driftline.uninstrument()

    assert Classifier.predict is before
    assert served(X) is X
    assert not telemetry.spans()


def test_a_method_that_is_not_there() -> None:
    """A mistake is told at once."""
    with pytest.raises(AttributeError, match="forecast"):
        driftline.describe(Classifier(), method="forecast")


def test_a_description_holds_for_what_is_made_around_the_module(telemetry: Telemetry) -> None:
    """A compiled or replicated model has the names of the module that was described."""
    model = driftline.describe(Classifier().eval(), name="churn", version="7")
    nn.DataParallel(model)(X)
    torch.compile(model, backend="eager")(X)

    assert operations(telemetry) == [("churn", "forward")] * 2


def test_several_inputs_are_named(telemetry: Telemetry) -> None:
    """Arguments have the names of `forward`; flags, numbers and None are none."""

    class Two(nn.Module):
        def forward(self, age: Any, income: Any = None, extra: Any = None, scale: float = 1.0) -> torch.Tensor:
            return age + income * scale

    driftline.describe(Two())(X[:, :1], income=X[:, 1:2], scale=2.0)
    attributes = telemetry.spans()[0].attributes

    shown = {name for name in attributes if name.startswith(f"{semconv.INPUT}.")}
    assert shown == {f"{semconv.INPUT}.age", f"{semconv.INPUT}.income"}


def test_what_is_async_is_refused() -> None:
    """A coroutine function returns before there is a prediction: the mistake is told at once."""

    class Engine:
        async def infer(self, x: Any) -> Any:
            return x

    async def serve(x: Any) -> Any:
        return x

    async def stream(x: Any) -> Any:
        yield x

    for described in (serve, stream, partial(serve), Engine().infer):
        with pytest.raises(TypeError, match="is async"):
            driftline.describe(described)
    with pytest.raises(TypeError, match=r"Engine\.infer is async"):
        driftline.describe(Engine(), method="infer")
