"""What the processor says of itself, and what the doctor makes of it: two packages that share a message alone."""

import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pytest
from google.protobuf import json_format, struct_pb2

import driftline
from driftline import semconv
from driftline.sketch import Histogram
from driftline.tools.doctor.finding import Finding, Severity
from driftline.tools.doctor.processor_checks import findings
from driftline.tools.doctor.processor_status import ProcessorAnswer, ask
from driftline_processor.config import parse_config
from driftline_processor.engine.matching import Matching, ModelMatch, NameResolution, TypeMismatch, UnusedReference
from driftline_processor.engine.model_state import ModelStatus
from driftline_processor.records import ModelKey
from driftline_processor.service.exporter import ExportHealth
from driftline_processor.service.service import Service
from driftline_processor.service.status import Status, encode_status
from otlp_requests import counter, metrics_request, number, of_model, sketch, sketch_point
from otlp_sink import OtlpSink

SECOND = 10**9
KEY = ModelKey("churn", "2", (("service.name", "api"),))
UNUSED = UnusedReference("r2", "fraud", "1", "churn")
MATCHED = ModelMatch(KEY, "r1", "churn", "2", matched=3)


def told(match: ModelMatch = MATCHED, *unused: UnusedReference, **changed: Any) -> list[Finding]:
    """What the doctor says of a processor with one model, after its answer has been on the wire."""
    given: dict[str, Any] = {
        "now": 100 * SECOND,
        "config": parse_config("", {}),
        "export": parse_config("", {}).export,
        "models": (ModelStatus(KEY, 12.0, 90 * SECOND, 60 * SECOND, 1),),
        "matching": Matching((match,), unused),
        "totals": {},
        "queue": (0, 0),
        "storage_ok": True,
        "exports": (ExportHealth("results", False, 0, 3, 0),),
    }
    body = encode_status(Status(**given | changed))
    answer = ProcessorAnswer("h:1", json_format.MessageToDict(struct_pb2.Struct.FromString(body)))
    return [finding for finding in findings(answer) if finding.severity is Severity.PROBLEM]


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (MATCHED, ""),
        (ModelMatch(KEY, "r1", "churn", matched=3, names=NameResolution.POSITION), ""),
        (ModelMatch(KEY), "has no reference"),
        (ModelMatch(KEY, nearest=UNUSED), "nearest is the unused fraud version 1"),
        (ModelMatch(KEY, "p", "churn", provisional=True, matched=3), "its first window stands in"),
        (ModelMatch(KEY, "r1", "churn", missing=("debt",)), "none of the 1 columns"),
        (ModelMatch(KEY, "r1", "churn", unknown=("x",), suggestions=(("x", "y"),)), "not judged: x"),
        (ModelMatch(KEY, "r1", "churn", types=(TypeMismatch("age", "float", "text"),)), "age arrives as text"),
        (ModelMatch(KEY, "r1", "churn", pairs=("a × b",)), "1 pair of the reference"),
    ],
)
def test_every_kind_of_match_is_understood(match: ModelMatch, said: str) -> None:
    """All that the processor can find out about a model."""
    problems = told(match)

    assert len(problems) == bool(said)
    assert all(said in finding.message for finding in problems)


def test_everything_else_is_understood() -> None:
    """Unused references, each counter of losses, a backend that refuses, a store that fails."""
    names = ("rejected.items", "refused.requests", "late.rows", "dropped.sets")
    exports = (ExportHealth("results", True, 1, 0, 0), ExportHealth("alarm events", None, 0, 0, 0))
    problems = told(MATCHED, UNUSED, totals=dict.fromkeys(names, 1.0), exports=exports, storage_ok=False)

    assert [finding.check for finding in problems] == ["references", *["drops"] * 4, "export", "store"]


def test_a_running_processor_is_diagnosed(tmp_path: Path, otlp_sink: OtlpSink) -> None:
    """A column that was renamed, and a reference that nobody uses, from files and requests to findings."""
    rng = np.random.default_rng(1)
    training = pd.DataFrame({"age": rng.normal(10.0, 1.0, 500), "debt": rng.normal(size=500)})
    (tmp_path / "references").mkdir()
    for model in ("churn", "fraud"):
        driftline.profile(training, model=model).save(tmp_path / "references" / f"{model}.json")
    config = parse_config(
        f"""
        listen: 127.0.0.1:0
        references: {tmp_path}/references
        store: sqlite:///{tmp_path}/driftline.db
        window: {{size: 2s, step: 1s, lateness: 1s}}
        export: {{endpoint: "{otlp_sink.endpoint}"}}
        """,
        {},
    )
    service = Service(config)
    service.start()
    try:
        _send(service.port, {name: rng.normal(10.0, 1.0, 100) for name in ("age", "dept")})
        problems = _problems(f"127.0.0.1:{service.port}")
    finally:
        service.stop()

    assert any("missing: debt" in finding.message and "dept is perhaps debt" in finding.remedy for finding in problems)
    assert any("fraud is used by no model; models are: churn" in finding.message for finding in problems)


def _send(port: int, columns: dict[str, Any]) -> None:
    """One export of a server: sketches of columns, and as many rows."""
    now = time.time_ns()
    points = [
        sketch_point(of_model(feature__name=name), Histogram.of(values, 6, 160), now - SECOND, now)
        for name, values in columns.items()
    ]
    rows = counter(semconv.INFERENCE_ROWS, [number(of_model(), 100, now - SECOND, now)])
    request = metrics_request(sketch(semconv.FEATURE_VALUE, points), rows)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
        export(request.SerializeToString(), timeout=20)


def _problems(address: str) -> list[Finding]:
    """As soon as a window has been judged."""
    end = time.monotonic() + 30
    while True:
        answer = ask(address)
        assert answer.status is not None, answer.code
        if any(model["matching"]["reference"] for model in answer.status["models"]):
            return [finding for finding in findings(answer) if finding.severity is Severity.PROBLEM]
        assert time.monotonic() < end, answer
        time.sleep(0.1)
