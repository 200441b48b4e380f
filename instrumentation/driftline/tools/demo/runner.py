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
from driftline.tools.demo.processes import Processes
from driftline.tools.demo.result import DemoResult
from driftline.tools.demo.scenario import Scenario
from driftline.tools.demo.schedule import Schedule
from driftline.tools.demo.status import DemoStatus
from driftline.tools.demo.traffic import PatientTraffic, TrafficError
from driftline.tools.demo.training import save_training

FRAME_SECONDS: Final = 0.25
COUNTED_SECONDS: Final = 30.0
"""How long the processor may take to count the last rows; server and processor both export every second."""

GRACE_SECONDS: Final = 2.0


def run(schedule: Schedule, collector: Path | None, display: Display, scenario: Scenario) -> DemoResult:
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
        addresses = services.Addresses.free(backend, collector is not None)
        model = _start(processes, Path(folder), collector, addresses, scenario, display=display)
        url = f"http://127.0.0.1:{addresses.server}/predict"
        with scenario.follow(addresses) as follow_up:
            traffic = PatientTraffic(url, schedule, scenario, model, follow_up)

            def show() -> DemoStatus:
                sent, report = traffic.rows_sent, findings.report()
                status = DemoStatus(scenario, schedule, traffic.elapsed, sent, collector is not None, report)
                display.show(status)
                return status

            _play(traffic, processes, show)
            last = _wait_until_counted(processes, show)
        return _result(last, traffic.fault_began)


def _result(last: DemoStatus, fault_began: int | None) -> DemoResult:
    scenario, report = last.scenario, last.report
    return DemoResult(
        scenario.name,
        scenario.expected,
        fault_began,
        tuple(report.alarms),
        rows_sent=last.rows_sent,
        rows_counted=report.rows_counted,
        collector=last.collector,
    )


def _start(
    processes: Processes,
    folder: Path,
    collector: Path | None,
    addresses: services.Addresses,
    scenario: Scenario,
    *,
    display: Display,
) -> Path:
    """Start the Collector, the processor, then the server; stopped in reverse, each can still flush to the next.

    Returns:
        The model's file.

    """
    model, log = folder / "model.joblib", folder / "train.parquet"
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
    services.start_processor(processes, folder, addresses, scenario.settings)
    display.message(f"opentelemetry-instrument uvicorn {scenario.app}")
    services.start_server(processes, model, addresses, scenario.app, scenario.server)
    return model


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
