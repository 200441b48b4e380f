"""Instruments native XGBoost and LightGBM models (`Booster`); their scikit-learn wrappers are recorded by `sklearn`.

Rows of a `DMatrix` are counted but not read: it drops missing values and could only be copied as a whole.
"""

import json
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

from driftline.features.model_names import name_of
from driftline.features.models import ModelFactsCache, description_of
from driftline.frameworks.class_instrumentor import ClassInstrumentor
from driftline.recording.recorder import Adapter
from driftline.records import CLASSIFICATION, REGRESSION, ModelFacts

OTHER_RESULTS: Final = frozenset(
    {"output_margin", "pred_leaf", "pred_contribs", "pred_interactions", "raw_score", "pred_contrib"}
)
"""Options that make the result something other than a prediction."""

_EVIDENCE: Final = {
    "binary:logistic": (CLASSIFICATION, "shares"),
    "binary": (CLASSIFICATION, "shares"),
    "multi:softprob": (CLASSIFICATION, "probabilities"),
    "multiclass": (CLASSIFICATION, "probabilities"),
    "regression": (REGRESSION, None),
    "reg:squarederror": (REGRESSION, None),
    "reg:absoluteerror": (REGRESSION, None),
}
"""Objectives that determine the output; for others it is inferred (see `driftline.features.tensors.output_forms`)."""


class BoosterInstrumentor(ClassInstrumentor):
    """Records the predictions of boosters. Imports neither library."""

    roots = (("xgboost.core", "Booster"), ("lightgbm.basic", "Booster"))
    calls = ("predict", "inplace_predict")
    fits = ("update", "refit")  # they may call predict
    silent = ("eval", "eval_set", "eval_train", "eval_valid")  # custom metrics receive predictions

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()  # either library will do

    def _adapter(self, settings: Any) -> Adapter:
        return Adapter(ModelFactsCache(partial(facts_of, settings)), rows_of, outputs_of)


def rows_of(operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The rows; None for a `DMatrix`, a file name or an array on a device."""
    del operation
    rows = args[0] if args else kwargs.get("data")
    if isinstance(rows, str) or hasattr(rows, "__cuda_array_interface__"):
        return None
    return rows if hasattr(rows, "__len__") or hasattr(rows, "__array__") else None


def outputs_of(operation: str, booster: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    """The prediction; None for other results, of which only the call is recorded."""
    del operation, booster, args
    return None if any(map(kwargs.get, OTHER_RESULTS)) else output


def facts_of(settings: Any, booster: Any) -> ModelFacts:
    """Determine the facts of a booster."""
    from driftline.features.tensors.output_reading import reading_of
    from driftline.features.tensors.task_evidence import Evidence
    from driftline.features.tensors.tensor_outputs import read_outputs

    description = description_of(booster)
    names = description.feature_names or _names(booster)
    evidence = Evidence(*_EVIDENCE.get(_objective(booster), (None, None)))
    reading = reading_of(booster, description, lambda: evidence)
    width = _asked(booster, "num_features", "num_feature")
    kind = type(booster), None if names is None else tuple(names), width
    wanted = settings.model_name, type(booster).__name__
    return ModelFacts(
        name=description.name or name_of(booster, wanted, kind, comparable=True),
        version=description.version or settings.model_version,
        type=type(booster).__name__,
        system=next((base.__module__.partition(".")[0] for base in type(booster).__mro__ if _is_root(base)), "booster"),
        task=reading.task,
        features=None if names is None else tuple(names),
        width=width,
        outputs=partial(read_outputs, reading),
    )


def _is_root(cls: type) -> bool:
    """Whether a class is the library's own, whose package names the system."""
    return (cls.__module__, cls.__name__) in BoosterInstrumentor.roots


def _names(booster: Any) -> Sequence[str] | None:
    """Feature names seen in training, without the numbers that LightGBM gives to unnamed columns."""
    names = _asked(booster, "feature_name")
    if names is None:
        return getattr(booster, "feature_names", None)
    return None if names == [f"Column_{position}" for position in range(len(names))] else names


def _objective(booster: Any) -> str:
    """Name of the objective without options; empty if unknown."""
    try:
        if hasattr(booster, "save_config"):
            return str(json.loads(booster.save_config())["learner"]["objective"]["name"])
        return str(booster.params.get("objective", "")).partition(" ")[0]
    except Exception:  # noqa: BLE001  # then it is inferred from the values
        return ""


def _asked(booster: Any, *methods: str) -> Any:
    """The result of the first of these methods that exists; None if it fails."""
    for name in methods:
        method = getattr(booster, name, None)
        try:
            if method is not None:
                return method()
        except Exception:  # noqa: BLE001  # an untrained model
            return None
    return None
