"""The status: what a running processor says of itself, bounded, without changing anything."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, struct_pb2

from driftline import semconv
from driftline_processor.config import parse_config
from driftline_processor.engine.matching import Matching, ModelMatch, TypeMismatch, UnusedReference
from driftline_processor.engine.model_state import ModelStatus
from driftline_processor.records import ModelKey
from driftline_processor.service.exporter import ExportHealth
from driftline_processor.service.service import Service
from driftline_processor.service.status import MOST_NAMES, Status, encode_status, status_document
from driftline_processor.service.worker import MOST_MODELS
from otlp_requests import counter, metrics_request, number, of_model
from otlp_sink import OtlpSink

SECOND = 10**9
WAIT = 20.0


def status(models: tuple[ModelStatus, ...] = (), matching: Matching | None = None, **changed: Any) -> Status:
    given: dict[str, Any] = {
        "now": 100 * SECOND,
        "config": parse_config("", {}),
        "export": parse_config("", {}).export,
        "models": models,
        "matching": matching or Matching(),
        "totals": {},
        "queue": (0, 0),
        "storage_ok": True,
        "exports": (ExportHealth("results", None, 0, 0, 0),),
    }
    return Status(**given | changed)


def decoded(body: bytes) -> dict[str, Any]:
    return json_format.MessageToDict(struct_pb2.Struct.FromString(body))


def test_everything_is_told() -> None:
    """Times are seconds, and what is unknown is null."""
    key = ModelKey("churn", "2", (("service.name", "api"),))
    match = ModelMatch(
        key,
        reference="r1",
        reference_name="churn",
        matched=3,
        missing=("debt",),
        unknown=("dept",),
        suggestions=(("dept", "debt"),),
        types=(TypeMismatch("age", "float", "text"),),
        pairs=("a × b",),
    )
    unused = UnusedReference("r2", "fraud", "", "churn")
    models = (ModelStatus(key, 12.0, 90 * SECOND, 60 * SECOND, 1),)
    exports = (ExportHealth("results", True, 2, 3, 4),)
    document = decoded(
        encode_status(
            status(models, Matching((match,), (unused,)), totals={"late.rows": 5}, queue=(1, 2), exports=exports)
        )
    )

    (model,) = document["models"]
    assert (model["name"], model["version"], model["resource"]) == ("churn", "2", {"service.name": "api"})
    assert (model["rows"], model["silent_seconds"], model["last_window_end"], model["alarms"]) == (12, 10, 60, 1)
    assert model["matching"] == {
        "reference": "r1",
        "reference_name": "churn",
        "reference_version": "",
        "provisional": False,
        "judged_from": None,
        "names": "exact",
        "matched": 3,
        "missing": ["debt"],
        "missing_count": 1,
        "unknown": ["dept"],
        "unknown_count": 1,
        "pairs": ["a × b"],
        "pair_count": 1,
        "suggestions": [["dept", "debt"]],
        "types": [{"column": "age", "expected": "float", "got": "text"}],
        "type_count": 1,
        "nearest": None,
    }
    assert document["unused_references"] == [{"id": "r2", "name": "fraud", "version": "", "nearest": "churn"}]
    assert document["counters"] == {"late.rows": 5}
    assert document["queue"] == {"requests": 1, "bytes": 2}
    assert document["exports"] == [{"what": "results", "failing": True, "waiting": 2, "exported": 3, "dropped": 4}]


def test_a_model_before_its_first_window() -> None:
    """It has no match yet."""
    (model,) = status_document(status((ModelStatus(ModelKey("m"), 1.0, 100 * SECOND, 0, 0),)))["models"]

    assert model["last_window_end"] is None
    assert model["matching"]["reference"] is None


def test_the_status_is_bounded() -> None:
    """Names are shortened, lists are cut, and their lengths are told."""
    long = tuple(str(number) + "\N{BRAIN}" * 10_000 for number in range(1_000))
    resource = tuple((name, name) for name in long[:3])
    models = tuple(ModelStatus(ModelKey(name, name, resource), 1.0, 0, 0, 0) for name in long[:MOST_MODELS])
    lists = {
        "missing": long,
        "unknown": long,
        "pairs": long,
        "suggestions": tuple(zip(long, long, strict=True)),
        "types": tuple(TypeMismatch(name, name, name) for name in long),
        "nearest": UnusedReference(*long[:4]),
    }
    matches = tuple(ModelMatch(model.key, "r", long[0], long[0], **lists) for model in models)  # type: ignore[arg-type]
    unused = tuple(UnusedReference(name, name, name, name) for name in long)
    body = encode_status(status(models, Matching(matches, unused)))
    document = decoded(body)

    assert len(body) < 4 << 20  # the most that a gRPC client takes by default
    assert document["unused_reference_count"] == 1_000
    assert len(document["unused_references"]) == MOST_NAMES
    assert document["models"][0]["matching"]["missing_count"] == 1_000
    assert len(document["models"][0]["matching"]["missing"]) == MOST_NAMES


def test_names_of_any_kind_can_be_sent() -> None:
    """Lone surrogates are no Unicode, and a sender's names are its own."""
    (model,) = decoded(encode_status(status((ModelStatus(ModelKey("a\ud800\n"), 1.0, 0, 0, 0),))))["models"]

    assert model["name"] == "a?\n"


@pytest.fixture
def service(tmp_path: Path, otlp_sink: OtlpSink) -> Any:
    config = parse_config(
        f"""
        listen: 127.0.0.1:0
        references: {tmp_path}/references
        store: sqlite:///{tmp_path}/driftline.db
        window: {{size: 10s, step: 5s, lateness: 1s}}
        export: {{endpoint: "{otlp_sink.endpoint}"}}
        """,
        {},
    )
    started = Service(config)
    started.start()
    yield started
    started.stop()


def asked(port: int, body: bytes = b"") -> dict[str, Any]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        get = channel.unary_unary(f"/{semconv.STATUS_SERVICE}/{semconv.STATUS_METHOD}")
        return decoded(get(body, timeout=WAIT))


def eventually(ask: Callable[[], dict[str, Any]], what: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The first answer of which it is true."""
    end = time.monotonic() + WAIT
    while not what(answer := ask()):
        assert time.monotonic() < end, answer
    return answer


def test_a_running_processor_answers(service: Service) -> None:
    """Beside OTLP, at any time, whatever the question holds."""
    now = time.time_ns()
    request = metrics_request(counter(semconv.INFERENCE_ROWS, [number(of_model(), 7, now - SECOND, now)]))
    with grpc.insecure_channel(f"127.0.0.1:{service.port}") as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
        export(request.SerializeToString(), timeout=WAIT)
    document = eventually(lambda: asked(service.port, b"anything"), lambda answer: answer["models"])

    assert [(model["name"], model["rows"]) for model in document["models"]] == [("churn", 7)]
    assert document["counters"]["accepted.items"] == 1
    assert document["storage_ok"]
    assert {export["what"] for export in document["exports"]} == {"results", "alarm events"}
