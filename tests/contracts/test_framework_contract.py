"""What every framework's instrumentation must do. A framework joins by one row in FRAMEWORKS."""

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

import driftline
from driftline import frameworks, semconv
from driftline.capture.copies import Captures
from driftline.capture.queue import PredictionQueue
from driftline.export.durations import Durations
from driftline.export.pipeline import Pipeline
from driftline.frameworks.instrumentor import _instrumentors
from driftline.recording import recorder as recorder_module
from driftline.recording.shared_recorder import SHARED_RECORDER
from driftline.recording.span_values import SpanValues
from driftline.runtime.self_faults import FAULTS
from telemetry import Telemetry

ROWS = 40
COLUMNS = 4
VALUES = tuple(f"{name}." for name in (semconv.INPUT, semconv.BATCH_INPUT, semconv.OUTPUT, semconv.BATCH_OUTPUT))
"""What attributes with values of rows begin with."""

RNG = np.random.default_rng(11)
DATA: NDArray[np.float64] = RNG.normal(size=(ROWS, COLUMNS))
LABELS: NDArray[np.int64] = (DATA[:, 0] > 0).astype(np.int64)


@dataclass(frozen=True)
class Framework:
    """A framework under test.

    model: makes a model for DATA. nested: makes one whose call makes calls of members, some of them in threads. call:
    predicts. bad: an input that the model refuses. methods: (owner, name) of what is patched. retrain: fits again; None
    where models are never trained. pickles: whether models can be copied and pickled. entry: the method that predicts.
    """

    name: str
    system: str
    model: Callable[[], Any]
    nested: Callable[[], Any]
    call: Callable[[Any, Any], Any]
    bad: Callable[[], Any]
    methods: Callable[[], list[tuple[Any, str]]]
    retrain: Callable[[Any], Any] | None
    pickles: bool = True
    entry: str = "predict"


def _sklearn() -> Framework:
    from joblib.parallel import Parallel
    from sklearn.base import BaseEstimator
    from sklearn.ensemble import RandomForestClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline as SklearnPipeline
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def nested() -> Any:
        forest = RandomForestClassifier(4, n_jobs=2, random_state=0)
        voting = VotingClassifier([("forest", forest), ("linear", LogisticRegression())])
        return make_pipeline(StandardScaler(), voting).fit(DATA, LABELS)

    def methods() -> list[tuple[Any, str]]:
        classes = (LogisticRegression, SklearnPipeline, RandomForestClassifier, VotingClassifier, StandardScaler)
        names = ("predict", "predict_proba", "fit", "transform", "score", "decision_function")
        return [(cls, name) for cls in classes for name in names] + [
            (BaseEstimator, "__init_subclass__"),
            (BaseEstimator, "__setstate__"),
            (Parallel, "__call__"),
        ]

    return Framework(
        name="sklearn",
        system="scikit_learn",
        model=lambda: LogisticRegression().fit(DATA, LABELS),
        nested=nested,
        call=lambda model, rows: model.predict(rows),
        bad=lambda: np.full((2, COLUMNS), np.nan),
        methods=methods,
        retrain=lambda model: model.fit(DATA, LABELS),
    )


def _onnxruntime() -> Framework:
    from joblib import Parallel, delayed
    from onnxruntime import InferenceSession
    from onnxruntime.capi.onnxruntime_inference_collection import Session
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    graph = to_onnx(LogisticRegression().fit(DATA, LABELS), DATA[:1], options={"zipmap": False}).SerializeToString()

    class Ensemble(InferenceSession):
        """A session of members that run in threads."""

        def run(self, output_names: Any, input_feed: Any, run_options: Any = None) -> Any:
            members = [InferenceSession(graph), InferenceSession(graph)]
            found = Parallel(2, prefer="threads")(delayed(each.run)(output_names, input_feed) for each in members)
            return found[0]

    methods = ("run", "run_with_ort_values", "run_with_iobinding", "run_async", "__init_subclass__")
    return Framework(
        name="onnxruntime",
        system="onnxruntime",
        model=lambda: InferenceSession(graph),
        nested=lambda: Ensemble(graph),
        call=lambda session, rows: session.run(None, {"X": rows})[1],
        bad=lambda: np.zeros((2, COLUMNS + 1)),
        methods=lambda: [(Session, name) for name in methods],
        retrain=None,
        pickles=False,
    )


