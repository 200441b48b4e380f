"""Facts about a module before its first call: name, task as far as it can be inferred, inputs."""

import inspect
import sys
from functools import partial
from typing import Any, Final

from driftline.features.input_kinds import TABULAR
from driftline.features.model_names import name_of
from driftline.features.models import Description, description_of, is_described
from driftline.features.tensors.module_names import attribute, type_name, unwrapped
from driftline.features.tensors.output_reading import reading_of
from driftline.features.tensors.parameter_marks import parameter_marks
from driftline.features.tensors.task_evidence import evidence_of
from driftline.features.tensors.tensor_outputs import read_outputs
from driftline.records import InputFacts, ModelFacts
from driftline.settings import Settings

SYSTEM: Final = "pytorch"


def facts_of(settings: Settings, module: Any) -> ModelFacts:
    """The facts of a module, or of any other described callable."""
    inner = unwrapped(module)
    description = description_of(module if is_described(module) else inner)
    kind = type_name(inner)
    reading = reading_of(module, description, lambda: evidence_of(inner))
    return ModelFacts(
        name=description.name or name_of(inner, (settings.model_name, kind), (kind, *parameter_marks(inner))),
        version=description.version or settings.model_version,
        type=kind,
        system=SYSTEM,
        task=reading.task,
        features=description.feature_names,
        width=None,
        outputs=partial(read_outputs, reading),
        inputs=_inputs(description, inner, reading.padding),
    )


def _inputs(description: Description, module: Any, padding: int | None) -> InputFacts:
    embedding = _embedding(module)
    padding = attribute(embedding, "padding_idx") if padding is None else padding
    return InputFacts(
        kind=description.kind or (TABULAR if description.feature_names else None),
        name=_first_argument(module),
        vocabulary=attribute(embedding, "num_embeddings") or 0,
        padding=padding if isinstance(padding, int) else None,
        unknown=description.unknown_token,
        centroid=description.centroid,
    )


def _embedding(module: Any) -> Any:
    """The token embedding: the one Hugging Face models name, else the largest."""
    named = attribute(module, "get_input_embeddings")
    try:
        if named is not None and (found := named()) is not None:
            return found
    except Exception:  # noqa: BLE001, S110  # models without one may raise
        pass
    nn = sys.modules.get("torch.nn")
    if nn is None or not isinstance(module, nn.Module):
        return None
    embeddings = [each for each in module.modules() if type_name(each) == "Embedding"]
    return max(embeddings, key=lambda each: attribute(each, "num_embeddings") or 0, default=None)


def _first_argument(module: Any) -> str | None:
    try:
        return next(iter(inspect.signature(getattr(module, "forward", module)).parameters), None)
    except (TypeError, ValueError):
        return None
