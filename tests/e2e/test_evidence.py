"""A row is evidence once, however many operations of its model were called on it: live, with a real processor."""

import subprocess
import sys
from pathlib import Path

import pytest

from driftline import semconv
from e2e import line
from e2e.processes import BIN, clean_environment, free_ports
from otlp_sink import OtlpSink

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROWS = 3000
PROGRAM = """
import sys
import joblib, numpy as np
from e2e.customers import draw
model, rows = joblib.load(sys.argv[1]), int(sys.argv[2])
customers = draw(rows, np.random.default_rng(5))
model.predict(customers)
model.predict_proba(customers)
"""


def test_predict_and_predict_proba_on_the_same_rows(tmp_path: Path) -> None:
    """Each column of the window has the rows once; the processor's counter of calls' rows has them twice."""
    trained = line.train_and_profile(tmp_path)
    (port,) = free_ports(1)
    (tmp_path / "program.py").write_text(PROGRAM)
    command: list[str | Path] = [BIN / "opentelemetry-instrument", sys.executable, tmp_path / "program.py"]
    env = {
        **clean_environment(),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "DRIFTLINE_MODEL_NAME": line.MODEL,
        "DRIFTLINE_MODEL_VERSION": line.VERSION,
        "DRIFTLINE_EXPORT_INTERVAL": "300000",  # all at the end: in one pane
    }
    with OtlpSink() as backend, line.processor(tmp_path, trained.references, port=port, export=backend.port):
        subprocess.run([*command, trained.model, str(ROWS)], env=env, check=True, timeout=120)
        backend.wait_for(lambda sink: sink.total("driftline.processor.rows") >= 2 * ROWS)
        judged = backend.wait_for(lambda sink: sink.points("ml.drift.sample.count"), timeout=60)

    counts = {(point.attributes[semconv.FEATURE_NAME], point.value) for point in judged}
    columns = ("age", "income", "distance", "plan", semconv.PREDICTION)
    assert {each for each in counts if each[0] in columns} == {(name, ROWS) for name in columns}
    assert backend.total("driftline.processor.rows") == 2 * ROWS
