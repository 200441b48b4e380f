"""torch.compile and its kin: calls are counted, and what is compiled is what was compiled before."""

import pickle
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, Final

import pytest
import torch
import torch._dynamo
from torch import nn
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters

import driftline
from telemetry import Telemetry
from torch_nets import Net

CALLS: Final = 3
X: Final = torch.randn(5, 4)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def records(telemetry: Telemetry) -> int:
    return len(telemetry.spans())


def _in_place(model: nn.Module, **options: Any) -> nn.Module:
    model.compile(**options)
    return model


def _around(model: nn.Module, **options: Any) -> Any:
    return torch.compile(model, **options)


def _its_forward(model: nn.Module, **options: Any) -> nn.Module:
    model.forward = torch.compile(model.forward, **options)  # type: ignore[method-assign]
    return model


def _its_class(model: nn.Module, **options: Any) -> nn.Module:
    class Compiled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        @torch.compile(**options)
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.model(x)

    return Compiled().eval()


COMPILED: Final[dict[str, Callable[..., Any]]] = {
    "torch.compile(model)": _around,
    "model.compile()": _in_place,
    "model.forward = torch.compile(model.forward)": _its_forward,
    "@torch.compile on forward": _its_class,
}


def _prepared(compiled: Callable[..., Any], *, first: bool, **options: Any) -> Any:
    """A compiled model, in evaluation mode before or after."""
    return compiled(Net().eval(), **options) if first else compiled(Net(), **options).eval()


@pytest.mark.parametrize("first", [True, False], ids=["eval first", "eval last"])
@pytest.mark.parametrize("fullgraph", [True, False], ids=["fullgraph", "breaks allowed"])
@pytest.mark.parametrize("how", COMPILED)
def test_one_graph_and_one_record_a_call(telemetry: Telemetry, how: str, fullgraph: bool, first: bool) -> None:
    """The whole model is one graph, compiled once; each call is a record."""
    backend = CompileCounter()
    model = _prepared(COMPILED[how], first=first, backend=backend, fullgraph=fullgraph)
    with torch.no_grad():
        for _ in range(CALLS):
            model(X)

    assert backend.frame_count == 1
    assert not counters["graph_break"]
    assert records(telemetry) == CALLS


@pytest.mark.parametrize("how", ["torch.compile(model)", "model.compile()"])
def test_aot_eager(telemetry: Telemetry, how: str) -> None:
    """Also through AOTAutograd, with and without gradients."""
    model = _prepared(COMPILED[how], first=True, backend="aot_eager", fullgraph=True)
    expected = Net.forward(getattr(model, "_orig_mod", model), X)
    for _ in range(CALLS):
        torch.testing.assert_close(model(X), expected)
    with torch.inference_mode():
        model(X)

    assert records(telemetry) == CALLS + 1


def test_inductor(telemetry: Telemetry) -> None:
    """Also where C++ is generated."""
    model = torch.compile(nn.Linear(4, 2).eval(), fullgraph=True)
    with torch.no_grad():
        for _ in range(CALLS):
            model(X)

    assert records(telemetry) == CALLS


def test_explain_finds_no_break(telemetry: Telemetry) -> None:
    """A model that is recorded, with recorded models inside, is one graph to Dynamo."""
    inner = driftline.describe(Net().eval())
    model = nn.Sequential(inner, nn.LSTM(2, 3)).eval()
    model(X)
    explained = torch._dynamo.explain(nn.Sequential(inner).eval())(X)

    assert explained.graph_count == 1
    assert explained.graph_break_count == 0


@pytest.mark.parametrize("how", ["torch.compile(model)", "model.compile()"])
def test_more_models_than_dynamo_recompiles_compile_once_each(telemetry: Telemetry, how: str) -> None:
    """Dynamo compiles none of our code, so that its limit of recompilations is the user's alone."""
    backend = CompileCounter()

    for number in range(10):  # more than its limit of 8
        code = Net.forward.__code__.replace(co_name=f"forward_{number}")
        model = type("Own", (Net,), {"forward": FunctionType(code, globals())})()
        COMPILED[how](model.eval(), backend=backend, fullgraph=True)(X)

    assert backend.frame_count == 10
    assert records(telemetry) == 10
    assert not counters["graph_break"]


