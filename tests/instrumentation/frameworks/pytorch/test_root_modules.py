"""Which calls of PyTorch models are seen: one record for each outermost call, however the model was prepared."""

import asyncio
import io
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

import driftline
from driftline import semconv
from telemetry import Telemetry

CALLS: Final = 3
X: Final = torch.randn(5, 4)


class Net(nn.Module):
    """A model with submodules that are modules of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        return self.head(self.body(x)) * scale


def records(telemetry: Telemetry) -> int:
    return len(telemetry.spans())


def served() -> Net:
    return Net().eval()


def _no_grad(model: Any) -> Any:
    with torch.no_grad():
        return model(X)


def _inference_mode(model: Any) -> Any:
    with torch.inference_mode():
        return model(X)


def _autocast(model: Any) -> Any:
    with torch.autocast("cpu", torch.bfloat16):
        return model(X)


def _functional(model: Any) -> Any:
    return torch.func.functional_call(model, dict(model.named_parameters()), (X,))


WAYS: Final[dict[str, Callable[[Any], Any]]] = {
    "positional": lambda model: model(X),
    "keyword": lambda model: model(x=X),
    "both": lambda model: model(X, scale=2.0),
    "no_grad": _no_grad,
    "inference_mode": _inference_mode,
    "autocast": _autocast,
    "functional_call": _functional,
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_call(telemetry: Telemetry, way: str) -> None:
    """One record a call, with its rows and its output, however it is called."""
    model = served()
    for _ in range(CALLS):
        WAYS[way](model)
    telemetry.flush()

    assert records(telemetry) == CALLS
    assert telemetry.total(semconv.INFERENCE_ROWS) == CALLS * len(X)
    assert {span.attributes[semconv.OPERATION_NAME] for span in telemetry.spans()} == {"forward"}
    assert {span.attributes[semconv.MODEL_NAME] for span in telemetry.spans()} == {"Net"}


def _loaded_weights() -> nn.Module:
    model = Net()
    model.load_state_dict(Net().state_dict())
    return model


def _loaded_whole() -> Any:
    buffer = io.BytesIO()
    torch.save(Net(), buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


def _parametrized() -> nn.Module:
    model = Net()
    nn.utils.parametrizations.weight_norm(model.head)
    return model.eval()


def _hooked() -> nn.Module:
    model = served()
    model.register_full_backward_hook(lambda *_: None)
    model.register_forward_hook(lambda *_: None)
    return model


def _own_eval() -> nn.Module:
    class Frozen(Net):
        def eval(self) -> "Frozen":  # as Hugging Face's models do
            return self.train(False)

        def train(self, mode: bool = True) -> "Frozen":
            super().train(mode)
            self.body.eval()
            return self

    return Frozen().eval()


def _compiled_forward() -> nn.Module:
    model = served()
    model.forward = torch.compile(model.forward, backend="eager")  # type: ignore[method-assign]
    return model


PREPARED: Final[dict[str, Callable[[], Any]]] = {
    "eval": served,
    "train(False)": lambda: Net().train(False),
    "an eval of its own": _own_eval,
    "load_state_dict": _loaded_weights,
    "torch.load": _loaded_whole,
    "pickle": lambda: pickle.loads(pickle.dumps(served())),
    "DataParallel": lambda: nn.DataParallel(served()),
    "parametrized": _parametrized,
    "hooks": _hooked,
    "symbolic trace": lambda: torch.fx.symbolic_trace(served()).eval(),
    "Sequential": lambda: nn.Sequential(served(), nn.ReLU()).eval(),
    "a layer": lambda: nn.Linear(4, 2).eval(),
    "LSTM": lambda: nn.LSTM(4, 3).eval(),
    "submodule evaluated later": lambda: _eval_body(served()),
}


def _eval_body(model: Net) -> Net:
    model.body.eval()
    return model


@pytest.mark.parametrize("how", PREPARED)
def test_preparations(telemetry: Telemetry, how: str) -> None:
    """What is prepared for serving is a model, and its submodules are not."""
    model = PREPARED[how]()
    with torch.no_grad():
        for _ in range(CALLS):
            model(X)

    assert records(telemetry) == CALLS


def _script(tmp_path: Path) -> Any:
    return torch.jit.script(served())


def _script_without_annotations(tmp_path: Path) -> Any:
    return torch.jit.script(nn.Sequential(nn.Linear(4, 2)).eval())


def _load(tmp_path: Path) -> Any:
    torch.jit.save(torch.jit.script(Net()), tmp_path / "model.pt")  # in training mode
    return torch.jit.load(tmp_path / "model.pt")


def _export(tmp_path: Path, *, strict: bool) -> Any:
    return torch.export.export(served(), (X,), strict=strict).module()


def _export_load(tmp_path: Path) -> Any:
    torch.export.save(torch.export.export(served(), (X,)), tmp_path / "model.pt2")
    return torch.export.load(tmp_path / "model.pt2").module()


ARTEFACTS: Final[dict[str, Callable[[Path], Any]]] = {
    "script": _script,
    "script of what has no annotations": _script_without_annotations,
    "trace": lambda path: torch.jit.trace(served(), X),
    "jit.load": _load,
    "freeze": lambda path: torch.jit.freeze(torch.jit.script(served())),
    "optimize_for_inference": lambda path: torch.jit.optimize_for_inference(torch.jit.script(served())),
    "export": lambda path: _export(path, strict=False),
    "strict export": lambda path: _export(path, strict=True),
    "export.load": _export_load,
}


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("how", ARTEFACTS)
def test_artefacts(telemetry: Telemetry, how: str, tmp_path: Path) -> None:
    """What is made of a model is a model; making it records nothing."""
    model = ARTEFACTS[how](tmp_path)
    assert records(telemetry) == 0
    for _ in range(CALLS):
        model(X)

    assert records(telemetry) == CALLS


class Loader:
    """What runs a package of AOTInductor's, without the minute that making one takes."""

    def get_call_spec(self) -> list[str]:
        return [pytree.treespec_dumps(pytree.tree_structure(each)) for each in (((X,), {}), X)]

    def boxed_run(self, flat: list[torch.Tensor]) -> list[torch.Tensor]:
        return [flat[0] * 2]


