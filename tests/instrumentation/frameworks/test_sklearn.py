"""The scikit-learn instrumentation as its users meet it."""

import functools
import gc
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import IsolationForest, RandomForestClassifier, StackingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

import driftline
from driftline import semconv
from telemetry import Telemetry

RNG = np.random.default_rng(7)
X = RNG.normal(size=(200, 3))
Y = (X[:, 0] > 0).astype(int)
FRAME = pd.DataFrame({"age": RNG.integers(18, 90, 200), "income": RNG.lognormal(10, 1, 200), "city": ["a", "b"] * 100})


@pytest.fixture(scope="module")
def model() -> LogisticRegression:
    return LogisticRegression().fit(X, Y)


@pytest.fixture(scope="module")
def mixed() -> Any:
    """A model of a frame with numbers and texts."""
    columns = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["age", "income"]))
    return make_pipeline(columns, LogisticRegression()).fit(FRAME, Y)


def features(telemetry: Telemetry) -> dict[str, float]:
    """Valid rows by feature."""
    counts: Counter[str] = Counter()
    for point in telemetry.streams(semconv.FEATURE_OBSERVATIONS):
        if point.attributes[semconv.FEATURE_STATE] == semconv.VALID:
            counts[point.attributes[semconv.FEATURE_NAME]] += int(point.value)
    return dict(counts)


def output_names(telemetry: Telemetry) -> set[str]:
    return {point.attributes[semconv.OUTPUT_NAME] for point in telemetry.points(semconv.OUTPUT_OBSERVATIONS)}


def test_every_row_of_every_column_is_counted_once(telemetry: Telemetry, model: LogisticRegression) -> None:
    """Rows, states of inputs and outputs, and the sketches agree on the number of rows."""
    model.predict(X)
    for row in X[:50]:
        model.predict(row[None])
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == 250
    assert features(telemetry) == {"x0": 250, "x1": 250, "x2": 250}
    for name in ("x0", "x1", "x2"):
        column = {semconv.FEATURE_NAME: name}
        sketched = telemetry.total(semconv.FEATURE_VALUE, column) + telemetry.total(semconv.FEATURE_TAIL, column)
        assert sketched == 250
    assert telemetry.total(semconv.OUTPUT_PREDICTIONS) == 250


INPUTS: dict[str, Callable[[Any], Any]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "every other row": lambda rows: np.repeat(rows, 2, axis=0)[::2],
    "float32": lambda rows: rows.astype(np.float32),
    "integers": lambda rows: (rows * 100).astype(np.int32),
    "objects": lambda rows: rows.astype(object),
    "list of lists": lambda rows: rows.tolist(),
    "list of tuples": lambda rows: [tuple(row) for row in rows.tolist()],
    "list of arrays": list,
    "pandas": pd.DataFrame,
    "pandas of objects": lambda rows: pd.DataFrame(rows).astype(object),
    "pandas of two types": lambda rows: pd.DataFrame(rows).astype({0: "float32"}),
    "pandas nullable": lambda rows: pd.DataFrame(rows).convert_dtypes(),
    "polars": pl.from_numpy,
    "CSR": sparse.csr_matrix,
    "CSC array": sparse.csc_array,
    "COO": sparse.coo_matrix,
}


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("rows", [1, 100, 3000])
@pytest.mark.parametrize("kind", INPUTS)
def test_kinds_of_input(telemetry: Telemetry, model: LogisticRegression, kind: str, rows: int) -> None:
    """Each kind that scikit-learn takes is counted, cell by cell."""
    given = INPUTS[kind](np.resize(X, (rows, 3)))
    model.predict(given)
    telemetry.flush()

    counts = features(telemetry)
    assert list(counts.values()) == [rows] * 3
    assert len(telemetry.spans()) == 1
    assert telemetry.total(semconv.INFERENCE_ROWS) == rows
    assert not telemetry.points(semconv.FAULTS)