def _boosters() -> Framework:
    import lightgbm
    from joblib import Parallel, delayed
    from lightgbm import Booster

    def train() -> Booster:
        options = {"objective": "binary", "num_threads": 1, "verbose": -1, "min_data_in_leaf": 2}
        return lightgbm.train(options, lightgbm.Dataset(DATA, LABELS), 4)

    class Ensemble(Booster):
        """A booster of members that predict in threads."""

        def predict(self, data: Any, **options: Any) -> Any:
            members = [train(), train()]
            return sum(Parallel(2, prefer="threads")(delayed(each.predict)(data) for each in members))

    methods = ("predict", "update", "refit", "__init_subclass__", "__setstate__")
    return Framework(
        name="boosters",
        system="lightgbm",
        model=train,
        nested=lambda: Ensemble(model_str=train().model_to_string()),
        call=lambda booster, rows: booster.predict(rows),
        bad=lambda: np.zeros((2, COLUMNS + 1)),
        methods=lambda: [(Booster, name) for name in methods],
        retrain=lambda booster: booster.refit(DATA, LABELS),
    )


class Classifier(torch.nn.Module):
    """Takes arrays too; its class can be pickled."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(COLUMNS, 2).double()

    def forward(self, rows: Any) -> torch.Tensor:
        return self.layer(torch.as_tensor(rows)).softmax(1)


def _torch() -> Framework:
    from joblib import Parallel, delayed
    from torch import nn

    class Ensemble(nn.Module):
        """A module of members that are models of their own, and run in threads."""

        def __init__(self) -> None:
            super().__init__()
            self.members = [Classifier().eval(), Classifier().eval()]

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return sum(Parallel(2, prefer="threads")(delayed(member)(rows) for member in self.members)) / 2

    @torch.no_grad()
    def call(model: nn.Module, rows: Any) -> torch.Tensor:
        return model(torch.from_numpy(rows))

    def train(model: nn.Module) -> None:
        optimizer = torch.optim.SGD(model.train().parameters(), lr=0.1)
        nn.functional.nll_loss(model(DATA).log(), torch.from_numpy(LABELS)).backward()
        optimizer.step()
        call(model.eval(), DATA)

    methods = ("train", "eval", "load_state_dict", "compile", "forward", "__setstate__", "__call__")
    return Framework(
        name="torch",
        system="pytorch",
        model=lambda: Classifier().eval(),
        nested=lambda: Ensemble().eval(),
        call=call,
        bad=lambda: np.zeros((2, COLUMNS + 1)),
        methods=lambda: [(nn.Module, name) for name in methods],
        retrain=train,
        entry="__call__",
    )


FRAMEWORKS = {"sklearn": _sklearn, "boosters": _boosters, "onnxruntime": _onnxruntime, "torch": _torch}


NO_FRAMEWORKS = {"call_wrappers", "class_instrumentor", "instrumentor", "method_wrappers"}
"""Modules of driftline.frameworks that are no framework."""


def entry_points() -> dict[str, str]:
    """The module in driftline.frameworks of each instrumentor that pyproject.toml declares, by name."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    section = text.partition("[project.entry-points.opentelemetry_instrumentor]\n")[2].partition("\n\n")[0]
    found = re.findall(r'^driftline_(\w+) = "driftline\.frameworks\.(\w+)', section, re.MULTILINE)
    assert len(found) == len(section.splitlines())
    return dict(found)


def test_every_entry_point_is_under_contract() -> None:
    """Each framework that `opentelemetry-instrument` would load has a row in FRAMEWORKS, of its own name."""
    assert sorted(entry_points()) == sorted(FRAMEWORKS)
    assert [name for name, make in FRAMEWORKS.items() if make().name != name] == []


def test_every_framework_has_an_entry_point() -> None:
    """A module that nothing declares would never be loaded."""
    modules = {module.name for module in iter_modules(frameworks.__path__)}

    assert modules - NO_FRAMEWORKS == set(entry_points().values())


@pytest.fixture(params=FRAMEWORKS.values(), ids=FRAMEWORKS.keys(), scope="module")
def framework(request: pytest.FixtureRequest) -> Framework:
    return request.param()


@pytest.fixture
def model(framework: Framework) -> Any:
    return framework.model()


def rows_counted(telemetry: Telemetry) -> float:
    return telemetry.flush().total(semconv.INFERENCE_ROWS)


