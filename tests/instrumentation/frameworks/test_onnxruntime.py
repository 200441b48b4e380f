"""ONNX Runtime as its users meet it: real models, exported from scikit-learn and PyTorch."""

import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnxruntime import InferenceSession, IOBinding, OrtValue, SessionOptions
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

import driftline
from driftline import semconv
from driftline.frameworks import onnxruntime as adapter
from telemetry import Telemetry

RNG = np.random.default_rng(3)
ROWS = 80
X = RNG.normal(size=(ROWS, 3)).astype(np.float32)
NAMES = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
MULTI = np.digitize(X[:, 0], [-0.5, 0.5])


def session_of(graph: Any, **options: Any) -> InferenceSession:
    return InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"], **options)


def exported(model: Any, **options: Any) -> Any:
    return to_onnx(model, X[:1], options={"zipmap": options["zipmap"]} if options else None)


@pytest.fixture(scope="module")
def classifier() -> Any:
    """Two named classes; probabilities as an array."""
    return exported(LogisticRegression().fit(X, NAMES), zipmap=False)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A PyTorch module of three classes, exported."""
    file = tmp_path_factory.mktemp("onnx") / "network.onnx"
    names: dict[str, Any] = {"input_names": ["x"], "output_names": ["logits"], "dynamic_axes": {"x": {0: "rows"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is the older one
        torch.onnx.export(torch.nn.Linear(3, 3).eval(), (torch.zeros(1, 3),), str(file), dynamo=False, **names)
    return onnx.load(file)


def features(telemetry: Telemetry) -> dict[str, float]:
    """Valid rows by feature."""
    valid = [
        p for p in telemetry.streams(semconv.FEATURE_OBSERVATIONS) if p.attributes[semconv.FEATURE_STATE] == "valid"
    ]
    return {point.attributes[semconv.FEATURE_NAME]: point.value for point in valid}


def output_names(telemetry: Telemetry) -> set[str]:
    return {point.attributes[semconv.OUTPUT_NAME] for point in telemetry.points(semconv.OUTPUT_OBSERVATIONS)}


def class_counts(telemetry: Telemetry) -> dict[str, float]:
    points = telemetry.streams(semconv.OUTPUT_PREDICTIONS)
    return {point.attributes[semconv.OUTPUT_CLASS]: point.value for point in points}


@pytest.mark.parametrize("zipmap", [True, False], ids=["list of maps", "array"])
def test_a_classifier_reads_as_in_scikit_learn(telemetry: Telemetry, zipmap: bool) -> None:
    """Label and probabilities are one prediction: its class by name, its probability, the second class's score."""
    model = LogisticRegression().fit(X, NAMES)
    session = session_of(exported(model) if zipmap else exported(model, zipmap=False))
    label, probabilities = session.run(None, {"X": X})
    telemetry.flush()

    (span,) = telemetry.spans()
    assert span.attributes[semconv.SYSTEM_NAME] == "onnxruntime"
    assert span.attributes[semconv.MODEL_NAME] == span.attributes[semconv.MODEL_TYPE] == "LogisticRegression"
    assert span.attributes[semconv.OPERATION_NAME] == "run"
    assert span.attributes[semconv.TASK] == "classification"
    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert features(telemetry) == {"x0": ROWS, "x1": ROWS, "x2": ROWS}
    assert output_names(telemetry) == {"prediction", "confidence", "score"}
    assert class_counts(telemetry) == {name: np.sum(label == name) for name in ("no", "yes")}
    shown = span.attributes[f"{semconv.BATCH_OUTPUT}.score"]
    expected = [row["yes"] for row in probabilities[:8]] if zipmap else probabilities[:8, 1]
    assert shown == pytest.approx(expected)
    assert not telemetry.points(semconv.FAULTS)


def test_several_classes(telemetry: Telemetry) -> None:
    """Of more classes than two there are entropy and margin, and no score."""
    session_of(exported(LogisticRegression().fit(X, MULTI), zipmap=False)).run(None, {"X": X})

    assert output_names(telemetry.flush()) == {"prediction", "confidence", "entropy", "margin"}
    assert sum(class_counts(telemetry).values()) == ROWS