def test_names_come_with_a_frame(telemetry: Telemetry, mixed: Any) -> None:
    """Columns of frames keep their names, whatever their order; texts are categories."""
    mixed.predict(FRAME)
    mixed.predict(FRAME[["city", "income", "age"]].head(20))
    mixed.predict(FRAME.head(1))
    telemetry.flush()

    assert features(telemetry) == {"age": 221, "income": 221, "city": 221}
    city = {semconv.FEATURE_NAME: "city"}
    assert telemetry.total(semconv.FEATURE_CATEGORY, {**city, semconv.CATEGORY: "a"}) == 111
    assert telemetry.total(semconv.FEATURE_CATEGORY, {**city, semconv.CATEGORY: "b"}) == 110
    assert telemetry.spans()[-1].attributes[f"{semconv.INPUT}.city"] == "a"


def test_names_of_the_fit_serve_arrays(telemetry: Telemetry) -> None:
    """A model fitted on a frame names the columns of arrays."""
    model = LogisticRegression().fit(pd.DataFrame(X, columns=["a", "b", "c"]), Y)
    with pytest.warns(UserWarning, match="valid feature names"):
        model.predict(X)

    assert features(telemetry.flush()) == {"a": 200, "b": 200, "c": 200}


def test_texts_are_one_column(telemetry: Telemetry) -> None:
    """A model of texts has one column; long texts travel as digests."""
    texts = ["short text", "another one", "long " * 100]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [0, 1, 1])
    model.predict(texts)
    telemetry.flush()

    names = {point.attributes[semconv.CATEGORY] for point in telemetry.points(semconv.FEATURE_CATEGORY)}
    assert {"short text", "another one"} < names
    assert [name for name in names if name.startswith("#") and len(name) == 17]


def test_missing_and_infinite_values_are_states(telemetry: Telemetry, mixed: Any) -> None:
    """Every way to say that a value is missing is counted as missing."""
    frame = FRAME.head(4).astype(object)
    frame["income"] = [1.0, None, np.nan, pd.NA]
    frame["age"] = [1.0, np.inf, pd.NaT, -np.inf]
    with pytest.raises((TypeError, ValueError)):
        mixed.predict(frame)
    telemetry.flush()

    def rows(feature: str, state: str) -> float:
        attributes = {semconv.FEATURE_NAME: feature, semconv.FEATURE_STATE: state}
        return telemetry.total(semconv.FEATURE_OBSERVATIONS, attributes)

    assert rows("income", semconv.MISSING) == 3
    assert rows("age", semconv.MISSING) == 1
    assert rows("age", semconv.NON_FINITE) == 2
    assert features(telemetry) == {"income": 1, "age": 1, "city": 4}


def test_an_input_of_another_width_is_nobodys(telemetry: Telemetry, model: LogisticRegression) -> None:
    """Rows that the model refuses for their width are counted as rows, under no feature."""
    with pytest.raises(ValueError, match="features"):
        model.predict(np.zeros((5, 7)))
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == 5
    assert features(telemetry) == {}


def test_outputs_of_a_binary_classifier(telemetry: Telemetry, model: LogisticRegression) -> None:
    """Probabilities give the class, its probability, and the score of the second class."""
    probabilities = model.predict_proba(X)
    telemetry.flush()

    assert output_names(telemetry) == {"prediction", "confidence", "score"}
    for name in ("0", "1"):
        expected = int((model.classes_[probabilities.argmax(axis=1)] == int(name)).sum())
        assert telemetry.total(semconv.OUTPUT_PREDICTIONS, {semconv.OUTPUT_CLASS: name}) == expected
    (span,) = telemetry.spans()
    assert span.attributes[f"{semconv.BATCH_OUTPUT}.score"] == pytest.approx(probabilities[:8, 1].tolist())
    assert span.attributes[semconv.TASK] == "classification"


