"""Libraries that call models for their users: each of their predictions is one record, all else is none."""

import importlib.util
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, pipeline

import driftline
from driftline import semconv
from driftline.frameworks.pytorch.root_modules import EXPLAINERS
from telemetry import Telemetry

X: Final = torch.randn(20, 4)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, X: torch.Tensor) -> torch.Tensor:  # scikit-learn's name
        return self.head(self.body(X).relu()).softmax(1)


def operations(telemetry: Telemetry) -> list[tuple[str, str]]:
    named = (span.attributes for span in telemetry.spans())
    return [(each[semconv.MODEL_NAME], each[semconv.OPERATION_NAME]) for each in named]


def test_a_pipeline_of_hugging_face(telemetry: Telemetry, tmp_path: Path) -> None:
    """One record for a text, one for a batch."""
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film")
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    config = BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    model = BertForSequenceClassification(config).eval()
    classify: Any = pipeline(
        "text-classification", model=model, tokenizer=BertTokenizerFast(str(tmp_path / "vocab.txt"))
    )
    classify("good film")
    assert len(classify(["good film", "bad film"], batch_size=2)) == 2
    telemetry.flush()

    assert operations(telemetry) == [("BertForSequenceClassification", "forward")] * 2
    assert telemetry.total(semconv.INFERENCE_ROWS) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("described", [False, True])
def test_an_export_to_onnx(telemetry: Telemetry, described: bool) -> None:
    """Writing a recorded model to ONNX records nothing, and the model stays recorded."""
    model, file = Net().eval(), io.BytesIO()
    if described:
        driftline.describe(model)
    torch.onnx.export(model, (X,), file, dynamo=False)
    assert file.getvalue()
    assert not telemetry.spans()
    model(X)

    assert operations(telemetry) == [("Net", "forward")]


CAPTUM: Final = """
class Attribution:
    def __init__(self, forward_func):
        self.forward_func = forward_func

class Ablation(Attribution):
    def attribute(self, inputs):
        return [self.forward_func(inputs * keep) for keep in (0, 1)]
"""


@pytest.fixture
def captum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of a stand-in for the module of captum's that its explainers derive from."""
    if importlib.util.find_spec("captum") is not None:
        pytest.skip("captum itself is here")
    folder = tmp_path / "captum" / "attr" / "_utils"
    folder.mkdir(parents=True)
    (folder / "attribution.py").write_text(CAPTUM)
    monkeypatch.syspath_prepend(tmp_path)
    yield EXPLAINERS
    for name in [name for name in sys.modules if name.partition(".")[0] == "captum"]:
        del sys.modules[name]


def test_perturbations_of_an_explainer_are_no_traffic(captum: str, instrumented: Callable[..., Telemetry]) -> None:
    """Explainers that ask for no gradient call models as servers do; they are known by their class."""
    telemetry = instrumented()
    model, module = Net().eval(), importlib.import_module(captum)
    assert len(module.Ablation(model).attribute(X)) == 2
    assert not telemetry.spans()
    model(X)
    driftline.uninstrument()

    assert operations(telemetry) == [("Net", "forward")]
    assert not hasattr(module.Ablation.attribute, "__wrapped__")


METHODS: Final = ("DeepLift", "FeatureAblation", "IntegratedGradients", "Saliency", "ShapleyValueSampling")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
def test_captum(telemetry: Telemetry, method: str) -> None:
    """Its own explainers, where it is installed."""
    explainers = pytest.importorskip("captum.attr")
    model = Net().eval()
    getattr(explainers, method)(model).attribute(X, target=1)
    assert not telemetry.spans()
    model(X)

    assert len(telemetry.spans()) == 1


def test_skorch(telemetry: Telemetry) -> None:
    """An estimator that trains and calls a module: its predictions are the records."""
    skorch = pytest.importorskip("skorch")
    net = skorch.NeuralNetClassifier(Net, max_epochs=1, verbose=0, train_split=None)
    net.fit(X.numpy(), (X[:, 0] > 0).long().numpy())
    assert not telemetry.spans()
    net.predict(X.numpy())
    net.predict_proba(X.numpy())

    assert operations(telemetry) == [("NeuralNetClassifier", "predict"), ("NeuralNetClassifier", "predict_proba")]


def test_a_call_of_its_own(telemetry: Telemetry) -> None:
    """A class whose `__call__` goes straight to `forward` is recorded once that is said to be the method."""

    class Direct(Net):
        def __call__(self, X: torch.Tensor) -> torch.Tensor:
            return self.forward(X)

    driftline.describe(Direct().eval(), name="direct", method="__call__")(X)

    assert operations(telemetry) == [("direct", "__call__")]
