"""Puts the story on: starts everything, lets the traffic run, asks what was found, and leaves nothing behind."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from driftline.demo import services
from driftline.demo.findings import Findings
from driftline.demo.outcome import Outcome
from driftline.demo.patients import FAULT
from driftline.demo.processes import Processes
from driftline.demo.scene import Scene
from driftline.demo.sink import Reading, listen
from driftline.demo.story import Story
from driftline.demo.traffic import Traffic, TrafficError
from driftline.demo.training import save_training
from driftline.demo.views import View

FRAME_SECONDS: Final = 0.25
COUNTED_SECONDS: Final = 30.0
"""How long the processor may take to count the last rows; it is told every second, and tells every second."""

GRACE_SECONDS: Final = 2.0


def run(story: Story, collector: Path | None, view: View) -> Outcome:
    """The whole demo.

    Raises:
        ProcessError: a process died or did not come up.
        TrafficError: the model server failed a request, though it is alive.

    """
    findings = Findings(services.MODEL)

    def consume(readings: Sequence[Reading]) -> None:
        findings.add(readings, time.time_ns())

    with (
        TemporaryDirectory(prefix="driftline-demo-") as folder,
        listen(consume, findings.hear) as backend,
        Processes(Path(folder)) as processes,
        closing(view),
    ):
        traffic = Traffic(_start(processes, Path(folder), collector, backend, view), story)

        def show() -> Scene:
            scene = Scene(story, traffic.elapsed, traffic.rows_sent, collector is not None, findings.report())
            view.show(scene)
            return scene

        _play(traffic, processes, show)
        last = _wait_until_counted(processes, show)
        alarms = tuple(last.report.alarms)
        counted = last.report.rows_counted
        return Outcome(FAULT.feature, traffic.fault_began, alarms, last.rows_sent, counted, last.collector)


def _start(processes: Processes, folder: Path, collector: Path | None, backend: int, view: View) -> str:
    """Everything, the server last and the Collector first: stopped in reverse, each can still send its last.

    Returns the address that answers predictions.
    """
    model, log = folder / "model.joblib", folder / "train.parquet"
    addresses = services.Addresses.free(backend, collector is not None)
    view.say("Training a forest on the diabetes patients that scikit-learn ships …")
    save_training(model, log)
    view.say("driftline profile train.parquet …")
    services.make_reference(processes, log)
    if collector is None:
        view.say("No Collector: the server talks to the processor directly.")
    else:
        view.say(f"{collector} --config collector.yaml")
        services.start_collector(processes, collector, addresses)
    view.say("driftline-processor --config processor.yaml")
    services.start_processor(processes, folder, addresses)
    view.say("opentelemetry-instrument uvicorn driftline.demo.server:app")
    services.start_server(processes, model, addresses)
    return f"http://127.0.0.1:{addresses.server}/predict"


def _play(traffic: Traffic, processes: Processes, show: Callable[[], Scene]) -> None:
    traffic.start()
    try:
        while traffic.running(FRAME_SECONDS):
            processes.check()
            show()
    except TrafficError:
        processes.check(GRACE_SECONDS)  # a server that died explains it better
        raise
    finally:
        traffic.stop()


def _wait_until_counted(processes: Processes, show: Callable[[], Scene]) -> Scene:
    deadline = time.monotonic() + COUNTED_SECONDS
    while (scene := show()).report.rows_counted != scene.rows_sent and time.monotonic() < deadline:
        processes.check()
        time.sleep(FRAME_SECONDS)
    return scene