def test_outputs_that_were_not_asked_for_are_not_there(telemetry: Telemetry, classifier: Any) -> None:
    """A run for some outputs records these, each read for what it is."""
    session = session_of(classifier)
    session.run(["probabilities"], {"X": X})
    assert output_names(telemetry.flush()) == {"confidence", "score"}
    session.run(output_names=["label"], input_feed={"X": X})

    assert sum(class_counts(telemetry.flush()).values()) == ROWS
    assert telemetry.total(semconv.INFERENCE_ROWS) == 2 * ROWS


def test_a_regressor(telemetry: Telemetry) -> None:
    """A number a row, under the class of the model that was exported."""
    model = GradientBoostingRegressor(n_estimators=5, random_state=0).fit(X, X[:, 0])
    (expected,) = session_of(exported(model)).run(None, {"X": X})
    telemetry.flush()

    (span,) = telemetry.spans()
    assert span.attributes[semconv.MODEL_NAME] == "GradientBoostingRegressor"
    assert span.attributes[semconv.TASK] == "regression"
    assert span.attributes[f"{semconv.BATCH_OUTPUT}.prediction"] == pytest.approx(expected[:8, 0])
    assert telemetry.total(semconv.OUTPUT_VALUE) + telemetry.total(semconv.OUTPUT_TAIL) == ROWS


def test_logits_of_a_network(telemetry: Telemetry, network: Any) -> None:
    """Logits give the class and its confidence; a graph that was named by its exporter is no name of a model."""
    (logits,) = session_of(network).run(None, {"x": X})
    telemetry.flush()

    assert {"prediction", "confidence", "entropy", "margin"} <= output_names(telemetry)
    counts = {
        str(name): int(count) for name, count in zip(*np.unique(logits.argmax(1), return_counts=True), strict=True)
    }
    assert class_counts(telemetry) == counts
    assert telemetry.spans()[0].attributes[semconv.MODEL_NAME] == "InferenceSession"


def test_several_inputs_are_columns_by_name(telemetry: Telemetry) -> None:
    """Inputs of one column carry their names; the caller's arrays are copied before the run."""
    one = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 1]) for name in ("age", "income")]
    out = onnx.helper.make_tensor_value_info("variable", onnx.TensorProto.FLOAT, [None, 1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["age", "income"], ["variable"])], "price", one, [out])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    model.model_version = 12
    age, income = X[:, :1].copy(), X[:, 1:2].copy()
    session_of(model).run(None, {"age": age, "income": income})
    age[:] = np.nan
    telemetry.flush()

    assert features(telemetry) == {"age": ROWS, "income": ROWS}
    expected = {semconv.MODEL_NAME: "price", semconv.MODEL_VERSION: "12"}
    assert telemetry.total(semconv.INFERENCE_ROWS, expected) == ROWS


def test_token_ids_are_summarized(telemetry: Telemetry) -> None:
    """Of a model of texts the lengths are known, not one column a position."""
    ids, mask = (onnx.helper.make_tensor_value_info(n, 7, ["rows", "length"]) for n in ("input_ids", "attention_mask"))
    out = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["rows", 1])
    nodes = [
        onnx.helper.make_node("Mul", ["input_ids", "attention_mask"], ["held"]),
        onnx.helper.make_node("Cast", ["held"], ["numbers"], to=1),
        onnx.helper.make_node("ReduceMean", ["numbers"], ["logits"], axes=[1]),
    ]
    graph = onnx.helper.make_graph(nodes, "sentiment", [ids, mask], [out])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = session_of(model)
    for length in (5, 9):
        session.run(None, {"input_ids": np.full((4, length), 7), "attention_mask": np.ones((4, length), np.int64)})
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS, {semconv.MODEL_NAME: "sentiment"}) == 8
    assert features(telemetry)["tokens.length"] == 8
    assert all(name.startswith("tokens.") for name in features(telemetry))


