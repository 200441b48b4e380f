"""Runs the demo: start all processes, send the traffic, wait for the last results, stop all processes."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from driftline.tools.demo import services
from driftline.tools.demo.backend import MetricReading, listen
from driftline.tools.demo.displays import Display
from driftline.tools.demo.findings import Findings
from driftline.tools.demo.patients import FAULT
from driftline.tools.demo.processes import Processes
from driftline.tools.demo.result import DemoResult
from driftline.tools.demo.schedule import Schedule
from driftline.tools.demo.status import DemoStatus
from driftline.tools.demo.traffic import PatientTraffic, TrafficError
from driftline.tools.demo.training import save_training

FRAME_SECONDS: Final = 0.25
COUNTED_SECONDS: Final = 30.0
"""How long the processor may take to count the last rows; server and processor both export every second."""

GRACE_SECONDS: Final = 2.0


def run(schedule: Schedule, collector: Path | None, display: Display) -> DemoResult:
    """Run the demo from start to end.

    Raises:
        ProcessError: A process died or did not start.
        TrafficError: The model server is alive but failed a request.

    """
    findings = Findings(services.MODEL)

    def on_metrics(readings: Sequence[MetricReading]) -> None:
        findings.add(readings, time.time_ns())

    with (
        TemporaryDirectory(prefix="driftline-demo-") as folder,
        listen(on_metrics, findings.add_events) as backend,
        Processes(Path(folder)) as processes,
        closing(display),
    ):
        traffic = PatientTraffic(_start(processes, Path(folder), collector, backend, display), schedule)

        def show() -> DemoStatus:
            status = DemoStatus(schedule, traffic.elapsed, traffic.rows_sent, collector is not None, findings.report())
            display.show(status)
            return status

        _play(traffic, processes, show)
        last = _wait_until_counted(processes, show)
        alarms = tuple(last.report.alarms)
        counted = last.report.rows_counted
        return DemoResult(FAULT.feature, traffic.fault_began, alarms, last.rows_sent, counted, last.collector)


def _start(processes: Processes, folder: Path, collector: Path | None, backend: int, display: Display) -> str:
    """Start the Collector, the processor, then the server; stopped in reverse, each can still flush to the next.

    Returns:
        The URL of the server's predictions.

    """
    model, log = folder / "model.joblib", folder / "train.parquet"
    addresses = services.Addresses.free(backend, collector is not None)
    display.message("Training a random forest on scikit-learn's diabetes data set …")
    save_training(model, log)
    display.message("driftline profile train.parquet …")
    services.make_reference(processes, log)
    if collector is None:
        display.message("No Collector: the server sends to the processor directly.")
    else:
        display.message(f"{collector} --config gateway.yaml")
        services.start_collector(processes, collector, addresses)
    display.message("driftline-processor --config processor.yaml")
    services.start_processor(processes, folder, addresses)
    display.message("opentelemetry-instrument uvicorn driftline.tools.demo.server:app")
    services.start_server(processes, model, addresses)
    return f"http://127.0.0.1:{addresses.server}/predict"


def _play(traffic: PatientTraffic, processes: Processes, show: Callable[[], DemoStatus]) -> None:
    traffic.start()
    try:
        while traffic.running(FRAME_SECONDS):
            processes.check()
            show()
    except TrafficError:
        processes.check(GRACE_SECONDS)  # a server that died is the better explanation
        raise
    finally:
        traffic.stop()


def _wait_until_counted(processes: Processes, show: Callable[[], DemoStatus]) -> DemoStatus:
    deadline = time.monotonic() + COUNTED_SECONDS
    while (status := show()).report.rows_counted != status.rows_sent and time.monotonic() < deadline:
        processes.check()
        time.sleep(FRAME_SECONDS)
    return status
