"""Celery and Django as the guide starts them: every row arrives, and every span."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from driftline import semconv
from e2e.processes import BIN, answers_http, clean_environment, free_ports, running
from otlp_sink import OtlpSink, ReceivedSpan

pytestmark = pytest.mark.e2e

MODEL = """
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(1).normal(size=(1000, 3))
model = LogisticRegression().fit(X, X[:, 0] > 0)
"""
CELERY = """
from celery import Celery
app = Celery("tasks", broker="filesystem://", backend="file://{folder}/results")
app.conf.broker_transport_options = dict.fromkeys(("data_folder_in", "data_folder_out"), "{folder}/queue")
@app.task
def work(rows): return float(model.predict(X[:rows]).sum())
"""
CELERY_CLIENT = """
from tasks import work
for result in [work.delay(rows) for rows in range(1, 21)]: result.get(timeout=60)
"""
DJANGO_SETTINGS = """
DEBUG, SECRET_KEY, ALLOWED_HOSTS, ROOT_URLCONF = False, "a test's", ["*"], "views"
"""
DJANGO_VIEWS = """
from django.http import HttpResponse
from django.urls import path
def predict(request, rows): return HttpResponse(model.predict(X[:rows]).sum())
urlpatterns = [path("health", lambda request: HttpResponse("ok")), path("predict/<int:rows>", predict)]
"""
DJANGO_WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"

ROWS, CALLS = sum(range(1, 21)), 20


def environment(sink: OtlpSink) -> dict[str, str]:
    """Nothing is exported before the processes end."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "DRIFTLINE_EXPORT_INTERVAL": "300000",
        "OTEL_METRIC_EXPORT_INTERVAL": "300000",
        "OTEL_BSP_SCHEDULE_DELAY": "300000",
        "PYTHONWARNINGS": "ignore",
    }


def inferences(sink: OtlpSink) -> list[ReceivedSpan]:
    return [span for span in sink.spans() if semconv.MODEL_NAME in span.attributes]


@pytest.mark.parametrize("options", [(), ("--max-tasks-per-child", "1")], ids=["", "a child for each task"])
def test_celery(otlp_sink: OtlpSink, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Its prefork children send what they predicted before they end by `os._exit`."""
    for folder in ("queue", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tasks.py").write_text(MODEL + CELERY.format(folder=tmp_path))
    worker = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", *options]
    command = [BIN / "opentelemetry-instrument", *worker]
    client = [sys.executable, "-c", CELERY_CLIENT]
    with running("celery", command, folder=tmp_path, ready=lambda: True, env=environment(otlp_sink)):
        subprocess.run(client, check=True, cwd=tmp_path, env=clean_environment(), timeout=120)

    assert otlp_sink.total(semconv.INFERENCE_ROWS) == ROWS
    assert otlp_sink.total(semconv.INFERENCE_DURATION) == len(inferences(otlp_sink)) == CALLS


def test_django(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Two gunicorn workers: rows are exact, and each call is a child of its HTTP request."""
    for name, text in (("settings", DJANGO_SETTINGS), ("views", MODEL + DJANGO_VIEWS), ("wsgi", DJANGO_WSGI)):
        (tmp_path / f"{name}.py").write_text(text)
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    server = [sys.executable, "-m", "gunicorn", "wsgi:application", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    command = [BIN / "opentelemetry-instrument", *server]
    env = {**environment(otlp_sink), "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)}
    with running("django", command, folder=tmp_path, ready=lambda: answers_http(f"{url}/health"), env=env):
        for rows in range(1, 21):
            assert httpx.get(f"{url}/predict/{rows}", timeout=30).status_code == httpx.codes.OK

    requests = {span.span.span_id for span in otlp_sink.spans() if span.span.kind == Span.SPAN_KIND_SERVER}
    assert otlp_sink.total(semconv.INFERENCE_ROWS) == ROWS
    assert len(inferences(otlp_sink)) == CALLS
    assert all(span.span.parent_span_id in requests for span in inferences(otlp_sink))