def test_batch_sizes_compile_as_often_as_without(telemetry: Telemetry) -> None:
    """One graph for a single row and one for all other sizes, as torch does by itself."""
    counts = []
    for paused in (False, True):
        torch._dynamo.reset()
        backend = CompileCounter()
        model = torch.compile(Net().eval(), backend=backend)
        with torch.no_grad():
            for rows in (1, 2, 3, 5, 8):
                if paused:
                    with driftline.paused():
                        model(X[:1].repeat(rows, 1))
                else:
                    model(X[:1].repeat(rows, 1))
        counts.append(backend.frame_count)

    assert counts[0] == counts[1]
    assert records(telemetry) == 5


def test_instrument_after_compilation_recompiles_nothing(instrumented: Callable[..., Telemetry]) -> None:
    """Switching instrumentation on and off leaves compiled code valid."""
    backend = CompileCounter()
    model = torch.compile(Net().eval(), backend=backend, fullgraph=True)
    model(X)
    telemetry = instrumented()
    for _ in range(CALLS):
        model(X)
    driftline.uninstrument()
    model(X)

    assert backend.frame_count == 1
    assert records(telemetry) == CALLS


def test_instrument_again_where_dynamo_wrapped_our_wrappers(instrumented: Callable[..., Telemetry]) -> None:
    """Dynamo replaces methods of Module for good when it first compiles: what it took of ours is inert afterwards."""
    first = instrumented()
    model = torch.compile(Net().eval(), backend="eager")
    model(X)
    driftline.uninstrument()
    telemetry = instrumented()
    pickle.loads(pickle.dumps(Net().eval()))(X)

    assert (records(first), records(telemetry)) == (1, 1)


def test_a_reset_of_dynamo_changes_nothing(telemetry: Telemetry) -> None:
    """After `torch._dynamo.reset()` it compiles the model again, and still none of our code."""
    backend = CompileCounter()
    model = torch.compile(Net().eval(), backend=backend, fullgraph=True)
    model(X)
    torch._dynamo.reset()
    model(X)

    assert backend.frame_count == 2
    assert records(telemetry) == 2


@pytest.mark.parametrize("fullgraph", [True, False])
def test_a_compiled_function_over_a_model_is_one_graph(telemetry: Telemetry, fullgraph: bool) -> None:
    """Dynamo goes straight to `forward`: nothing of ours is in the graph, and nothing is recorded."""
    backend = CompileCounter()
    model = Net().eval()

    @torch.compile(backend=backend, fullgraph=fullgraph)
    def serve(x: torch.Tensor) -> torch.Tensor:
        return model(x * 2).softmax(1)

    for _ in range(CALLS):
        serve(X)

    assert backend.frame_count == 1
    assert not counters["graph_break"]
    assert records(telemetry) == 0


def test_a_model_called_after_a_graph_break_is_not_recorded_either(telemetry: Telemetry) -> None:
    """Whether a compiled function's call of a model counts does not hang on where Dynamo gave up."""
    model = Net().eval()

    @torch.compile(backend="eager")
    def serve(x: torch.Tensor) -> torch.Tensor:
        torch._dynamo.graph_break()
        return model(x)

    serve(X)

    assert records(telemetry) == 0


def test_a_described_compiled_function_is_recorded(telemetry: Telemetry) -> None:
    """`describe` gives a function that is seen, also where it is compiled as a whole."""
    backend = CompileCounter()
    model = Net().eval()
    serve = driftline.describe(torch.compile(lambda x: model(x).softmax(1), backend=backend, fullgraph=True))
    for _ in range(CALLS):
        serve(X)

    assert backend.frame_count == 1
    assert records(telemetry) == CALLS


def test_a_described_method_can_be_compiled(telemetry: Telemetry) -> None:
    """Our wrapper is no obstacle to Dynamo: within a compiled function it is not there."""

    class Classifier(Net):
        def predict(self, x: torch.Tensor) -> torch.Tensor:
            return self(x).argmax(1)

    backend = CompileCounter()
    model = driftline.describe(Classifier().eval(), method="predict")
    compiled = torch.compile(model.predict, backend=backend, fullgraph=True)
    compiled(X)
    assert records(telemetry) == 0
    model.predict(X)

    assert backend.frame_count == 1
    assert records(telemetry) == 1


def test_a_mode_can_change_inside_a_compiled_function(telemetry: Telemetry) -> None:
    """`eval()` is traced as without us."""
    model = Net()

    def serve(x: torch.Tensor) -> torch.Tensor:
        model.eval()
        return model(x)

    explained = torch._dynamo.explain(serve)(X)

    assert explained.graph_break_count == 0
