"""Pools and forks under `opentelemetry-instrument`: what a child has predicted arrives once, however it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from driftline import semconv
from otlp_sink import OtlpSink

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
MODEL = """
import numpy as np
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(1).normal(size=(1000, 3))
model = LogisticRegression().fit(X, X[:, 0] > 0)
def work(n): return float(model.predict(X[:n]).sum())
"""

# Each predicts the first 1 to 20 rows of X, a task each: 210 rows in 20 calls.
TASKS = "range(1, 21)"
ROWS, CALLS = 210, 20

POOLS = {
    "a pool that is left": "with multiprocessing.get_context({method!r}).Pool(2) as pool: pool.map(work, {tasks}, 1)",
    "a pool's results, one by one": (
        "with multiprocessing.get_context({method!r}).Pool(2) as pool: list(pool.imap_unordered(work, {tasks}))"
    ),
    "a pool that is closed": (
        "pool = multiprocessing.get_context({method!r}).Pool(2); pool.map(work, {tasks}); pool.close(); pool.join()"
    ),
    "a pool of short-lived workers": (
        "with multiprocessing.get_context({method!r}).Pool(2, maxtasksperchild=1) as pool: pool.map(work, {tasks}, 1)"
    ),
    "an executor": (
        "context = multiprocessing.get_context({method!r})\n"
        "    with ProcessPoolExecutor(2, mp_context=context) as pool: list(pool.map(work, {tasks}))"
    ),
}

OTHER_METHODS = ("spawn", "forkserver")  # slow: each child starts Python anew


def run(sink: OtlpSink, folder: Path, program: str, *, before: str = "", **more: str) -> None:
    """Run a program with the model in a module of its own, so that every start method finds it."""
    (folder / "served.py").write_text(MODEL)
    header = f"import os, multiprocessing\nfrom served import *\nimport driftline\n{before}"
    (folder / "program.py").write_text(f"{header}\nif __name__ == '__main__':\n    {program}\n")
    command: list[str | Path] = [BIN / "opentelemetry-instrument", sys.executable, folder / "program.py"]
    done = subprocess.run(
        command, check=False, env=environment(sink, **more), cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def environment(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DRIFTLINE_"))},
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "OTEL_SERVICE_NAME": "server",
        "DRIFTLINE_EXPORT_INTERVAL": "300000",
        "OTEL_METRIC_EXPORT_INTERVAL": "300000",
        "OTEL_BSP_SCHEDULE_DELAY": "300000",
        "PYTHONWARNINGS": "ignore",
        **more,
    }


def assert_arrived(sink: OtlpSink, rows: int, calls: int) -> None:
    valid = {semconv.FEATURE_NAME: "x0", semconv.FEATURE_STATE: semconv.VALID}

    assert sink.total(semconv.INFERENCE_ROWS) == sink.total(semconv.FEATURE_OBSERVATIONS, valid) == rows
    assert sink.seen_rows() == rows
    assert sink.total(semconv.INFERENCE_DURATION) == calls
    assert len([span for span in sink.spans() if semconv.MODEL_NAME in span.attributes]) == calls


@pytest.mark.parametrize(
    ("pool", "method"), [*((pool, "fork") for pool in POOLS), *((next(iter(POOLS)), each) for each in OTHER_METHODS)]
)
def test_pools(otlp_sink: OtlpSink, tmp_path: Path, pool: str, method: str) -> None:
    """Rows, durations and spans of its children are exact, whether it ends them by SIGTERM or lets them end."""
    imports = "from concurrent.futures import ProcessPoolExecutor\n"
    run(otlp_sink, tmp_path, POOLS[pool].format(method=method, tasks=TASKS), before=imports)

    assert_arrived(otlp_sink, ROWS, CALLS)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib(otlp_sink: OtlpSink, tmp_path: Path, backend: str) -> None:
    """Its backends are exact, outside a model's own call."""
    imports = "from joblib import Parallel, delayed\n"
    program = f"Parallel(2, backend={backend!r})(delayed(work)(n) for n in {TASKS})"
    run(otlp_sink, tmp_path, program, before=imports)

    assert_arrived(otlp_sink, ROWS, CALLS)


def test_billiard(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """The pool of Celery, whose children end by `os._exit` after each task."""
    program = f"""with Pool(2, maxtasksperchild=1) as pool:
        assert len(pool.map(work, {TASKS}, 1)) == {CALLS}"""
    run(otlp_sink, tmp_path, program, before="from billiard.pool import Pool\n")

    assert_arrived(otlp_sink, ROWS, CALLS)


FORK = """model.predict(X[:100])
    children = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            model.predict(X[:7])
            os._exit(4)
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [4, 4, 4]"""


def test_forked_children_that_skip_their_exit_handlers(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """`os._exit` sends what its process has predicted, and ends it with the same status."""
    run(otlp_sink, tmp_path, FORK)

    assert_arrived(otlp_sink, 121, 4)


def test_threads_of_a_pool_leave_signals_alone(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """A `ThreadPool` runs in the program's own process, whose signals are not ours."""
    program = f"""with ThreadPool(2) as pool: pool.map(work, {TASKS})
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL"""
    run(otlp_sink, tmp_path, program, before="import signal\nfrom multiprocessing.pool import ThreadPool\n")

    assert_arrived(otlp_sink, ROWS, CALLS)


HANG = """
import signal
started = multiprocessing.get_context("fork").Event()
def hang(_):
    started.set()
    while True: pass
"""
TERMINATED = """pool = multiprocessing.get_context("fork").Pool(1)
    pool.apply(work, (5,))
    pool.apply_async(hang, (0,))
    assert started.wait(60)
    (worker,) = pool._pool
    with ThreadPool(1) as watch:
        watch.apply_async(pool.terminate).get(timeout=20)
    assert worker.exitcode == -signal.SIGTERM"""


def test_a_task_can_be_terminated(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Within a task SIGTERM has its default, so that a pool can end one that hangs."""
    run(otlp_sink, tmp_path, TERMINATED, before=f"from multiprocessing.pool import ThreadPool\n{HANG}")
