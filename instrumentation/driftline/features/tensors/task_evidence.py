"""Infers the task and output form of a module from its configuration and last layer, before its first call."""

from typing import Any, Final, NamedTuple

from driftline.features.tensors.module_names import attribute, type_name
from driftline.records import CLASSIFICATION, MULTILABEL, REGRESSION

_MOST_CLASSES: Final = 10_000

_CLASSIFIERS: Final = tuple(f"For{what}Classification" for what in ("Sequence", "Image", "Audio", "Video"))
_PROBLEMS: Final = {
    "regression": (REGRESSION, "numbers"),
    "multi_label_classification": (MULTILABEL, "share_logits"),
    "single_label_classification": (CLASSIFICATION, "logits"),
}
_LAST: Final = {
    "Softmax": (CLASSIFICATION, "probabilities"),
    "Softmax2d": (CLASSIFICATION, "probabilities"),
    "LogSoftmax": (CLASSIFICATION, "log_probabilities"),
}
"""Task and output form by the last layer."""


class Evidence(NamedTuple):
    """Task and form (see `output_forms`) of the outputs, None if unknown. classes: class names, () if unknown.

    padding: id of the padding token.
    """

    task: str | None = None
    form: str | None = None
    classes: tuple[str, ...] = ()
    padding: int | None = None


def evidence_of(module: Any) -> Evidence:
    """Evidence from the Hugging Face configuration, else from the last layer."""
    config = attribute(module, "config")
    padding = attribute(config, "pad_token_id")
    found = _of_config(config) if type_name(module).endswith(_CLASSIFIERS) and config is not None else _of_last(module)
    return found._replace(padding=padding) if isinstance(padding, int) else found


def _of_config(config: Any) -> Evidence:
    problem = attribute(config, "problem_type")
    if problem not in _PROBLEMS:  # the default of these models
        problem = "regression" if attribute(config, "num_labels") == 1 else "single_label_classification"
    task, form = _PROBLEMS[problem]
    return Evidence(task, form, _labels(attribute(config, "id2label")))


def _labels(names: Any) -> tuple[str, ...]:
    if not isinstance(names, dict) or len(names) > _MOST_CLASSES:
        return ()
    return tuple(str(names[number]) for number in range(len(names))) if set(names) == set(range(len(names))) else ()


def _of_last(module: Any) -> Evidence:
    try:
        leaves = [each for each in module.modules() if next(each.children(), None) is None]
    except Exception:  # noqa: BLE001  # not a module, or an unusual one
        return Evidence()
    if not leaves:
        return Evidence()
    last = type_name(leaves[-1])
    if last == "Sigmoid":
        widths = [width for each in reversed(leaves) if isinstance(width := attribute(each, "out_features"), int)]
        task = None if not widths else CLASSIFICATION if widths[0] == 1 else MULTILABEL
        return Evidence(task, "shares")
    return Evidence(*_LAST.get(last, (None, None)))
