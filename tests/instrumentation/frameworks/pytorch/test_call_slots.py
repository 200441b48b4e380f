"""What instrumentation leaves of itself in modules: nothing that is copied, saved, compiled, or kept alive."""

import copy
import gc
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import joblib
import pytest
import torch
from torch import nn

import driftline
from driftline.frameworks.pytorch import root_modules as roots_module
from driftline.frameworks.pytorch.call_slots import KEY
from driftline.runtime.self_faults import FAULTS
from telemetry import Telemetry
from torch_nets import Net

X: Final = torch.randn(5, 4)


class OwnState(Net):
    """Says itself what its copies are made of, as Lightning's modules and nn.LSTM do."""

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)


class OwnCopy(Net):
    def __copy__(self) -> "OwnCopy":
        made = OwnCopy.__new__(OwnCopy)
        made.__dict__.update(self.__dict__)
        return made


class OwnReduce(Net):
    def __reduce__(self) -> tuple[Any, ...]:
        return OwnReduce.__new__, (OwnReduce,), self.__dict__


KINDS: Final = (Net, OwnState, OwnCopy, OwnReduce)


@pytest.fixture(params=["slots", "hooks"])
def mechanism(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to see calls: torch's slot, and what is left where a later torch has none."""
    if request.param == "hooks":
        monkeypatch.setattr(roots_module, "KEY", "_a_name_that_torch_does_not_have")
    return str(request.param)


def records(telemetry: Telemetry) -> int:
    return len(telemetry.spans())


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_both_mechanisms_count(mechanism: str, instrumented: Callable[..., Telemetry]) -> None:
    """An evaluated, a described, and a compiled model give a record a call; submodules, errors and pauses as well."""
    telemetry = instrumented()
    model, described = Net().eval(), driftline.describe(Net())
    compiled = torch.compile(Net().eval(), backend="eager", fullgraph=True)
    for each in (model, described, compiled):
        each(X)
        each(x=X)
    assert records(telemetry) == 6
    with driftline.paused():
        model(X)
    assert records(telemetry) == 6
    with pytest.raises(RuntimeError, match="shapes"):
        model(X[:, :3])
    model(X)
    model.train()(X)

    assert records(telemetry) == 8
    assert telemetry.spans()[6].span.status.code == 2
    assert telemetry.spans()[7].span.status.code == 0


def test_a_model_called_while_an_error_is_handled_did_not_fail(
    mechanism: str, instrumented: Callable[..., Telemetry]
) -> None:
    """A fallback model that a server calls in an `except` clause is no failure, even if it returns nothing."""

    class Silent(nn.Module):
        def forward(self, x: torch.Tensor) -> None:
            return None

    telemetry = instrumented()
    model = Silent().eval()
    try:
        {}["primary"]
    except KeyError:
        model(X)

    assert telemetry.spans()[0].span.status.code == 0


def test_a_hooked_model_inside_a_compiled_one_is_one_graph(
    monkeypatch: pytest.MonkeyPatch, instrumented: Callable[..., Telemetry]
) -> None:
    """Also hooks are nothing that Dynamo sees."""
    monkeypatch.setattr(roots_module, "KEY", "_a_name_that_torch_does_not_have")
    telemetry = instrumented()
    inner = driftline.describe(Net().eval())
    explained = torch._dynamo.explain(nn.Sequential(inner))(X)
    torch._dynamo.reset()

    assert explained.graph_break_count == 0
    assert records(telemetry) == 0


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_a_recorded_model_can_be_scripted_and_traced(mechanism: str, instrumented: Callable[..., Telemetry]) -> None:
    """TorchScript does not find what we put on a module, also one without annotations; the module stays recorded.

    A ScriptModule takes no hooks: where torch has no slot, that is counted as a fault.
    """
    telemetry = instrumented()
    model = nn.Sequential(nn.Linear(4, 2), nn.ReLU()).eval()
    scripted = torch.jit.script(model)
    traced = torch.jit.trace(model, X)
    torch.testing.assert_close(scripted(X), traced(X))
    before = records(telemetry)
    model(X)

    assert records(telemetry) == before + 1
    assert FAULTS.counts().keys() == ({("root", "TypeError")} if mechanism == "hooks" else set())
    FAULTS.reset()


COPIES: Final[dict[str, Callable[[Any], Any]]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_runs_on_its_own_weights(
    mechanism: str, instrumented: Callable[..., Telemetry], how: str, kind: type[nn.Module]
) -> None:
    """Whatever a class says of copies: a copy is never run as its original, and can be recorded itself."""
    telemetry = instrumented()
    model = kind().eval()
    copied = COPIES[how](model)
    copied._modules = copied._modules | {"head": nn.Linear(8, 3)}  # a shallow copy shares the dict of its children
    copied.eval()
    before = records(telemetry)

    assert copied(X).shape == (5, 3)
    assert model(X).shape == (5, 2)
    assert records(telemetry) == before + 2


def test_an_lstm_can_be_copied(telemetry: Telemetry) -> None:
    """One of torch's own classes that say what copies are made of: each has a slot of its own."""
    model = nn.LSTM(4, 3).eval()
    copied = copy.copy(model)

    assert vars(copied)[KEY]._module() is copied
    assert vars(model)[KEY]._module() is model


def test_replicas_have_no_slot(telemetry: Telemetry) -> None:
    """What DataParallel copies to each device runs on its own weights and records nothing."""
    model = Net().eval()
    replica = model._replicate_for_data_parallel()

    assert KEY in vars(model)
    assert KEY not in vars(replica)


SAVED: Final[dict[str, Callable[[Any, Path], None]]] = {
    "pickle": lambda model, path: path.write_bytes(pickle.dumps(model)),
    "torch.save": torch.save,
    "joblib": joblib.dump,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", SAVED)
def test_what_is_saved_knows_nothing_of_us(
    mechanism: str, instrumented: Callable[..., Telemetry], how: str, kind: type[nn.Module], tmp_path: Path
) -> None:
    """A saved model can be loaded where there is no Driftline."""
    instrumented()
    model = kind().eval()
    model(X)
    SAVED[how](model, tmp_path / "model")

    assert b"driftline" not in (tmp_path / "model").read_bytes()


def test_the_state_dict_and_the_class_are_what_they_were(telemetry: Telemetry) -> None:
    """No parameter, buffer, hook, child or class is added."""
    model, plain = Net().eval(), Net()
    model(X)

    assert type(model) is Net
    assert list(model.state_dict()) == list(plain.state_dict())
    assert set(vars(model)) - set(vars(plain)) == {KEY}
    assert not model._forward_hooks
    assert not any(KEY in vars(each) for each in list(model.modules())[1:])


def test_uninstrument_empties_every_slot(mechanism: str, instrumented: Callable[..., Telemetry]) -> None:
    """Modules are what they were; what `model.compile()` had put in a slot is there again."""
    bare, compiled = Net().eval(), Net().eval()
    compiled.compile(backend="eager")
    before = [dict(vars(bare)), dict(vars(compiled))]
    instrumented()
    bare(X)
    compiled(X)
    driftline.uninstrument()

    assert [vars(bare), vars(compiled)] == before
    assert not bare._forward_hooks
    assert vars(compiled)[KEY] is before[1][KEY]
    compiled(X)


def test_classes_are_restored(instrumented: Callable[..., Telemetry]) -> None:
    """Also the methods that copy, of classes that have their own."""
    before = OwnState.__getstate__, OwnCopy.__copy__, nn.LSTM.__getstate__
    instrumented()
    models = OwnState().eval(), OwnCopy().eval(), nn.LSTM(4, 2).eval()
    assert (OwnState.__getstate__, OwnCopy.__copy__, nn.LSTM.__getstate__) != before
    driftline.uninstrument()

    assert (OwnState.__getstate__, OwnCopy.__copy__, nn.LSTM.__getstate__) == before
    assert not any(KEY in vars(each) for each in models)


def test_modules_go_without_the_collector(mechanism: str, instrumented: Callable[..., Telemetry]) -> None:
    """Reference counts alone free models that were recorded, and the tensors of a call that failed."""
    instrumented(capture="none")
    with no_collector():
        models = [Net().eval() for _ in range(50)]
        for each in models:
            each(X)
        given = torch.randn(2, 3)
        with pytest.raises(RuntimeError):
            models[0](given)
        alive = [weakref.ref(each) for each in (*models, given)]
        driftline.flush()
        del models, each, given
        kept = [reference() for reference in alive if reference() is not None]

    assert not kept


def test_calls_while_slots_come_and_go(telemetry: Telemetry) -> None:
    """Threads that call a model while another prepares and describes it again and again get its output."""
    model, done = Net().eval(), threading.Event()
    expected = model(X)

    def call() -> int:
        calls = 0
        while not done.is_set():
            torch.testing.assert_close(model(X), expected)
            calls += 1
        return calls

    with ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(call) for _ in range(3)]
        for _ in range(200):
            nn.ModuleList([model]).eval()  # takes its slot
            model.eval()
        done.set()

    assert sum(each.result() for each in callers) > 0


def test_torch_is_not_imported_by_us() -> None:
    """Neither `instrument` nor `describe` loads torch."""
    code = (
        "import driftline, sys; driftline.instrument(); f = driftline.describe(lambda x: x); f(1);"
        "assert 'torch' not in sys.modules; driftline.uninstrument()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_dynamo_is_not_imported_by_us() -> None:
    """It costs seconds: it is waited for."""
    code = (
        "import driftline, sys, torch; driftline.instrument(); m = torch.nn.LSTM(2, 2).eval(); m(torch.ones(1, 2));"
        "assert 'torch._dynamo' not in sys.modules; driftline.uninstrument()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env={"OTEL_METRICS_EXPORTER": "none"})
