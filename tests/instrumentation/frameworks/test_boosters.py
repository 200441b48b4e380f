"""XGBoost, LightGBM and CatBoost through their scikit-learn faces, and classes of users and third parties."""

import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import driftline
from driftline import semconv
from telemetry import Telemetry

RNG = np.random.default_rng(5)
ROWS = 60
X = RNG.normal(size=(ROWS, 3))
FRAME = pd.DataFrame(X, columns=["age", "income", "tenure"])
BINARY = (X[:, 0] > 0).astype(int)
MULTI = np.digitize(X[:, 0], [-0.5, 0.5])
NUMBERS = X[:, 0] * 2 + 1
QUERIES = np.repeat(np.arange(6), ROWS // 6)
METHODS = ("predict", "predict_proba", "fit", "score", "__init_subclass__", "__setstate__")


@dataclass(frozen=True)
class Library:
    """Unfitted models of a library. ranked: how its ranker is told of queries. stopping: what stops a fit early."""

    system: str
    classifier: Any
    regressor: Any
    ranker: Any
    ranked: dict[str, Any]
    stopping: Callable[[Any], tuple[Any, dict[str, Any]]]


def _xgboost() -> Library:
    from xgboost import XGBClassifier, XGBRanker, XGBRegressor

    few: dict[str, Any] = {"n_estimators": 4, "n_jobs": 1}
    return Library(
        system="xgboost",
        classifier=XGBClassifier(**few),
        regressor=XGBRegressor(**few),
        ranker=XGBRanker(**few),
        ranked={"qid": QUERIES},
        stopping=lambda model: (model.set_params(early_stopping_rounds=2), {"verbose": False}),
    )


def _lightgbm() -> Library:
    from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor, early_stopping

    few: dict[str, Any] = {"n_estimators": 4, "n_jobs": 1, "verbose": -1, "min_child_samples": 2}
    return Library(
        system="lightgbm",
        classifier=LGBMClassifier(**few),
        regressor=LGBMRegressor(**few),
        ranker=LGBMRanker(**few),
        ranked={"group": [ROWS // 6] * 6},
        stopping=lambda model: (model, {"callbacks": [early_stopping(2, verbose=False)]}),
    )


def _catboost() -> Library:
    from catboost import CatBoostClassifier, CatBoostRanker, CatBoostRegressor

    few: dict[str, Any] = {"iterations": 4, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
    return Library(
        system="catboost",
        classifier=CatBoostClassifier(**few),
        regressor=CatBoostRegressor(**few),
        ranker=CatBoostRanker(**few),
        ranked={"group_id": QUERIES},
        stopping=lambda model: (model, {"early_stopping_rounds": 2}),
    )


LIBRARIES = {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}


@pytest.fixture(params=LIBRARIES.values(), ids=LIBRARIES.keys(), scope="module")
def library(request: pytest.FixtureRequest) -> Library:
    return request.param()


@pytest.fixture(scope="module")
def classifier(library: Library) -> Any:
    return clone(library.classifier).fit(X, BINARY)


def features(telemetry: Telemetry, state: str = semconv.VALID) -> dict[str, float]:
    """Rows in a state by feature."""
    return {
        point.attributes[semconv.FEATURE_NAME]: point.value
        for point in telemetry.streams(semconv.FEATURE_OBSERVATIONS)
        if point.attributes[semconv.FEATURE_STATE] == state
    }


def output_names(telemetry: Telemetry) -> set[str]:
    return {point.attributes[semconv.OUTPUT_NAME] for point in telemetry.points(semconv.OUTPUT_OBSERVATIONS)}


def class_counts(telemetry: Telemetry) -> dict[str, float]:
    """Predictions by class."""
    return {
        point.attributes[semconv.OUTPUT_CLASS]: point.value for point in telemetry.streams(semconv.OUTPUT_PREDICTIONS)
    }


def counts_of(values: Any) -> dict[str, int]:
    return pd.Series(np.ravel(values)).astype(str).value_counts().to_dict()


def test_a_classifier_is_counted_under_its_librarys_name(
    telemetry: Telemetry, library: Library, classifier: Any
) -> None:
    """`predict` gives one span, its rows, its classes; system, type and task are right."""
    predicted = classifier.predict(X)
    telemetry.flush()

    (span,) = telemetry.spans()
    assert span.attributes[semconv.SYSTEM_NAME] == library.system
    assert span.attributes[semconv.MODEL_TYPE] == type(classifier).__name__
    assert span.attributes[semconv.TASK] == "classification"
    assert span.attributes[semconv.ROW_COUNT] == telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert features(telemetry) == {"x0": ROWS, "x1": ROWS, "x2": ROWS}
    assert class_counts(telemetry) == counts_of(predicted)


def test_probabilities_of_two_classes(telemetry: Telemetry, classifier: Any) -> None:
    """`predict_proba` gives the class, its probability, and the second class's score."""
    probabilities = classifier.predict_proba(X)
    telemetry.flush()

    assert output_names(telemetry) == {"prediction", "confidence", "score"}
    assert class_counts(telemetry) == counts_of(classifier.classes_[probabilities.argmax(axis=1)])
    shown = telemetry.spans()[0].attributes[f"{semconv.BATCH_OUTPUT}.score"]
    assert shown == pytest.approx(probabilities[:8, 1].tolist())


def test_several_classes(telemetry: Telemetry, library: Library) -> None:
    """Both methods of a classifier of three classes count each class by its name."""
    model = clone(library.classifier).fit(X, MULTI)
    predicted = model.predict(X)
    likeliest = model.classes_[model.predict_proba(X).argmax(axis=1)]
    telemetry.flush()

    by_method: dict[str, dict[str, float]] = {}
    for point in telemetry.streams(semconv.OUTPUT_PREDICTIONS):
        of_method = by_method.setdefault(point.attributes[semconv.OPERATION_NAME], {})
        of_method[point.attributes[semconv.OUTPUT_CLASS]] = point.value
    assert by_method == {"predict": counts_of(predicted), "predict_proba": counts_of(likeliest)}
    assert output_names(telemetry) == {"prediction", "confidence", "entropy", "margin"}


def test_a_regressor_is_sketched(telemetry: Telemetry, library: Library) -> None:
    """A regression is a number, not a class."""
    clone(library.regressor).fit(X, NUMBERS).predict(X)
    telemetry.flush()

    assert telemetry.total(semconv.OUTPUT_VALUE) + telemetry.total(semconv.OUTPUT_TAIL) == ROWS
    assert not telemetry.points(semconv.OUTPUT_PREDICTIONS)
    assert telemetry.spans()[0].attributes[semconv.TASK] == "regression"


def test_a_ranker_is_sketched(telemetry: Telemetry, library: Library) -> None:
    """A ranker's result is a number for each row."""
    clone(library.ranker).fit(X, BINARY, **library.ranked).predict(X)
    telemetry.flush()

    assert telemetry.total(semconv.OUTPUT_VALUE) + telemetry.total(semconv.OUTPUT_TAIL) == ROWS
    assert output_names(telemetry) == {"prediction"}
    assert telemetry.spans()[0].attributes[semconv.SYSTEM_NAME] == library.system


def test_a_pipeline_in_a_search_is_one_record(telemetry: Telemetry, library: Library) -> None:
    """Neither the search's fit nor the pipeline's steps record anything of their own."""
    step = type(library.regressor).__name__.lower()
    pipeline = make_pipeline(StandardScaler(), clone(library.regressor))
    search = GridSearchCV(pipeline, {f"{step}__max_depth": [2, 3]}, cv=2).fit(X, NUMBERS)
    assert not telemetry.flush().spans()
    search.predict(X)
    telemetry.flush()

    (span,) = telemetry.spans()
    assert span.attributes[semconv.MODEL_NAME] == "GridSearchCV"
    assert span.attributes[semconv.MODEL_TYPE] == type(library.regressor).__name__
    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS


@pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated")
def test_a_fit_that_stops_early_records_nothing(telemetry: Telemetry, library: Library) -> None:
    """What a fit evaluates on its validation set is no prediction."""
    model, options = library.stopping(clone(library.classifier))
    model.fit(X[:40], BINARY[:40], eval_set=[(X[40:], BINARY[40:])], **options)
    telemetry.flush()

    assert not telemetry.spans()
    assert telemetry.total(semconv.INFERENCE_ROWS) == 0


def test_names_come_from_frames_and_descriptions(telemetry: Telemetry, library: Library) -> None:
    """A frame names the columns; what was described names those of arrays."""
    clone(library.regressor).fit(FRAME, NUMBERS).predict(FRAME)
    described = clone(library.regressor).fit(X, NUMBERS)
    driftline.describe(described, name="price", version="3", feature_names=["a", "b", "c"])
    described.predict(X[:7])
    telemetry.flush()

    assert features(telemetry) == {"age": ROWS, "income": ROWS, "tenure": ROWS, "a": 7, "b": 7, "c": 7}
    names = {semconv.MODEL_NAME: "price", semconv.MODEL_VERSION: "3"}
    assert telemetry.total(semconv.INFERENCE_ROWS, names) == 7


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_names_of_the_fit_serve_arrays(telemetry: Telemetry, library: Library) -> None:
    """A model that was fitted on a frame names the columns of arrays."""
    clone(library.regressor).fit(FRAME, NUMBERS).predict(X)

    assert features(telemetry.flush()).keys() == set(FRAME.columns)


INPUTS: dict[str, Callable[[Any], Any]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "float32": lambda rows: rows.astype(np.float32),
    "pandas": lambda rows: pd.DataFrame(rows, columns=["x0", "x1", "x2"]),
}


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("rows", [1, 3000])
@pytest.mark.parametrize("kind", INPUTS)
def test_missing_values_are_counted_in_every_kind_of_input(
    telemetry: Telemetry, classifier: Any, kind: str, rows: int
) -> None:
    """These models take missing values: they are a state of their column, and the prediction stands."""
    given = np.resize(X, (rows, 3))
    given[0, 1] = np.nan
    with driftline.paused():
        expected = classifier.predict_proba(INPUTS[kind](given))
    np.testing.assert_array_equal(classifier.predict_proba(INPUTS[kind](given)), expected)
    telemetry.flush()

    assert features(telemetry)["x0"] == rows
    assert features(telemetry).get("x1", 0) == rows - 1
    assert features(telemetry, semconv.MISSING) == {"x1": 1}
    assert telemetry.total(semconv.INFERENCE_ROWS) == rows
    assert not telemetry.points(semconv.FAULTS)


def test_copies_are_recorded(telemetry: Telemetry, classifier: Any) -> None:
    """Pickles of a model and of its method, and clones, work and are recorded; its class is the library's."""
    loaded = pickle.loads(pickle.dumps(classifier))
    loaded.predict(X)
    pickle.loads(pickle.dumps(classifier.predict))(X)
    clone(classifier).fit(X, BINARY).predict(X)

    assert type(loaded) is type(classifier)
    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == 3 * ROWS


def test_exceptions_are_the_librarys(telemetry: Telemetry, library: Library) -> None:
    """A model that is not fitted raises what it raises without us."""
    with driftline.paused(), pytest.raises(Exception) as plain:  # noqa: PT011  # each library has its own
        clone(library.classifier).predict(X)
    with pytest.raises(type(plain.value)) as recorded:
        clone(library.classifier).predict(X)
    telemetry.flush()

    assert str(recorded.value) == str(plain.value)
    assert telemetry.spans()[0].attributes[semconv.ERROR_TYPE] == type(plain.value).__qualname__


def test_classes_keep_what_they_were(library: Library, instrumented: Callable[..., Telemetry]) -> None:
    """Signatures and docstrings stay while it is on; after it, every class has the very objects that it had."""
    classes = [cls for each in (library.classifier, library.regressor, library.ranker) for cls in type(each).__mro__]

    def objects() -> list[Any]:
        return [[(name, id(vars(cls).get(name))) for name in METHODS] for cls in classes]

    def faces() -> list[Any]:
        methods = [getattr(cls, name, None) for cls in classes for name in METHODS if not name.startswith("__")]
        return [(inspect.signature(each), each.__doc__, each.__qualname__) for each in methods if each is not None]

    before, faces_before = objects(), faces()
    instrumented()
    assert objects() != before
    assert faces() == faces_before
    driftline.uninstrument()
    assert objects() == before


def test_raw_scores_of_a_classifier_are_numbers(telemetry: Telemetry) -> None:
    """Options that make `predict` return probabilities or margins do not make classes of them."""
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier

    CatBoostClassifier(iterations=4, thread_count=1, verbose=0, allow_writing_files=False).fit(X, BINARY).predict(
        X, prediction_type="Probability"
    )
    LGBMClassifier(n_estimators=4, n_jobs=1, verbose=-1).fit(X, BINARY).predict(X, raw_score=True)
    telemetry.flush()

    catboost, lightgbm = telemetry.spans()
    assert {f"{semconv.OUTPUT}.{name}" for name in ("prediction", "confidence", "score")} <= catboost.attributes.keys()
    assert f"{semconv.OUTPUT}.score" in lightgbm.attributes
    assert f"{semconv.OUTPUT}.prediction" not in lightgbm.attributes


def test_rows_of_a_pool_are_counted(telemetry: Telemetry) -> None:
    """CatBoost's own container cannot be read: its rows and the outputs are counted."""
    from catboost import CatBoostRegressor, Pool

    model = CatBoostRegressor(iterations=4, thread_count=1, verbose=0, allow_writing_files=False).fit(X, NUMBERS)
    model.predict(data=Pool(X))
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert telemetry.total(semconv.OUTPUT_OBSERVATIONS, {semconv.FEATURE_STATE: semconv.VALID}) == ROWS
    assert features(telemetry) == {}


def test_a_users_subclass_is_recorded_once(telemetry: Telemetry, library: Library) -> None:
    """A class made after `instrument()` that calls its library's method counts once, under its own name."""

    class Clipped(type(library.regressor)):  # type: ignore[misc]
        def predict(self, data: Any, **options: Any) -> Any:
            return np.clip(super().predict(data, **options), 0, 1)

    Clipped(**library.regressor.get_params()).fit(X, NUMBERS).predict(X)
    telemetry.flush()

    (span,) = telemetry.spans()
    assert span.attributes[semconv.MODEL_NAME] == "Clipped"
    assert span.attributes[semconv.SYSTEM_NAME] == library.system
    assert max(span.attributes[f"{semconv.BATCH_OUTPUT}.prediction"]) <= 1


class Duck(BaseEstimator):
    """A user's own estimator, made before `instrument()`."""

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def test_a_users_own_class_is_recorded(telemetry: Telemetry) -> None:
    """Whatever follows scikit-learn's protocol by its base class is recorded."""
    Duck().predict(X)

    assert telemetry.flush().total(semconv.INFERENCE_ROWS, {semconv.MODEL_NAME: "Duck"}) == ROWS


PROGRAM = """
import sys
import driftline
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, ConsoleMetricExporter
driftline.instrument(metric_exporter=ConsoleMetricExporter())
assert "sklearn" not in sys.modules and "numpy" not in sys.modules
from sklearn.base import BaseEstimator
class Third(BaseEstimator):
    def predict(self, X):
        return [0.5 for _ in X]
Third().predict([[1.0, 2.0]] * 17)
for module in ("sklearn.linear_model", "sklearn.ensemble", "sklearn.pipeline"):
    assert module not in sys.modules, module
driftline.flush()
"""


def test_a_third_partys_class_needs_no_more_of_sklearn() -> None:
    """A library that only takes scikit-learn's base class is recorded, and we load nothing beyond that."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert '"ml.model.name": "Third"' in done.stdout
    assert '"value": 17' in done.stdout
