"""scikit-learn, and all that follows its protocol: XGBoost, LightGBM, CatBoost, a user's own classes."""

import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Final

from driftline.features.models import ModelFactsCache, description_of
from driftline.frameworks.class_instrumentor import ClassInstrumentor
from driftline.frameworks.method_wrappers import WrapFunction
from driftline.recording.recorder import Adapter
from driftline.records import CLASSIFICATION, CLUSTERING, OUTLIER_DETECTION, REGRESSION, ModelFacts, NamedColumn

_SYSTEMS: Final = {"sklearn": "scikit_learn", "xgboost": "xgboost", "lightgbm": "lightgbm", "catboost": "catboost"}
_DEEPEST: Final = 8  # pipelines in searches in pipelines
_KINDS: Final = {
    "classifier": CLASSIFICATION,
    "regressor": REGRESSION,
    "clusterer": CLUSTERING,
    "outlier_detector": OUTLIER_DETECTION,
}


class SklearnInstrumentor(ClassInstrumentor):
    """Records the outermost calls of estimators. Loads neither scikit-learn nor numpy."""

    roots = (("sklearn.base", "BaseEstimator"), ("catboost.core", "_CatBoostBase"))
    calls = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples")
    fits = ("fit", "partial_fit", "fit_predict", "fit_transform")
    silent = ("transform", "score")  # they call predictions of members

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("scikit-learn >= 1.4",)

    def _adapter(self, settings: Any) -> Adapter:
        return Adapter(ModelFactsCache(partial(facts_of, settings)), rows_of)

    def _wrap_descriptor(self, wrap: WrapFunction, raw: Any) -> Any:
        if not (hasattr(raw, "check") and hasattr(raw, "fn")):
            return super()._wrap_descriptor(wrap, raw)
        from sklearn.utils.metaestimators import available_if

        return available_if(raw.check)(wrap(raw.fn))


def rows_of(operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The argument that holds the rows; CatBoost calls it `data`. None where it cannot be read: CatBoost's `Pool`."""
    del operation
    rows = args[0] if args else kwargs.get("X", kwargs.get("data"))
    return rows if hasattr(rows, "__len__") or hasattr(rows, "__array__") else None


def facts_of(settings: Any, model: Any) -> ModelFacts:
    """The facts of an estimator."""
    said = description_of(model)
    final = final_estimator(model)
    task = said.task or guess_task(model)
    names = said.feature_names or fitted_names(model)
    width = _attribute(model, "n_features_in_")
    return ModelFacts(
        name=said.name or settings.model_name or type(model).__name__,
        version=said.version or settings.model_version,
        type=type(final).__name__,
        system=system_of(type(model)),
        task=task,
        features=None if names is None else tuple(map(str, names)),
        width=width if isinstance(width, int) else None,
        outputs=partial(read_outputs, _attribute(model, "classes_"), task),
    )


def final_estimator(model: Any) -> Any:
    """The last step of a pipeline, the best estimator of a search: what makes the prediction."""
    for _ in range(_DEEPEST):
        steps = _attribute(model, "steps")
        inner = steps[-1][1] if isinstance(steps, list) and steps else None
        inner = inner or _attribute(model, "best_estimator_") or None
        if inner is None or isinstance(inner, str):
            break
        model = inner
    return model


def fitted_names(model: Any) -> Sequence[Any] | None:
    """Names of the columns that the model was fitted on. CatBoost numbers those that have none."""
    names: Sequence[Any] | None = _attribute(model, "feature_names_in_")
    if names is not None:
        return names
    named = _attribute(model, "feature_names_")
    return named if named and not all(str(name).isdecimal() for name in named) else None


def guess_task(model: Any) -> str | None:
    """What scikit-learn takes the estimator for; None where it does not say."""
    base = sys.modules.get("sklearn.base")
    for kind, task in _KINDS.items():
        test: Callable[[Any], bool] | None = getattr(base, f"is_{kind}", None)
        try:
            if test is not None and test(model):
                return task
        except Exception:  # noqa: BLE001, S112  # a class of somebody else's without tags
            continue
    return _KINDS.get(str(_attribute(model, "_estimator_type")))


def system_of(cls: type) -> str:
    """The library that the class, or the nearest base that is in a library we know, comes from."""
    roots = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return next((_SYSTEMS[root] for root in roots if root in _SYSTEMS), "scikit_learn")


def read_outputs(
    classes: Any, task: str | None, operation: str, columns: Sequence[Any], head: int
) -> list[NamedColumn]:
    """What a method returned, as named columns. classes: `classes_` of the model, a list of them with several heads."""
    from driftline.features import outputs

    known = classes[head] if isinstance(classes, list) and head < len(classes) else classes
    names = () if known is None or isinstance(known, list) else known
    if not len(columns):
        return []
    if operation == "predict" and not _are_raw(columns, names, task):
        return outputs.results(columns, task)
    if operation == "predict_proba" or (operation == "predict" and len(columns) == len(names)):
        return outputs.probabilities(columns, names)
    if operation == "predict_log_proba":
        return outputs.log_probabilities(columns, names)
    return outputs.scores(columns, names)


def _are_raw(columns: Sequence[Any], classes: Any, task: str | None) -> bool:
    """Whether a classifier's `predict` was told to return probabilities or margins (`prediction_type`, `raw_score`)."""
    kind = getattr(getattr(classes, "dtype", None), "kind", "f")
    return task == CLASSIFICATION and columns[0].dtype.kind == "f" and kind != "f"


def _attribute(model: Any, name: str) -> Any:
    """An attribute of somebody else's object: properties may raise what they like."""
    try:
        return getattr(model, name, None)
    except Exception:  # noqa: BLE001  # then it is not known
        return None
