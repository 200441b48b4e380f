"""What modules return as named columns, and what is known or guessed of their task."""

import gc
import math
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from driftline.capture.buffer_pool import BufferPool  # noqa: E402
from driftline.capture.copies import Captures  # noqa: E402
from driftline.features import columns, models  # noqa: E402
from driftline.features.model_names import forget_names  # noqa: E402
from driftline.features.models import ModelFactsCache, describe  # noqa: E402
from driftline.features.tensors.module_facts import facts_of  # noqa: E402
from driftline.features.tensors.output_forms import ENOUGH_ROWS  # noqa: E402
from driftline.records import ModelFacts, as_capture  # noqa: E402
from driftline.settings import Settings  # noqa: E402

CAPTURES = Captures(BufferPool(2**26))
SETTINGS = Settings()


class Plain(nn.Module):
    """Says nothing of its task."""

    def forward(self, x: Any) -> Any:
        return x


@pytest.fixture(autouse=True)
def _names() -> None:
    """Those of other tests are free again."""
    forget_names()


def look(module: Any) -> ModelFacts:
    return facts_of(SETTINGS, module)


def named(module: Any, output: Any) -> dict[str, Any]:
    found = columns.outputs(look(module), "forward", [as_capture(CAPTURES.of(output, returned=True))])
    return {column.name: column.values for column in found}


def logits(rows: int = ENOUGH_ROWS, width: int = 3) -> Any:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(rows + width)) * 3


def test_classes_and_their_certainty() -> None:
    """Of logits: class, confidence, entropy and margin of their softmax, beside the raw values."""
    module = nn.Sequential(nn.Linear(4, 3))
    describe(module, task="classification")
    output = logits()
    found = named(module, output)
    shares = torch.softmax(output.double(), dim=1)
    ordered = shares.sort(dim=1, descending=True).values

    assert list(found) == ["raw.0", "raw.1", "raw.2", "prediction", "confidence", "entropy", "margin"]
    assert found["prediction"].tolist() == output.argmax(1).tolist()
    np.testing.assert_allclose(found["confidence"], ordered[:, 0], rtol=1e-5)
    np.testing.assert_allclose(found["entropy"], -(shares * shares.log()).sum(1), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found["margin"], ordered[:, 0] - ordered[:, 1], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found["raw.1"], output[:, 1])


FAMILIES = {
    "logits": (logits(), "classification", "confidence"),
    "probabilities": (torch.softmax(logits(), 1), "classification", "confidence"),
    "half probabilities": (torch.softmax(logits(), 1).bfloat16(), "classification", "confidence"),
    "log-probabilities": (torch.log_softmax(logits(), 1), "classification", "confidence"),
    "labels": (torch.sigmoid(logits()), "multilabel_classification", "score.2"),
    "a binary score": (torch.sigmoid(logits(width=1)), "classification", "score"),
    "a binary vector": (torch.sigmoid(logits(width=1)).squeeze(1), "classification", "score"),
    "a number": (logits(width=1), "regression", "prediction"),
    "a vector of numbers": (logits(width=1).squeeze(1), "regression", "prediction"),
    "embeddings": (nn.functional.normalize(logits(width=64)), "embedding", "projection.15"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_task_is_guessed_from_enough_rows(family: str) -> None:
    """Before them raw values alone, and no task; from then on the guess stands, whatever comes."""
    output, task, column = FAMILIES[family]
    module = Plain()
    before = named(module, output[:-1])
    assert look(module).task is None
    assert all(name.startswith("raw") for name in before)

    found = named(module, output[-1:])
    assert look(module).task == task
    assert column in found
    named(module, -100 * torch.ones_like(output))
    assert look(module).task == task


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_described_is_not_guessed(family: str) -> None:
    """`describe` overrides: regression is regression from the first row, without a word of classes."""
    module = Plain()
    describe(module, task="regression")
    found = named(module, FAMILIES[family][0])

    assert look(module).task == "regression"
    assert {name.partition(".")[0] for name in found} == {"prediction"}


def test_a_description_after_a_guess_replaces_it() -> None:
    """As does one that is taken back by another."""
    module = Plain()
    named(module, FAMILIES["a binary score"][0])
    assert look(module).task == "classification"

    describe(module, task="regression")
    assert look(module).task == "regression"
    assert list(named(module, FAMILIES["a binary score"][0])) == ["prediction"]


def test_rows_that_are_not_finite_decide_nothing() -> None:
    """They are counted as raw values, and make no guess."""
    module = Plain()
    named(module, torch.full((200, 3), math.nan))
    assert look(module).task is None

    output = torch.cat([torch.softmax(logits(), 1), torch.full((1, 3), math.nan)])
    found = named(module, output)
    assert look(module).task == "classification"
    assert len(found["confidence"]) == ENOUGH_ROWS
    assert len(found["raw.0"]) == ENOUGH_ROWS + 1


def test_nobody_waits_for_a_guess() -> None:
    """A lock that is held, as it may be in a forked child for ever, keeps no call from its outputs."""
    module = Plain()
    reading = look(module).outputs.args[0]  # type: ignore[attr-defined]
    with reading._lock:
        assert list(named(module, logits())) == ["raw.0", "raw.1", "raw.2"]
    assert "prediction" in named(module, logits())


def test_models_learn_of_a_guess() -> None:
    """The facts that adapters keep are made anew when a task becomes known, once."""
    module = Plain()
    known = ModelFactsCache(look)
    first = known.of(module)
    named(module, logits(10))
    assert known.of(module) is first

    named(module, logits())
    second = known.of(module)
    assert (first.task, second.task) == (None, "classification")
    named(module, logits())
    assert known.of(module) is second


def test_modules_are_not_kept_alive() -> None:
    """By what was found out of them."""
    module = Plain()
    named(module, logits())
    gone = weakref.ref(module)
    del module
    gc.collect()
    assert gone() is None


class Classifier(nn.Module):
    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(**config)


class BertForSequenceClassification(Classifier):
    pass


class ViTForImageClassification(Classifier):
    pass


@pytest.mark.parametrize(
    ("module", "task"),
    [
        (nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1)), "classification"),
        (nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=1)), "classification"),
        (nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), "classification"),
        (nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), "multilabel_classification"),
        (nn.Sequential(nn.Linear(4, 3)), None),
        (Plain(), None),
        (BertForSequenceClassification(num_labels=3, problem_type=None), "classification"),
        (BertForSequenceClassification(num_labels=1, problem_type=None), "regression"),
        (BertForSequenceClassification(num_labels=3, problem_type="regression"), "regression"),
        (BertForSequenceClassification(problem_type="multi_label_classification"), "multilabel_classification"),
        (ViTForImageClassification(num_labels=3), "classification"),
    ],
)
def test_tasks_that_show(module: Any, task: str | None) -> None:
    """By the last module, or Hugging Face's configuration: known before the first row."""
    assert look(module).task == task