def test_names_come_from_the_metadata_and_from_descriptions(telemetry: Telemetry, classifier: Any) -> None:
    """What a user described goes before what the file says, and that before what its exporter made up."""
    named = onnx.ModelProto.FromString(classifier.SerializeToString())
    onnx.helper.set_model_props(named, {"model_name": "churn", "model_version": "3"})
    session_of(named).run(None, {"X": X})
    described = session_of(named)
    driftline.describe(described, name="other", version="4", feature_names=["a", "b", "c"])
    described.run(None, {"X": X[:5]})
    telemetry.flush()

    rows = {semconv.MODEL_NAME: "churn", semconv.MODEL_VERSION: "3"}
    assert telemetry.total(semconv.INFERENCE_ROWS, rows) == ROWS
    rows = {semconv.MODEL_NAME: "other", semconv.MODEL_VERSION: "4"}
    assert telemetry.total(semconv.INFERENCE_ROWS, rows) == 5
    assert features(telemetry)["a"] == 5


def test_sessions_of_before_and_after(classifier: Any, instrumented: Callable[..., Telemetry]) -> None:
    """A session that was made before `instrument()`, and one of a user's own class, are recorded, each once."""

    class Loaded(InferenceSession):
        def run(self, output_names: Any, input_feed: Any, run_options: Any = None) -> Any:
            return super().run(output_names, {"X": np.asarray(input_feed["X"], np.float32)}, run_options)

    before = session_of(classifier)
    telemetry = instrumented()
    before.run(None, {"X": X})
    Loaded(classifier.SerializeToString()).run(None, {"X": X.tolist()})

    assert telemetry.flush().total(semconv.INFERENCE_ROWS) == 2 * ROWS
    assert len(telemetry.spans()) == 2
    assert features(telemetry)["x0"] == 2 * ROWS


def test_values_of_the_runtime_are_read_on_the_host(telemetry: Telemetry, classifier: Any) -> None:
    """`OrtValue`s in the memory of the host are read, given to either method."""
    session, value = session_of(classifier), OrtValue.ortvalue_from_numpy(X)
    session.run(None, {"X": value})
    session.run_with_ort_values(None, {"X": value})
    telemetry.flush()

    assert sum(features(telemetry).values()) == 3 * ROWS  # the newest of two streams a column
    assert telemetry.total(semconv.INFERENCE_ROWS) == 2 * ROWS
    assert sum(point.value for point in telemetry.streams(semconv.OUTPUT_PREDICTIONS)) == 2 * ROWS


class DeviceValue:
    """An `OrtValue` on an accelerator, as far as the adapter looks at it: it must not be read."""

    def device_name(self) -> str:
        return "Cuda"

    def is_tensor(self) -> bool:
        return True

    def shape(self) -> list[int]:
        return [ROWS, 3]

    def numpy(self) -> Any:
        raise AssertionError("this waits for the device")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("this waits for the device")


def test_values_on_a_device_are_counted_and_not_read(telemetry: Telemetry, classifier: Any) -> None:
    """Rows of a value on an accelerator count; nothing waits for it."""

    class OnDevice(InferenceSession):
        def run(self, output_names: Any, input_feed: Any, run_options: Any = None) -> Any:
            return super().run(output_names, {"X": X}, run_options)

    OnDevice(classifier.SerializeToString()).run(None, {"X": DeviceValue()})
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert features(telemetry) == {}
    assert not telemetry.points(semconv.FAULTS)


def test_bound_outputs_are_read(telemetry: Telemetry, classifier: Any) -> None:
    """Of a run with bindings the outputs are recorded, and their rows; the inputs cannot be read."""
    session = session_of(classifier)
    binding: IOBinding = session.io_binding()
    binding.bind_cpu_input("X", X)
    for name in ("label", "probabilities"):
        binding.bind_output(name)
    session.run_with_iobinding(binding)
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert output_names(telemetry) == {"prediction", "confidence", "score"}
    assert features(telemetry) == {}


