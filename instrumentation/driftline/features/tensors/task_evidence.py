"""What a module says of its task and its outputs before it has returned any."""

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
"""By the last module: what it makes."""


class Evidence(NamedTuple):
    """task and form (see `forms`) of the outputs, None where nothing shows. classes: their names, () when unknown.

    padding: the token id that fills short texts up.
    """

    task: str | None = None
    form: str | None = None
    classes: tuple[str, ...] = ()
    padding: int | None = None


def evidence_of(module: Any) -> Evidence:
    """From Hugging Face's configuration, else from the module that comes last."""
    config = attribute(module, "config")
    padding = attribute(config, "pad_token_id")
    found = _of_config(config) if type_name(module).endswith(_CLASSIFIERS) and config is not None else _of_last(module)
    return found._replace(padding=padding) if isinstance(padding, int) else found


def _of_config(config: Any) -> Evidence:
    problem = attribute(config, "problem_type")
    if problem not in _PROBLEMS:  # what these models make of it themselves
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
    except Exception:  # noqa: BLE001  # no module, or one of somebody else's kind
        return Evidence()
    if not leaves:
        return Evidence()
    last = type_name(leaves[-1])
    if last == "Sigmoid":
        widths = [width for each in reversed(leaves) if isinstance(width := attribute(each, "out_features"), int)]
        task = None if not widths else CLASSIFICATION if widths[0] == 1 else MULTILABEL
        return Evidence(task, "shares")
    return Evidence(*_LAST.get(last, (None, None)))