def test_outputs_of_a_regressor_are_numbers(telemetry: Telemetry) -> None:
    """A regression is sketched, not counted by class."""
    LinearRegression().fit(X, X[:, 1] * 3).predict(X)
    telemetry.flush()

    assert telemetry.total(semconv.OUTPUT_VALUE) + telemetry.total(semconv.OUTPUT_TAIL) == 200
    assert not telemetry.points(semconv.OUTPUT_PREDICTIONS)


@pytest.mark.parametrize("asked", ["return_std", "return_cov"])
def test_what_comes_beside_a_prediction_does_not_rename_it(telemetry: Telemetry, asked: str) -> None:
    """A regressor's standard deviation or covariance is no output of its own."""
    X = RNG.normal(size=(8, 2))
    GaussianProcessRegressor(optimizer=None).fit(X, X[:, 0]).predict(X, **{asked: True})

    assert output_names(telemetry.flush()) == {"prediction"}


def test_several_outputs_are_numbered(telemetry: Telemetry) -> None:
    """Models with several outputs have a column for each, under each method."""
    labels = np.stack([Y, 1 - Y], axis=1)
    classifier = MultiOutputClassifier(LogisticRegression()).fit(X, labels)
    classifier.predict_proba(X)
    classifier.predict(X)
    MultiOutputRegressor(LinearRegression()).fit(X, X[:, :2]).predict(X)
    telemetry.flush()

    heads = {f"{name}.{head}" for name in ("prediction", "confidence", "score") for head in (0, 1)}
    assert output_names(telemetry) == heads


@pytest.mark.parametrize(
    ("estimator", "method", "outputs"),
    [
        (KMeans(2, n_init=1), "predict", {"prediction"}),
        (IsolationForest(n_estimators=5), "predict", {"prediction"}),
        (IsolationForest(n_estimators=5), "score_samples", {"score"}),
        (IsolationForest(n_estimators=5), "decision_function", {"score"}),
        (KernelDensity(), "score_samples", {"score"}),
        (GaussianNB(), "predict_log_proba", {"prediction", "confidence", "score"}),
        (SVC(), "decision_function", {"score"}),
        (RandomForestClassifier(3, n_jobs=2), "predict_proba", {"prediction", "confidence", "score"}),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_outputs_of_further_models(telemetry: Telemetry, estimator: Any, method: str, outputs: set[str]) -> None:
    """Each recorded method gives the outputs it is known for."""
    getattr(clone(estimator).fit(X, Y), method)(X)
    telemetry.flush()

    assert output_names(telemetry) == outputs
    (span,) = telemetry.spans()
    assert span.attributes[semconv.OPERATION_NAME] == method


def test_decisions_over_several_classes(telemetry: Telemetry) -> None:
    """A column a class gives the class of the greatest value."""
    labels = np.digitize(X[:, 0], [-0.5, 0.5])
    SVC(decision_function_shape="ovr").fit(X, labels).decision_function(X)

    assert output_names(telemetry.flush()) == {"prediction", "score"}


def test_only_the_outermost_call_counts(telemetry: Telemetry) -> None:
    """Searches, stacks and pipelines count once, whatever they call inside."""
    forest = RandomForestClassifier(3, n_jobs=2)
    stack = StackingClassifier([("forest", forest), ("linear", LogisticRegression())], cv=2, n_jobs=2)
    search = GridSearchCV(make_pipeline(StandardScaler(), stack), {"stackingclassifier__cv": [2]}, cv=2)
    search.fit(X, Y)
    search.predict(X)
    search.score(X, Y)
    search.transform(X) if hasattr(search, "transform") else None
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == 200
    (span,) = telemetry.spans()
    assert span.attributes[semconv.MODEL_NAME] == "GridSearchCV"
    assert span.attributes[semconv.MODEL_TYPE] == "StackingClassifier"


def test_many_threads_count_exactly(telemetry: Telemetry, model: LogisticRegression) -> None:
    """Calls from many threads at once are all counted."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda row: model.predict(row[None]), np.resize(X, (2000, 3))))

    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == 2000


class OwnBase(BaseEstimator):
    """Somebody's base class."""

    def fit(self, X: Any, y: Any = None) -> "OwnBase":
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))


