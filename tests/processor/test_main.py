"""The command: what it prints, how it ends, and that a processor which is killed loses and repeats nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Event

import grpc
import pytest
from click.testing import CliRunner

import driftline_processor
from driftline import semconv
from driftline_processor.__main__ import main
from driftline_processor.config import Config, effective_yaml
from driftline_processor.service.receiver import SERVICES
from e2e.processes import free_ports
from otlp_requests import DELTA, counter, metrics_request, number, of_model, span, trace_request
from otlp_sink import OtlpSink

SECOND = 10**9
WAIT = 60.0


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, arguments, env=dict.fromkeys(k for k in os.environ if k.startswith("OTEL_")))
    return result.exit_code, result.stdout, result.stderr


def test_version() -> None:
    """The command says its version."""
    assert invoke("--version") == (0, f"driftline-processor, version {driftline_processor.__version__}\n", "")


def test_check_of_an_empty_file(tmp_path: Path) -> None:
    """A check prints what is in force, and what is stored; an empty file is in order."""
    config = tmp_path / "processor.yaml"
    config.touch()

    stored = "store sqlite:///driftline.db: none yet; the first start creates it\n"
    assert invoke("--config", str(config), "--check") == (0, effective_yaml(Config()), stored)


def test_check_names_every_mistake(tmp_path: Path) -> None:
    """A check tells all mistakes, a line each, and fails."""
    config = tmp_path / "processor.yaml"
    config.write_text("window: {step: 2m}\nverdict: {tolerance: 2}\n")

    assert invoke("--config", str(config), "--check") == (
        2,
        "",
        "verdict.tolerance: must be less than 1 (got 2)\nwindow.step: must divide window.size (got 2m, size 5m)\n",
    )


def test_check_warns(tmp_path: Path) -> None:
    """What is allowed, but should be meant, is told and no failure; an open door that nobody meant is one."""
    config = tmp_path / "processor.yaml"
    config.write_text("listen: 0.0.0.0:4327\nreceive: {insecure: true}\n")
    code, _, warned = invoke("--config", str(config), "--check")

    assert code == 0
    assert warned.startswith("warning: listen: anybody who reaches 0.0.0.0:4327 may send")
    config.write_text("listen: 0.0.0.0:4327\n")
    code, _, told = invoke("--config", str(config), "--check")
    assert code == 2
    assert "listen: 0.0.0.0:4327 is reachable from other machines, without TLS or tokens" in told


def test_missing_file(tmp_path: Path) -> None:
    """A file that is named must be there."""
    code, _, told = invoke("--config", str(tmp_path / "gone.yaml"))

    assert (code, told) == (2, f"{tmp_path}/gone.yaml: must be a readable text file (No such file or directory)\n")


def test_port_that_is_taken(tmp_path: Path) -> None:
    """The processor does not start beside another one, and says why."""
    config = tmp_path / "processor.yaml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config.write_text(f"listen: {address}\nstore: sqlite:///{tmp_path}/driftline.db\n")
        code, _, told = invoke("--config", str(config))

    assert code == 1
    assert told == f"listen: cannot bind {address}: in use, or not an address of this machine\n"


def test_store_that_cannot_be_used(tmp_path: Path) -> None:
    """A store that cannot be opened ends the start with its name and the reason."""
    config = tmp_path / "processor.yaml"
    config.write_text(f"listen: 127.0.0.1:0\nstore: sqlite:///{tmp_path}/nowhere/driftline.db\n")

    assert invoke("--config", str(config)) == (
        1,
        "",
        f"store sqlite:///{tmp_path}/nowhere/driftline.db: unable to open database file\n",
    )


class Processor:
    """A processor in a process of its own, on a port that stays the same over restarts."""

    def __init__(self, folder: Path, sink: OtlpSink) -> None:
        (self.port,) = free_ports(1)
        self.log = folder / "processor.log"
        self.config = folder / "processor.yaml"
        self.config.write_text(
            f"""
            listen: 127.0.0.1:{self.port}
            references: {folder}/references
            store: sqlite:///{folder}/driftline.db
            snapshot: {{every: 200ms}}
            export: {{endpoint: "{sink.endpoint}"}}
            telemetry: {{every: 1s}}
            """
        )
        self.process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator["Processor"]:
        self.start()
        try:
            yield self
        finally:
            self.end(signal.SIGKILL)

    def start(self) -> None:
        command = (sys.executable, "-m", "driftline_processor", "--config", str(self.config))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            grpc.channel_ready_future(channel).result(WAIT)

    def end(self, by: signal.Signals) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(WAIT)


@pytest.mark.e2e
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_ends_in_order(tmp_path: Path, otlp_sink: OtlpSink, by: signal.Signals) -> None:
    """Asked to end, the processor ends with success, and its last counts still leave."""
    with Processor(tmp_path, otlp_sink).running() as processor:
        send(processor.port, "metrics", rows(0, time.time_ns()))
        code = processor.end(by)

    assert code == 0, processor.log.read_text()
    assert counted(otlp_sink) == 10
    assert "Shutting down" in processor.log.read_text()


def rows(index: int, base: int) -> bytes:
    """A delta of ten rows, told from all others by its time: to count it twice, or not at all, shows."""
    begin = base + index * SECOND // 10
    point = number(of_model(), 10, begin, begin + SECOND // 10)
    return metrics_request(counter(semconv.INFERENCE_ROWS, [point], DELTA)).SerializeToString()


def call(index: int, base: int) -> bytes:
    """A span of three rows that no sketch has counted."""
    attributes = {**of_model("spans"), "ml.input.age": [1.0, 2.0, 3.0]}
    return trace_request(span(attributes, index + 1, base + index)).SerializeToString()


def send(port: int, signal_name: str, body: bytes) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        service = SERVICES[signal_name].name  # type: ignore[index]  # one of the three
        channel.unary_unary(f"/{service}/Export")(body, timeout=WAIT)


def send_until_acknowledged(port: int, signal_name: str, body: bytes, resend: bool) -> None:
    """As the Collector does: again until there is an answer; `resend` once more even then."""
    for _ in range(2 if resend else 1):
        while True:
            try:
                send(port, signal_name, body)
                break
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017  (any other would lose data)
                Event().wait(0.05)


def counted(sink: OtlpSink, model: str = "churn") -> float:
    points = [p for p in sink.points("driftline.processor.rows") if p.attributes[semconv.MODEL_NAME] == model]
    return max(points, key=lambda p: p.point.time_unix_nano).value if points else 0.0


class Progress:
    """Counts what has been acknowledged."""

    def __init__(self) -> None:
        self._acknowledged = 0
        self._changed = Condition()

    def step(self) -> None:
        with self._changed:
            self._acknowledged += 1
            self._changed.notify_all()

    def wait_for(self, acknowledged: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._acknowledged >= acknowledged, WAIT)


@pytest.mark.e2e
def test_kill_loses_and_repeats_nothing(tmp_path: Path, otlp_sink: OtlpSink) -> None:
    """Killed three times in mid-stream, what senders resend until it is acknowledged is counted once, exactly."""
    requests, base, progress = 150, time.time_ns() - 20 * SECOND, Progress()
    jobs = [("metrics", rows(i, base)) for i in range(requests)] + [("traces", call(i, base)) for i in range(requests)]

    def deliver(index: int) -> None:
        send_until_acknowledged(processor.port, *jobs[index], resend=index % 5 == 0)
        progress.step()

    with Processor(tmp_path, otlp_sink).running() as processor:
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(deliver, index) for index in range(len(jobs))]
            for acknowledged in (40, 150, 250):
                progress.wait_for(acknowledged)
                processor.end(signal.SIGKILL)
                processor.start()
            for future in sent:
                future.result(WAIT)
        otlp_sink.wait_for(lambda sink: counted(sink) >= 10 * requests, WAIT)
        otlp_sink.wait_for(lambda sink: counted(sink, "spans") >= 3 * requests, WAIT)
        processor.end(signal.SIGTERM)

    assert processor.log.read_text().count("Listening on") == 4
    assert (counted(otlp_sink), counted(otlp_sink, "spans")) == (10 * requests, 3 * requests)