@pytest.mark.parametrize("wrap", [torch.jit.script, torch.nn.DataParallel, lambda module: module])
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_what_a_module_is_called(wrap: Any) -> None:
    """Its own class, also where it is scripted or spread; description and settings go first."""
    module = wrap(nn.Sequential(nn.Linear(4, 2), nn.Softmax(dim=1)))
    found = look(module)

    assert (found.name, found.type, found.system, found.task) == (
        "Sequential",
        "Sequential",
        "pytorch",
        "classification",
    )
    assert facts_of(Settings(model_name="set", model_version="2"), module)[:2] == ("set", "2")
    describe(module, name="said", version="3", feature_names=["a", "b", "c", "d"])
    assert look(module)[:3] == ("said", "3", "Sequential")
    assert look(module).features == ("a", "b", "c", "d")


def test_labels_of_hugging_face_are_the_classes() -> None:
    """From its configuration, by the number of the logit; one row is enough."""
    module = BertForSequenceClassification(num_labels=2, id2label={0: "calm", 1: "angry"})
    found = named(module, {"logits": torch.tensor([[0.0, 1.0]]), "hidden_states": None})

    assert found["prediction"].tolist() == ["angry"]
    assert found["score"] == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item())


def test_several_outputs_are_read_each_by_itself() -> None:
    """A number and classes: their names tell them apart, and no task is said of both."""
    module = Plain()
    output = {"logits": logits(), "price": logits(width=1)}
    found = named(module, output)

    assert {"prediction.logits", "confidence.logits", "prediction.price", "raw.price"} <= found.keys()
    assert look(module).task is None


def test_wide_and_deep_outputs_are_bounded() -> None:
    """More than 16 numbers have no column each; of sequences and masks there are statistics."""
    wide = named(Plain(), logits(width=1000))
    assert set(wide) == {"prediction", "confidence", "entropy", "margin"}

    deep = named(Plain(), torch.rand(8, 21, 64, 64))
    assert {"mean", "std", "norm", "zeros"} < deep.keys()
    assert len(deep) == 7


def test_whole_numbers_are_classes() -> None:
    """What `argmax` returned."""
    (column,) = columns.outputs(
        look(Plain()), "forward", [as_capture(CAPTURES.of(torch.tensor([2, 0, 1]), returned=True))]
    )

    assert (column.name, column.classes, column.values.tolist()) == ("prediction", True, [2, 0, 1])


def test_texts_that_were_written_have_a_length() -> None:
    """What `generate` returns are token ids: no classes, but longer or shorter."""
    module = Classifier(pad_token_id=0)
    texts = torch.tensor([[5, 6, 7, 0], [5, 0, 0, 0]])
    (column,) = columns.outputs(look(module), "generate", [as_capture(CAPTURES.of(texts, returned=True))])

    assert (column.name, column.values.tolist()) == ("length", [3, 1])


def test_how_a_text_model_takes_its_inputs() -> None:
    """The size of its vocabulary, the name of its first argument, its padding; the rest as described."""

    class Text(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(5000, 4, padding_idx=7)
            self.places = nn.Embedding(512, 4)

        def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
            return self.words(input_ids).sum((1, 2))

    module = Text()
    describe(module, unknown_token=3)
    facts = look(module).inputs

    assert (facts.name, facts.vocabulary, facts.padding, facts.unknown) == ("input_ids", 5000, 7, 3)


def test_descriptions_of_inputs_are_checked() -> None:
    """A kind that is none, a centroid that is no vector: the error names the rule and the value."""
    with pytest.raises(ValueError, match=r"kind: must be one of tabular, image, .* \(got 'picture'\)"):
        describe(Plain(), kind="picture")
    with pytest.raises(ValueError, match=r"centroid: must be a vector, \[width\] \(got 2 dimensions\)"):
        describe(Plain(), centroid=np.ones((2, 2)))


def test_a_described_function_is_named_after_itself() -> None:
    """Not after the object that stands for it."""

    def rank(x: Any) -> Any:
        return x

    assert look(models.describe(rank)).name == "rank"