def test_classes_made_later_are_instrumented(telemetry: Telemetry) -> None:
    """A class defined after `instrument()` records as any other."""

    class Later(ClassifierMixin, OwnBase):
        def predict(self, X: Any) -> Any:
            return super().predict(X) + 1

    Later().fit(X).predict(X)

    assert telemetry.flush().total(semconv.INFERENCE_ROWS, {semconv.MODEL_NAME: "Later"}) == 200


def test_classes_that_tell_nobody_are_found_later(telemetry: Telemetry) -> None:
    """A class below one that keeps `__init_subclass__` to itself is found at an export, or when it is unpickled."""

    class Silent(OwnBase):
        def __init_subclass__(cls, **kwargs: Any) -> None:
            """Tells nobody."""

    class Hidden(Silent):
        def predict(self, X: Any) -> Any:
            return np.ones(len(X))

    Hidden().predict(X)
    LogisticRegression().fit(X, Y).predict(X[:1])
    telemetry.flush()
    Hidden().predict(X)

    assert telemetry.flush().total(semconv.INFERENCE_ROWS, {semconv.MODEL_NAME: "Hidden"}) == 200


def test_classes_made_at_run_time_can_go(telemetry: Telemetry) -> None:
    """Instrumentation keeps no class alive."""

    class Passing(OwnBase):
        def predict(self, X: Any) -> Any:
            return super().predict(X)

    Passing().predict(X)
    telemetry.flush()
    reference = weakref.ref(Passing)
    del Passing
    gc.collect()

    assert reference() is None


def test_unusual_methods(telemetry: Telemetry) -> None:
    """partialmethod, class and static methods: recorded where they predict, left alone where they cannot."""

    class Unusual(OwnBase):
        def _decide(self, X: Any, *, offset: float) -> Any:
            return np.zeros(len(X)) + offset

        predict = functools.partialmethod(_decide, offset=1)
        decision_function = functools.partialmethod(_decide, offset=2)

        @staticmethod
        def score_samples(X: Any) -> Any:
            return np.zeros(len(X))

    model = Unusual()

    assert model.predict(X).sum() == 200
    assert model.decision_function(X=X).sum() == 400
    assert model.score_samples(X).sum() == 0
    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == 400


def test_what_a_model_lacks_it_still_lacks(telemetry: Telemetry) -> None:
    """`hasattr` and the text of the AttributeError of conditional methods stay."""
    model = SVC(probability=False)
    assert not hasattr(model, "predict_proba")
    search = GridSearchCV(SVC(), {"C": [1]}).fit(X, Y)
    assert hasattr(search, "decision_function")
    with pytest.raises(AttributeError) as recorded:
        _ = search.predict_proba
    driftline.uninstrument()
    with pytest.raises(AttributeError) as plain:
        _ = search.predict_proba
    assert str(recorded.value) == str(plain.value)


def test_classes_pickled_by_value_arrive_inert(telemetry: Telemetry) -> None:
    """A class of `__main__` that cloudpickle takes with our wrappers on it works where Driftline is not installed."""
    namespace: dict[str, Any] = {"BaseEstimator": BaseEstimator, "__name__": "__main__"}
    exec("class Mine(BaseEstimator):\n    def predict(self, X):\n        return [1.0 for _ in X]\n", namespace)
    model = namespace["Mine"]()
    model.predict(X)
    program = "import sys; sys.modules['driftline'] = None\n"
    program += "import pickle; print(sum(pickle.load(sys.stdin.buffer).predict(range(40))))"
    payload = cloudpickle.dumps(model)
    done = subprocess.run([sys.executable, "-c", program], input=payload, capture_output=True, check=False, timeout=60)

    assert done.stdout.decode().strip() == "40.0", done.stderr.decode()
    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == 200