def test_an_aotinductor_package(telemetry: Telemetry) -> None:
    """A package of compiled code is a model, though no module."""
    from torch.export.pt2_archive._package import AOTICompiledModel

    model = AOTICompiledModel(Loader())
    for _ in range(CALLS):
        assert torch.equal(model(X), X * 2)

    assert records(telemetry) == CALLS


def test_one_process_of_ddp(telemetry: Telemetry, tmp_path: Path) -> None:
    """DistributedDataParallel around a model is the model."""
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        model = nn.parallel.DistributedDataParallel(served())
        with torch.no_grad():
            for _ in range(CALLS):
                model(X)
    finally:
        torch.distributed.destroy_process_group()

    assert records(telemetry) == CALLS


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_dynamically_quantized(telemetry: Telemetry) -> None:
    """A copy with quantized layers is a model."""
    quantized = torch.ao.quantization.quantize_dynamic(served(), {nn.Linear})
    for _ in range(CALLS):
        quantized(X)

    assert records(telemetry) == CALLS


def test_two_models_in_a_row_are_two(telemetry: Telemetry) -> None:
    """A pipeline of two models gives a record of each."""
    first, second = nn.Linear(4, 4).eval(), served()
    second(first(X).detach())

    assert [span.attributes[semconv.MODEL_NAME] for span in telemetry.spans()] == ["Linear", "Net"]


def test_models_made_before_instrument_are_found(instrumented: Callable[..., Telemetry]) -> None:
    """A model that was prepared earlier is recorded from `instrument` on; its submodules are not."""
    model, body = served(), served().body
    telemetry = instrumented()
    model(X)
    body(X)  # of a model that is gone: it is the outermost now

    assert records(telemetry) == 2


def test_threads(telemetry: Telemetry) -> None:
    """Calls of eight threads are all counted."""
    model = served()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: model(X), range(8 * CALLS)))

    assert records(telemetry) == 8 * CALLS


def test_asyncio(telemetry: Telemetry) -> None:
    """Calls in coroutines, at once and in an executor, are all counted."""
    model = served()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        model(X)
        await asyncio.gather(*(loop.run_in_executor(None, model, X) for _ in range(CALLS)))

    asyncio.run(serve())

    assert records(telemetry) == CALLS + 1


def _count_in_child(model: nn.Module, telemetry: Telemetry, results: Any) -> None:
    before = records(telemetry)
    torch.set_num_threads(1)
    for _ in range(CALLS):
        model(X)
    results.put(records(telemetry) - before)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # 3.12: a fork of a process with threads
def test_a_forked_child_counts_its_own(telemetry: Telemetry) -> None:
    """A worker that inherits the model records its calls."""
    model = served()
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_count_in_child, args=(model, telemetry, results))
    child.start()
    counted = results.get()
    child.join()

    assert counted == CALLS
    assert records(telemetry) == 0


def test_a_module_inside_an_estimator_counts_once(telemetry: Telemetry) -> None:
    """The estimator's call is the outermost: the module inside adds nothing."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Wrapped(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # no types
        def __init__(self) -> None:
            self.module = served()

        def predict(self, X: Any) -> Any:  # scikit-learn's name
            with torch.inference_mode():
                return self.module(torch.as_tensor(X)).argmax(1).numpy()

    Wrapped().predict(X.numpy())

    assert [span.attributes[semconv.SYSTEM_NAME] for span in telemetry.spans()] == ["scikit_learn"]


def test_an_estimator_inside_a_module_counts_once(telemetry: Telemetry) -> None:
    """And the other way round."""
    from sklearn.linear_model import LogisticRegression

    class Stacked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = LogisticRegression().fit(X.numpy(), [0, 1, 0, 1, 0])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(self.last.predict_proba(x.numpy()))

    Stacked().eval()(X)

    assert [span.attributes[semconv.SYSTEM_NAME] for span in telemetry.spans()] == ["pytorch"]


def test_paused_holds(telemetry: Telemetry) -> None:
    """Within `driftline.paused()` nothing is recorded."""
    model = served()
    with driftline.paused():
        model(X)

    assert records(telemetry) == 0
