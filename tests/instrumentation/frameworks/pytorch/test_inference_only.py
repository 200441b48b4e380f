"""Which calls of PyTorch models do not count: training, validation, tracing, transforms, explanations."""

import gc
import logging
from collections.abc import Callable
from typing import Any, Final

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.checkpoint import checkpoint

import driftline
from driftline.frameworks.pytorch.inference_only import HINT_AFTER
from telemetry import Telemetry

X: Final = torch.randn(6, 4)
Y: Final = torch.tensor([0, 1, 0, 1, 0, 1])


class Net(nn.Module):
    """Two layers, of which the first may be frozen, as in transfer learning."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def records(telemetry: Telemetry) -> int:
    return len(telemetry.spans())


def fit(model: nn.Module, optimizer: type[torch.optim.Optimizer], *, scheduled: bool) -> nn.Module:
    """Three epochs, each with a validation phase."""
    steps = optimizer(model.parameters(), lr=0.01)  # type: ignore[call-arg]  # every optimizer's own
    schedule = torch.optim.lr_scheduler.StepLR(steps, 1) if scheduled else None
    for _ in range(3):
        model.train()
        for _ in range(4):
            steps.zero_grad()
            nn.functional.cross_entropy(model(X), Y).backward()
            steps.step()
        if schedule is not None:
            schedule.step()
        model.eval()
        with torch.no_grad():
            model(X)
    return model


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_training_and_validation_are_not_counted(
    telemetry: Telemetry, optimizer: type[torch.optim.Optimizer], scheduled: bool
) -> None:
    """Neither phase counts while an optimizer lives; the first call after it does."""
    model = fit(Net(), optimizer, scheduled=scheduled)
    assert records(telemetry) == 0
    model(X)

    assert records(telemetry) == 1


def test_an_optimizer_made_before_instrument_counts_as_one(instrumented: Callable[..., Telemetry]) -> None:
    """Training that is under way when instrumentation begins is training."""
    model = Net().eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    telemetry = instrumented()
    model(X)
    assert records(telemetry) == 0
    del optimizer
    model(X)

    assert records(telemetry) == 1


def test_a_described_model_counts_whatever_trains(telemetry: Telemetry) -> None:
    """Who describes a model wants to see it, also where another is being trained."""
    model = Net().eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    driftline.describe(model)
    model(X)

    assert optimizer.param_groups
    assert records(telemetry) == 1


def test_frozen_parts_of_a_model_in_training_are_not_counted(telemetry: Telemetry) -> None:
    """A backbone in evaluation mode inside a training step is part of the step."""
    model = Net()
    model.load_state_dict(model.state_dict())
    model.body.eval()
    model(X).sum().backward()

    assert records(telemetry) == 0


def test_a_mode_of_single_layers_makes_no_model(telemetry: Telemetry) -> None:
    """Norms and dropouts alone in evaluation mode are layers of something."""
    nn.BatchNorm1d(4).eval()(X)
    nn.Dropout().eval()(X)

    assert records(telemetry) == 0


def test_a_forgotten_eval_without_gradients_counts(telemetry: Telemetry) -> None:
    """Weights were loaded and gradients are off: it is served, though in training mode."""
    model = Net()
    model.load_state_dict(model.state_dict())
    with torch.no_grad():
        model(X)

    assert records(telemetry) == 1


def test_submodules_do_not_count(telemetry: Telemetry) -> None:
    """Nor those that were prepared before the whole was."""
    model = Net()
    model.body.eval()
    model.head.load_state_dict(model.head.state_dict())
    model.eval()
    model(X)
    model.body(X)  # a part of a model alone is not the model, unless it is described

    assert records(telemetry) == 1


def _traced(model: nn.Module) -> None:
    model.eval()
    make_fx(model)(X)


def _fake(model: nn.Module) -> None:
    with torch._subclasses.FakeTensorMode(allow_non_fake_inputs=True) as mode:
        model(mode.from_tensor(X))


def _vmap(model: nn.Module) -> None:
    torch.func.vmap(model)(X)


def _jacrev(model: nn.Module) -> None:
    torch.func.jacrev(model)(X)


def _export(model: nn.Module) -> None:
    torch.export.export(model, (X,))


def _attribution(model: nn.Module) -> None:
    """As captum does: the gradient of an input."""
    given = X.clone().requires_grad_()
    model(given)[:, 1].sum().backward()


NOT_PREDICTIONS: Final[dict[str, Callable[[nn.Module], None]]] = {
    "make_fx": _traced,
    "fake tensors": _fake,
    "vmap": _vmap,
    "jacrev": _jacrev,
    "export": _export,
    "attribution": _attribution,
}


@pytest.mark.parametrize("kind", NOT_PREDICTIONS)
@pytest.mark.parametrize("described", [False, True])
def test_what_is_no_prediction(telemetry: Telemetry, kind: str, described: bool) -> None:
    """Tracers, transforms and explainers call models too: of none is anything recorded."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
    if described:
        driftline.describe(model)
    NOT_PREDICTIONS[kind](model)
    assert records(telemetry) == 0
    model(X)

    assert records(telemetry) == 1


class Checkpointed(nn.Module):
    """Computes its layer again when it goes backward."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return checkpoint(self.layer, x, use_reentrant=False)


def test_checkpointing_counts_once(telemetry: Telemetry) -> None:
    """The forward pass counts, its repetition in the backward pass does not; nor does that of a model itself."""
    inside, outside = Checkpointed().eval(), nn.Linear(4, 2).eval()
    inside(X).sum().backward()
    checkpoint(outside, X, use_reentrant=False).sum().backward()

    assert records(telemetry) == 2


def test_a_forgotten_eval_is_said_once(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """After many calls in training mode with gradients there is one hint, and nothing recorded."""
    model = Net()
    model.load_state_dict(model.state_dict())
    for _ in range(2 * HINT_AFTER):
        model(X)

    assert records(telemetry) == 0
    (hint,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "eval()" in hint.message


def test_a_live_optimizer_is_said_once(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    """An optimizer that nobody deletes silences models: that is said, with the way out."""
    model: Any = Net()
    model.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.eval()
    for _ in range(2 * HINT_AFTER):
        model(X)

    assert records(telemetry) == 0
    (hint,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "driftline.describe" in hint.message


@pytest.mark.parametrize("called", [True, False])
def test_a_model_that_is_never_called_is_said(
    instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture, called: bool
) -> None:
    """Who prepares a model and calls its `forward` directly finds at the end why there are no records."""
    caplog.set_level(logging.INFO, "driftline")
    gc.collect()  # models of other tests
    instrumented()
    model = Net().eval()
    model(X) if called else model.forward(X)
    driftline.uninstrument()

    assert any("no call was recorded" in record.message for record in caplog.records) is not called