def test_a_wrapper_over_ours_is_left_in_place(telemetry: Telemetry, model: LogisticRegression) -> None:
    """Where somebody has wrapped a method since, uninstrument leaves their wrapper; ours inside does nothing."""
    ours = LogisticRegression.predict_proba

    def theirs(self: Any, X: Any) -> Any:
        return ours(self, X)

    LogisticRegression.predict_proba = theirs
    try:
        driftline.uninstrument()
        assert LogisticRegression.predict_proba is theirs
        assert model.predict_proba(X).shape == (200, 2)
    finally:
        LogisticRegression.predict_proba = ours.__wrapped__
    assert not telemetry.points(semconv.INFERENCE_ROWS)


def test_a_clone_is_another_model(telemetry: Telemetry) -> None:
    """`clone` gives a model that is recorded; what was described of the original is not said of it."""
    model = LogisticRegression()
    driftline.describe(model, name="described")
    clone(model).fit(X, Y).predict(X)

    assert telemetry.flush().total(semconv.INFERENCE_ROWS, {semconv.MODEL_NAME: "LogisticRegression"}) == 200


def test_a_fit_changes_what_is_known(telemetry: Telemetry) -> None:
    """Classes and names are looked up again after a fit."""
    model = LogisticRegression().fit(X, Y)
    model.predict_proba(X[:1])
    model.fit(pd.DataFrame(X, columns=["a", "b", "c"]), np.where(Y, "yes", "no"))
    model.predict_proba(pd.DataFrame(X, columns=["a", "b", "c"]))
    telemetry.flush()

    classes = {point.attributes[semconv.OUTPUT_CLASS] for point in telemetry.points(semconv.OUTPUT_PREDICTIONS)}
    assert {"yes", "no"} < classes
    assert {"a", "b", "c"} < features(telemetry).keys()


def test_the_environment_names_the_model(
    instrumented: Callable[..., Telemetry], model: LogisticRegression, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DRIFTLINE_MODEL_NAME and _VERSION name what nobody described."""
    monkeypatch.setenv("DRIFTLINE_MODEL_NAME", "churn")
    monkeypatch.setenv("DRIFTLINE_MODEL_VERSION", "3")
    telemetry = instrumented()
    model.predict(X)

    expected = {semconv.MODEL_NAME: "churn", semconv.MODEL_VERSION: "3"}
    assert telemetry.flush().total(semconv.INFERENCE_ROWS, expected) == 200


def test_more_features_than_are_sketched(instrumented: Callable[..., Telemetry]) -> None:
    """The first ones are counted, the others are told; outputs are counted in any case, and the span stays small."""
    telemetry = instrumented(max_columns=150)
    wide = RNG.normal(size=(20, 5000))
    GaussianNB().fit(wide, Y[:20]).predict(wide)
    telemetry.flush()

    assert features(telemetry) == {f"x{position}": 20 for position in range(150)}
    assert telemetry.points(semconv.DROPPED_COLUMNS)[-1].value == 4850
    assert telemetry.total(semconv.OUTPUT_PREDICTIONS) == 20
    (span,) = telemetry.spans()
    assert len(span.attributes) < 20
    names, values = span.attributes[semconv.VECTOR_NAMES], span.attributes[semconv.VECTOR_VALUES]
    assert values == wide[0, : len(names)].tolist()
    assert 1500 < sum(map(len, names)) + 8 * len(values) <= 2048


def test_an_empty_batch(telemetry: Telemetry) -> None:
    """No rows are no rows, and no fault."""
    OwnBase().predict(np.zeros((0, 3)))

    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == 0
    assert not telemetry.points(semconv.FAULTS)


def test_unknown_inputs_count_as_rows(telemetry: Telemetry) -> None:
    """Of an input that cannot be read, only the rows are counted."""

    class Rows:
        def __len__(self) -> int:
            return 17

    OwnBase().predict(Rows())

    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == 17
    assert features(telemetry) == {}
