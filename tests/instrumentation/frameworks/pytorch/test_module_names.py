"""Two modules never share a name in silence; one module, and its copies, never have two."""

import copy
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import nn

from driftline import semconv
from driftline.features.tensors.parameter_marks import parameter_marks
from telemetry import Telemetry

X = torch.randn(6, 4)


def rows(telemetry: Telemetry) -> Counter[str]:
    """Rows by model."""
    telemetry.flush()
    found: Counter[str] = Counter()
    for point in telemetry.streams(semconv.INFERENCE_ROWS):
        found[str(point.attributes[semconv.MODEL_NAME])] += int(point.value)
    return found


def predict(*modules: nn.Module) -> None:
    with torch.inference_mode():
        for module in modules:
            module(X)


@pytest.mark.parametrize("name", [None, "churn"])
def test_two_modules_of_one_class(
    name: str | None, instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    """Of the same shapes, or of others: the second keeps a name of its own, and one warning says so."""
    one, same, wider = nn.Linear(4, 1).eval(), nn.Linear(4, 1).eval(), nn.Linear(4, 2).eval()
    telemetry = instrumented(model_name=name)
    predict(one, same, wider, one)

    found = rows(telemetry)
    assert found[name or "Linear"] == 12
    assert sorted(found.values()) == [6, 6, 12]
    assert [message for message in caplog.messages if "Two models would be" in message]


def test_copies_and_loaded_ones_are_one(instrumented: Callable[..., Telemetry]) -> None:
    """As threads have them, and as a state that is loaded again makes them."""
    one = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)).eval()
    loaded = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)).eval()
    loaded.load_state_dict(one.state_dict())
    telemetry = instrumented(model_name="churn")
    predict(one, copy.deepcopy(one), loaded)

    assert rows(telemetry) == {"churn": 18}


def test_what_cannot_be_read_has_no_marks() -> None:
    """Parameters that are not there yet, values that are nowhere, and functions."""
    with torch.device("meta"):
        nowhere = nn.Linear(4, 1)

    assert [values for _, _, values in parameter_marks(nowhere)] == [(), ()]
    assert parameter_marks(nn.LazyLinear(2)) == ()
    assert parameter_marks(print) == ()
