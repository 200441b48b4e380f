"""Models of Hugging Face, made from small configurations with random weights."""

from typing import Any, Final

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

from driftline import semconv
from telemetry import Telemetry

TOKENS: Final = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 0]])
MASK: Final = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])


@pytest.fixture(scope="module")
def classifier() -> Any:
    config = BertConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=3
    )
    return BertForSequenceClassification(config)


@pytest.fixture(scope="module")
def writer() -> Any:
    config = GPT2Config(vocab_size=64, n_positions=32, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=2)
    return GPT2LMHeadModel(config)


def operations(telemetry: Telemetry) -> list[tuple[str, str]]:
    named = (span.attributes for span in telemetry.spans())
    return [(each[semconv.MODEL_NAME], each[semconv.OPERATION_NAME]) for each in named]


def test_a_classifier(telemetry: Telemetry, classifier: Any) -> None:
    """`eval` of these models is an own one; a call with keywords is one record of all its rows."""
    classifier.eval()
    with torch.inference_mode():
        answer = classifier(input_ids=TOKENS, attention_mask=MASK)
    telemetry.flush()

    assert answer.logits.shape == (2, 3)
    assert operations(telemetry) == [("BertForSequenceClassification", "forward")]
    assert telemetry.total(semconv.INFERENCE_ROWS) == 2


def test_saved_and_loaded(telemetry: Telemetry, classifier: Any, tmp_path: Any) -> None:
    """What `from_pretrained` returns is a model."""
    classifier.save_pretrained(tmp_path)
    loaded = BertForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        loaded(TOKENS)

    assert operations(telemetry) == [("BertForSequenceClassification", "forward")]


def test_generation_is_one_call(telemetry: Telemetry, writer: Any) -> None:
    """One record for all the tokens that are generated."""
    writer.eval()
    written = writer.generate(TOKENS, attention_mask=torch.ones_like(TOKENS), max_new_tokens=5, do_sample=False)

    assert written.shape[0] == 2
    assert written.shape[1] > TOKENS.shape[1]
    assert operations(telemetry) == [("GPT2LMHeadModel", "generate")]


def test_generation_with_keywords_and_a_dict(telemetry: Telemetry, writer: Any) -> None:
    """The other ways in which people call it; flags are no inputs."""
    writer.eval()
    written = writer.generate(
        input_ids=TOKENS,
        attention_mask=torch.ones_like(TOKENS),
        max_new_tokens=2,
        do_sample=True,
        return_dict_in_generate=True,
        output_scores=True,
    )
    telemetry.flush()

    assert written.sequences.shape[0] == 2
    assert operations(telemetry) == [("GPT2LMHeadModel", "generate")]
    assert telemetry.total(semconv.INFERENCE_ROWS) == 2


def test_a_model_can_be_compiled(telemetry: Telemetry, classifier: Any) -> None:
    """Hugging Face's models compile to one graph, and are recorded."""
    classifier.eval()
    explained = torch._dynamo.explain(classifier)(TOKENS)
    compiled = torch.compile(classifier, backend="eager")
    before = len(telemetry.spans())
    with torch.no_grad():
        compiled(TOKENS)
    torch._dynamo.reset()

    assert explained.graph_break_count == 0
    assert len(telemetry.spans()) == before + 1