def test_asynchronous_runs_are_recorded_when_they_end(telemetry: Telemetry, classifier: Any) -> None:
    """The callback gets what it always gets; the run is one record, below the span of the caller."""
    options = SessionOptions()
    options.intra_op_num_threads = 2
    session = session_of(classifier, sess_options=options)
    done = threading.Event()
    received: list[Any] = []

    def callback(results: Any, user_data: Any, failure: str) -> None:
        received.extend((results, user_data, failure))
        done.set()

    with telemetry.tracer_provider.get_tracer("test").start_as_current_span("request") as parent:
        session.run_async(None, {"X": X}, callback, "mine")
    assert done.wait(30)
    telemetry.flush()

    results, user_data, failure = received
    assert len(results) == 2
    assert (user_data, failure) == ("mine", "")
    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert class_counts(telemetry) == {name: np.sum(results[0] == name) for name in ("no", "yes")}
    (run,) = [span for span in telemetry.spans() if span.span.name != "request"]
    assert int.from_bytes(run.span.parent_span_id, "big") == parent.get_span_context().span_id


def test_an_asynchronous_run_that_is_refused(telemetry: Telemetry, classifier: Any) -> None:
    """An error before the run begins is the library's, and recorded."""
    session = session_of(classifier)
    with driftline.paused(), pytest.raises(Exception, match=r"Required inputs") as plain:
        session.run_async(None, {"Y": X}, lambda *_: None, None)
    with pytest.raises(type(plain.value)) as recorded:
        session.run_async(None, {"Y": X}, lambda *_: None, None)
    telemetry.flush()

    assert str(recorded.value) == str(plain.value)
    assert telemetry.spans()[0].attributes[semconv.ERROR_TYPE] == type(plain.value).__qualname__


def test_a_fault_in_reading_outputs_never_surfaces(
    telemetry: Telemetry, classifier: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where outputs cannot be told, the run is recorded without them."""
    session = session_of(classifier)

    def broken(value: Any) -> Any:
        raise RuntimeError("injected")

    monkeypatch.setattr(adapter, "_table", broken)
    assert len(session.run(None, {"X": X})) == 2
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    assert not output_names(telemetry)
    assert [point.attributes[semconv.FAULT_STAGE] for point in telemetry.streams(semconv.FAULTS)] == ["outputs"]


def test_caches_of_decoders_are_not_read() -> None:
    """What a decoder hands from run to run is neither input nor output."""
    feeds = {"input_ids": np.ones((2, 4), np.int64), "past_key_values.0.key": np.zeros((2, 1, 0, 4), np.float32)}

    assert adapter.feeds_of("run", (None, feeds), {}) is feeds["input_ids"]


def test_nothing_is_loaded_before_the_program_does(tmp_path: Path) -> None:
    """Instrumenting loads neither ONNX Runtime nor numpy; a session made afterwards is recorded."""
    file = tmp_path / "model.onnx"
    file.write_bytes(exported(LogisticRegression().fit(X, MULTI), zipmap=False).SerializeToString())
    program = f"""
import sys, driftline
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
driftline.instrument(metric_exporter=ConsoleMetricExporter())
assert not {{"onnxruntime", "numpy"}} & sys.modules.keys()
import numpy, onnxruntime
onnxruntime.InferenceSession({str(file)!r}).run(None, {{"X": numpy.zeros((17, 3), numpy.float32)}})
driftline.flush()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert '"value": 17' in done.stdout


@pytest.mark.parametrize("files", [True, False], ids=["files", "bytes"])
def test_two_models_with_the_same_inputs_keep_names_of_their_own(
    files: bool, instrumented: Callable[..., Telemetry], tmp_path: Path
) -> None:
    """Sessions of one model are one, however many threads have one."""
    sources: list[Any] = []
    for number, labels in enumerate((NAMES, np.roll(NAMES, 1))):
        model = exported(LogisticRegression().fit(X, labels), zipmap=False).SerializeToString()
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(model)
        sources.append(path if files else model)
    telemetry = instrumented(model_name="churn")
    sessions = [InferenceSession(each, providers=["CPUExecutionProvider"]) for each in (*sources, sources[0])]
    for session in sessions:
        session.run(None, {"X": X})
    telemetry.flush()

    counts: Counter[str] = Counter()
    for point in telemetry.streams(semconv.INFERENCE_ROWS):
        counts[str(point.attributes[semconv.MODEL_NAME])] += int(point.value)
    assert counts == {"churn": 2 * ROWS, "LogisticRegression": ROWS}
