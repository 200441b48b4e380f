"""Instruments scikit-learn and estimators that follow its protocol: XGBoost, LightGBM, CatBoost, custom classes."""

import functools
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from driftline.features.model_names import name_of
from driftline.features.models import ModelFactsCache, description_of
from driftline.frameworks.class_instrumentor import ClassInstrumentor
from driftline.frameworks.method_wrappers import WrapFunction
from driftline.recording.recorder import Adapter, Recorder
from driftline.records import CLASSIFICATION, CLUSTERING, OUTLIER_DETECTION, REGRESSION, ModelFacts, NamedColumn
from driftline.runtime.call_scope import paused
from driftline.runtime.import_hooks import Patches

_SYSTEMS: Final = {"sklearn": "scikit_learn", "xgboost": "xgboost", "lightgbm": "lightgbm", "catboost": "catboost"}
_DEEPEST: Final = 8  # nested pipelines and searches
_KINDS: Final = {
    "classifier": CLASSIFICATION,
    "regressor": REGRESSION,
    "clusterer": CLUSTERING,
    "outlier_detector": OUTLIER_DETECTION,
}


class SklearnInstrumentor(ClassInstrumentor):
    """Records the outermost calls of estimators. Imports neither scikit-learn nor numpy."""

    roots = (("sklearn.base", "BaseEstimator"), ("catboost.core", "_CatBoostBase"))
    calls = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples")
    fits = ("fit", "partial_fit", "fit_predict", "fit_transform")
    silent = ("transform", "score")  # they call predictions of their members

    evaluations = (
        ("sklearn.metrics._scorer", "_BaseScorer.__call__"),
        ("sklearn.metrics._scorer", "_MultimetricScorer.__call__"),
        ("sklearn.model_selection._validation", "_score"),
        ("sklearn.model_selection._validation", "_fit_and_predict"),
    )
    """Functions that predict to evaluate a model, as `score` does: `cross_val_score(scoring="accuracy")`."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ("scikit-learn >= 1.4",)

    def _adapter(self, settings: Any) -> Adapter:
        return Adapter(ModelFactsCache(partial(facts_of, settings)), rows_of)

    def _attach(self, recorder: Recorder, undo: ExitStack) -> None:
        super()._attach(recorder, undo)
        patches = Patches()
        undo.callback(patches.remove)
        for module, path in self.evaluations:
            patches.add(module, path, _without_recording)

    def _wrap_descriptor(self, wrap: WrapFunction, raw: Any) -> Any:
        if not (hasattr(raw, "check") and hasattr(raw, "fn")):
            return super()._wrap_descriptor(wrap, raw)
        from sklearn.utils.metaestimators import available_if

        return available_if(raw.check)(wrap(raw.fn))


def _without_recording(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with paused():
            return function(*args, **kwargs)

    return wrapped


def rows_of(operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The argument with the rows, which CatBoost calls `data`; None if it cannot be read (CatBoost's `Pool`)."""
    del operation
    rows = args[0] if args else kwargs.get("X", kwargs.get("data"))
    return rows if hasattr(rows, "__len__") or hasattr(rows, "__array__") else None


def facts_of(settings: Any, model: Any) -> ModelFacts:
    """Determine the facts of an estimator."""
    description = description_of(model)
    final = final_estimator(model)
    task = description.task or guess_task(model)
    names = description.feature_names or fitted_names(model)
    width = _attribute(model, "n_features_in_")
    kind = type(final), None if names is None else tuple(map(str, names)), str(width)
    wanted = settings.model_name, type(model).__name__, type(final).__name__
    name = description.name or name_of(final, wanted, kind, comparable=True)
    return ModelFacts(
        name=name,
        version=description.version or settings.model_version,
        type=type(final).__name__,
        system=system_of(type(model)),
        task=task,
        features=None if names is None else tuple(map(str, names)),
        width=width if isinstance(width, int) else None,
        outputs=partial(read_outputs, _attribute(model, "classes_"), task),
        joined=task == REGRESSION,  # `return_std` and `return_cov` add to a prediction; they are no others
    )


def final_estimator(model: Any) -> Any:
    """The estimator that predicts: the last step of a pipeline, the best estimator of a search."""
    for _ in range(_DEEPEST):
        steps = _attribute(model, "steps")
        inner = steps[-1][1] if isinstance(steps, list) and steps else None
        inner = inner or _attribute(model, "best_estimator_") or None
        if inner is None or isinstance(inner, str):
            break
        model = inner
    return model


def fitted_names(model: Any) -> Sequence[Any] | None:
    """Feature names seen in `fit`, without the numbers that CatBoost gives to unnamed columns."""
    names: Sequence[Any] | None = _attribute(model, "feature_names_in_")
    if names is not None:
        return names
    named = _attribute(model, "feature_names_")
    return named if named and not all(str(name).isdecimal() for name in named) else None


def guess_task(model: Any) -> str | None:
    """The task according to scikit-learn; None if unknown."""
    base = sys.modules.get("sklearn.base")
    for kind, task in _KINDS.items():
        test: Callable[[Any], bool] | None = getattr(base, f"is_{kind}", None)
        try:
            if test is not None and test(model):
                return task
        except Exception:  # noqa: BLE001, S112  # third-party classes without tags
            continue
    return _KINDS.get(str(_attribute(model, "_estimator_type")))


def system_of(cls: type) -> str:
    """The library of the class, or of its nearest base class in a known library."""
    roots = (base.__module__.partition(".")[0] for base in cls.__mro__)
    return next((_SYSTEMS[root] for root in roots if root in _SYSTEMS), "scikit_learn")


def read_outputs(
    classes: Any, task: str | None, operation: str, columns: Sequence[Any], head: int
) -> list[NamedColumn]:
    """A method's output as named columns. classes: `classes_` of the model, a list with several heads."""
    from driftline.features import outputs

    known = classes[head] if isinstance(classes, list) and head < len(classes) else classes
    names = () if known is None or isinstance(known, list) else known
    if not len(columns) or (head and task == REGRESSION):
        return []
    if operation == "predict" and not _are_raw(columns, names, task):
        return outputs.results(columns, task)
    if operation == "predict_proba" or (operation == "predict" and len(columns) == len(names)):
        return outputs.probabilities(columns, names)
    if operation == "predict_log_proba":
        return outputs.log_probabilities(columns, names)
    return outputs.scores(columns, names)


def _are_raw(columns: Sequence[Any], classes: Any, task: str | None) -> bool:
    """Whether a classifier's `predict` was asked for probabilities or margins (`prediction_type`, `raw_score`)."""
    kind = getattr(getattr(classes, "dtype", None), "kind", "f")
    return task == CLASSIFICATION and columns[0].dtype.kind == "f" and kind != "f"


def _attribute(model: Any, name: str) -> Any:
    """An attribute of a third-party object; None if it is missing or its property raises."""
    try:
        return getattr(model, name, None)
    except Exception:  # noqa: BLE001  # treated as missing
        return None