def test_a_call_is_a_span_a_duration_and_rows(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """One outermost call gives one span, one duration and its rows, under the same names."""
    framework.call(model, DATA)
    telemetry.flush()

    (span,) = telemetry.spans()
    (duration,) = telemetry.points(semconv.INFERENCE_DURATION)
    (rows,) = telemetry.points(semconv.INFERENCE_ROWS)
    assert span.attributes[semconv.ROW_COUNT] == rows.value == ROWS
    assert duration.value == 1
    for name in (semconv.MODEL_NAME, semconv.SYSTEM_NAME, semconv.OPERATION_NAME):
        assert span.attributes[name] == duration.attributes[name] == rows.attributes[name]
    assert span.attributes[semconv.SYSTEM_NAME] == framework.system
    operation, name = span.attributes[semconv.OPERATION_NAME], span.attributes[semconv.MODEL_NAME]
    assert span.span.name == f"{operation} {name}"
    assert span.attributes[semconv.SKETCHED] is True


def test_outputs_are_the_librarys(framework: Framework, model: Any, instrumented: Callable[..., Telemetry]) -> None:
    """The prediction is the same with and without."""
    before = framework.call(model, DATA)
    instrumented()
    after = framework.call(model, DATA)

    assert type(before) is type(after)
    np.testing.assert_array_equal(before, after)


def state(framework: Framework) -> list[Any]:
    """The attributes of the patched classes."""
    return [[(name, id(value)) for name, value in vars(owner).items()] for owner, _ in framework.methods()]


def test_uninstrument_restores_the_same_objects(framework: Framework, instrumented: Callable[..., Telemetry]) -> None:
    """Every patched attribute is the very object that it was, and in the same order of its class."""
    before = state(framework)
    instrumented()
    assert state(framework) != before
    driftline.uninstrument()
    assert state(framework) == before


def test_what_fails_while_it_is_switched_on_is_off_again(
    framework: Framework, instrumented: Callable[..., Telemetry], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No attribute stays patched, nobody uses the recorder, and the fault is counted."""
    attached = []

    def failing(attach: Callable[..., None]) -> Callable[..., None]:
        def _attach(*args: Any) -> None:
            attach(*args)
            attached.append(state(framework))
            raise RuntimeError("injected")

        return _attach

    before = state(framework)
    for each in _instrumentors():
        monkeypatch.setattr(type(each), "_attach", failing(type(each)._attach))
    instrumented()

    assert any(during != before for during in attached)
    assert state(framework) == before
    assert SHARED_RECORDER._recorder is None
    assert FAULTS.counts() == {("instrument", "RuntimeError"): len(attached)}


def test_nothing_is_recorded_after_uninstrument(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """Models made before and after record nothing any more."""
    driftline.uninstrument()
    framework.call(model, DATA)
    framework.call(framework.model(), DATA)

    assert not telemetry.spans()
    assert not telemetry.points(semconv.INFERENCE_ROWS)


def test_instrument_twice_counts_once(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """The second `instrument` changes nothing."""
    driftline.instrument()
    framework.call(model, DATA)

    assert rows_counted(telemetry) == ROWS


def test_instrument_again_after_uninstrument(instrumented: Callable[..., Telemetry], framework: Framework) -> None:
    """It can be switched off and on; each time counts its own rows."""
    model = framework.model()
    first = instrumented()
    framework.call(model, DATA)
    driftline.uninstrument()
    second = instrumented()
    framework.call(model, DATA[:5])

    assert first.total(semconv.INFERENCE_ROWS) == ROWS
    assert rows_counted(second) == 5


def test_a_nested_call_counts_once(telemetry: Telemetry, framework: Framework) -> None:
    """Members of an ensemble, also those in threads, record nothing of their own."""
    framework.call(framework.nested(), DATA)

    assert rows_counted(telemetry) == ROWS
    assert len(telemetry.spans()) == 1


def test_training_records_nothing(telemetry: Telemetry, framework: Framework) -> None:
    """A fit predicts here and there; none of it is a prediction in production."""
    if framework.retrain is None:
        pytest.skip(f"models of {framework.name} are never trained")
    framework.retrain(framework.model())

    assert rows_counted(telemetry) == 0
    assert not telemetry.spans()


def test_the_librarys_exception_is_raised_and_counted(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """Type and text of the exception are the library's; span and duration carry its type."""
    with driftline.paused(), pytest.raises(Exception) as plain:  # noqa: PT011  # each library has its own
        framework.call(model, framework.bad())
    with pytest.raises(type(plain.value)) as recorded:
        framework.call(model, framework.bad())
    telemetry.flush()

    assert str(recorded.value) == str(plain.value)
    assert recorded.value.__cause__ is None
    (span,) = telemetry.spans()
    (duration,) = telemetry.points(semconv.INFERENCE_DURATION)
    assert span.span.status.code == 2
    assert span.attributes[semconv.ERROR_TYPE] == duration.attributes[semconv.ERROR_TYPE]
    assert span.attributes[semconv.ERROR_TYPE] == type(plain.value).__qualname__


STAGES: dict[str, tuple[Any, str]] = {
    "facts": (recorder_module.ModelFactsCache, "of"),
    "span start": (recorder_module.SpanSource, "start"),
    "capture": (Captures, "of"),
    "hand over": (PredictionQueue, "put"),
    "span content": (SpanValues, "of"),
    "duration": (Durations, "record"),
    "aggregate": (Pipeline, "_count"),
    "packets": (Pipeline, "_packets"),
    "provider": (Pipeline, "_private_provider"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_fault_of_ours_never_surfaces(
    stage: str,
    framework: Framework,
    instrumented: Callable[..., Telemetry],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever breaks inside: the prediction is unharmed, the fault is counted each time and logged once."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("injected")

    model = framework.model()
    expected = framework.call(model, DATA)
    with monkeypatch.context() as patch:
        patch.setattr(*STAGES[stage], broken)
        instrumented()
        for _ in range(3):
            np.testing.assert_array_equal(framework.call(model, DATA), expected)
            driftline.flush(timeout=5)

    (kind,) = FAULTS.counts()
    assert kind[1] == "RuntimeError"
    assert FAULTS.counts()[kind] >= 3
    assert len([record for record in caplog.records if "Internal Driftline fault" in record.message]) == 1


def test_no_value_leaves_with_capture_off(instrumented: Callable[..., Telemetry], framework: Framework) -> None:
    """With capture off, no input value, output value, category or extreme is in anything that is sent."""
    telemetry = instrumented(capture="none")
    marked = DATA.copy()
    marked[0, 0], marked[1, 0] = 123456.789, -987654.321  # far outside: they land in the tails, which have extremes
    framework.call(framework.model(), marked)
    telemetry.flush()

    (span,) = telemetry.spans()
    assert not [name for name in span.attributes if name.startswith(VALUES)]
    assert semconv.VECTOR_VALUES not in span.attributes
    for point in telemetry.points():
        if point.metric.name == semconv.FEATURE_TAIL:
            assert point.point.min not in marked
            assert point.point.max not in marked
        for name in (semconv.OUTPUT_CLASS, semconv.CATEGORY):
            assert point.attributes.get(name, "#").startswith("#")


def test_an_exceptions_text_stays_with_capture_off(
    instrumented: Callable[..., Telemetry], framework: Framework
) -> None:
    """Exceptions quote values: their text is sent only where values may be."""
    telemetry = instrumented(capture="none")
    with pytest.raises(Exception):  # noqa: B017, PT011  # each library has its own
        framework.call(framework.model(), framework.bad())
    telemetry.flush()

    assert telemetry.spans()[0].span.status.message == ""


def test_outputs_alone_are_shown_when_asked(instrumented: Callable[..., Telemetry], framework: Framework) -> None:
    """capture="outputs" shows what the model said and nothing of what it was told."""
    telemetry = instrumented(capture="outputs")
    framework.call(framework.model(), DATA)
    telemetry.flush()

    names = telemetry.spans()[0].attributes
    assert [name for name in names if name.startswith(f"{semconv.OUTPUT}.")]
    assert not [name for name in names if name.startswith((f"{semconv.INPUT}.", f"{semconv.BATCH_INPUT}."))]


@pytest.mark.parametrize("rows", [1, ROWS, 3000])
def test_a_change_after_the_call_does_not_matter(
    telemetry: Telemetry, framework: Framework, model: Any, rows: int
) -> None:
    """The caller may use its buffers again at once: what was recorded are the values of the call."""
    buffer = np.full((rows, COLUMNS), 0.5)
    output = framework.call(model, buffer)
    buffer[:] = -7e9
    output[:] = 0
    telemetry.flush()

    states = {point.attributes[semconv.FEATURE_STATE] for point in telemetry.streams(semconv.FEATURE_OBSERVATIONS)}
    assert states == {semconv.VALID}
    for point in telemetry.streams(semconv.FEATURE_VALUE):
        assert point.value == rows
        assert len([count for count in point.point.positive.bucket_counts if count]) == 1
        assert not point.point.negative.bucket_counts
    shown = telemetry.spans()[0].attributes
    assert shown[f"{semconv.INPUT}.x0"] == 0.5
    assert shown.get(f"{semconv.BATCH_INPUT}.x0") == (None if rows == 1 else [0.5] * 8)


def test_suppression_is_honoured(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """Within `suppress_instrumentation` nothing is recorded."""
    with suppress_instrumentation():
        framework.call(model, DATA)

    assert rows_counted(telemetry) == 0
    assert not telemetry.spans()


def test_paused_records_nothing(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """Within `driftline.paused()` nothing is recorded; after it, everything again."""
    with driftline.paused():
        framework.call(model, DATA)
    framework.call(model, DATA[:3])

    assert rows_counted(telemetry) == 3


def test_rows_are_counted_when_no_trace_is_sampled(
    instrumented: Callable[..., Telemetry], framework: Framework
) -> None:
    """Sketches see every row whatever the sampler does, and no attribute is made."""
    telemetry = instrumented(sampler=ParentBased(ALWAYS_OFF))
    framework.call(framework.model(), DATA)

    assert rows_counted(telemetry) == ROWS
    assert not telemetry.spans()


def test_described_names_are_used(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """`describe` names the model, its version and its columns."""
    driftline.describe(model, name="churn", version="7", feature_names=["a", "b", "c", "d"])
    framework.call(model, DATA)
    telemetry.flush()

    (rows,) = telemetry.points(semconv.INFERENCE_ROWS)
    assert rows.attributes[semconv.MODEL_NAME] == "churn"
    assert rows.attributes[semconv.MODEL_VERSION] == "7"
    features = {point.attributes[semconv.FEATURE_NAME] for point in telemetry.points(semconv.FEATURE_OBSERVATIONS)}
    assert features == {"a", "b", "c", "d"}


def test_a_prediction_has_an_id(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """The id of the call just made is the one on its span; the next call has another."""
    framework.call(model, DATA)
    first = driftline.prediction_id()
    framework.call(model, DATA)
    second = driftline.prediction_id()
    telemetry.flush()

    assert first != second
    assert [span.attributes[semconv.PREDICTION_ID] for span in telemetry.spans()] == [first, second]


def test_a_prediction_without_a_span_has_an_id(instrumented: Callable[..., Telemetry], framework: Framework) -> None:
    """It stays the same until the next call, in a pause and in a copied context too."""
    instrumented(sampler=ParentBased(ALWAYS_OFF))
    model = framework.model()
    framework.call(model, DATA)
    with driftline.paused():
        framework.call(model, DATA)
        first = driftline.prediction_id()
    assert first == driftline.prediction_id() == copy_context().run(driftline.prediction_id)
    framework.call(model, DATA)

    assert driftline.prediction_id() not in (None, first)


def test_methods_keep_what_they_were(framework: Framework, instrumented: Callable[..., Telemetry]) -> None:
    """Signatures, docstrings, names and kinds of patched methods are those of the library."""

    def facts() -> list[Any]:
        found = []
        for owner, name in framework.methods():
            method = getattr(owner, name, None)
            if method is None or name.startswith("__"):
                continue
            bound = inspect.isfunction(method), inspect.isroutine(method)
            found.append((name, inspect.signature(method), method.__doc__, method.__qualname__, bound))
        return found

    before = facts()
    instrumented()
    assert facts() == before


def test_models_can_be_copied_and_pickled(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """Copies and pickles of a model, and of its bound method, work and are recorded as the model is."""
    if not framework.pickles:
        pytest.skip(f"models of {framework.name} cannot be pickled")
    copies = (copy.deepcopy(model), pickle.loads(pickle.dumps(model)))
    for each in copies:
        framework.call(each, DATA)
    pickle.loads(pickle.dumps(getattr(model, framework.entry)))(DATA)

    assert rows_counted(telemetry) == 3 * ROWS


def test_refused_rows_never_reach_the_model(telemetry: Telemetry, framework: Framework, model: Any) -> None:
    """A check that rejects raises before the library sees the rows; the next call is an ordinary one."""
    driftline.check(model, reference=driftline.profile(DATA), mode="reject")
    bad = DATA.copy()
    bad[3, 1] = 1e9
    with pytest.raises(driftline.InputRejected) as caught:
        framework.call(model, bad)
    framework.call(model, DATA)

    refused, served = telemetry.spans()
    assert caught.value.rows == (3,)
    assert caught.value.rules == ("range",)
    assert refused.attributes[semconv.ERROR_TYPE] == "InputRejected"
    assert semconv.ERROR_TYPE not in served.attributes
    assert rows_counted(telemetry) == ROWS == telemetry.total(semconv.CHECK_REJECTED)
    assert FAULTS.counts() == {}
