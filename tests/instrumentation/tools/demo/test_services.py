import os
import re
from pathlib import Path

import pytest

from driftline.sketch.time_units import SECOND
from driftline.tools.demo import services
from driftline.tools.demo.services import PROCESSOR_YAML, Addresses, CollectorError, environment, find_collector
from driftline_processor.config import parse_config
from e2e import processes as e2e


@pytest.fixture
def no_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, on a machine without a Collector."""
    monkeypatch.delenv("OTELCOL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(path: Path, status: int = 0) -> Path:
    """A Collector that accepts every configuration, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_a_machine_may_have_no_collector(no_collector: Path) -> None:
    """Then there is none, which is no error."""
    assert find_collector() is None


@pytest.mark.parametrize("name", ["otelcol", "otelcol-contrib"])
def test_a_collector_on_the_path_is_found(no_collector: Path, name: str) -> None:
    """Under either of its usual names."""
    installed = program(no_collector / "bin" / name)

    assert find_collector() == installed


def test_a_collector_that_does_not_know_what_is_asked_is_passed_over(no_collector: Path) -> None:
    """One on the PATH may be old, or of another distribution."""
    program(no_collector / "bin" / "otelcol-contrib", status=1)
    assert find_collector() is None

    suits = program(no_collector / "bin" / "otelcol")

    assert find_collector() == suits


def test_the_collector_that_was_built_here_goes_before_the_path(no_collector: Path) -> None:
    """`make collector` leaves it in `.collector`."""
    program(no_collector / "bin" / "otelcol")
    built = program(no_collector / ".collector" / "otelcol")

    assert find_collector() == built


def test_otelcol_goes_before_everything(no_collector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a Collector gets that one."""
    program(no_collector / ".collector" / "otelcol")
    monkeypatch.setenv("OTELCOL", str(program(no_collector / "mine")))

    assert find_collector() == no_collector / "mine"


def test_a_collector_that_is_named_but_not_there_is_an_error(
    no_collector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo does not silently do without it."""
    monkeypatch.setenv("OTELCOL", "/nowhere/otelcol")

    with pytest.raises(CollectorError, match=r"OTELCOL must name .* \(got /nowhere/otelcol\)"):
        find_collector()


def test_settings_of_the_shell_do_not_reach_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither OpenTelemetry's nor ours; what the demo sets is there, and the rest is as it was."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("DRIFTLINE_CAPTURE", "none")
    monkeypatch.setenv("OTELCOL_TRACES_EXPORTER", "otlp_http/traces")

    env = environment(OTEL_SERVICE_NAME="clinic")

    assert env["OTEL_SERVICE_NAME"] == "clinic"
    assert not {"OTEL_SDK_DISABLED", "DRIFTLINE_CAPTURE", "OTELCOL_TRACES_EXPORTER"} & set(env)
    assert env["PATH"] == os.environ["PATH"]


def test_without_a_collector_its_two_ends_meet() -> None:
    """The server sends to the processor, and the processor to the backend."""
    addresses = Addresses.free(backend=4317, collector=False)

    assert addresses.from_server == addresses.processor
    assert addresses.from_processor == addresses.backend == 4317


def test_with_a_collector_every_address_is_another() -> None:
    """Nobody talks to itself."""
    assert len(set(Addresses.free(backend=4317, collector=True))) == 5


def test_the_processor_accepts_its_configuration() -> None:
    """Read by the processor itself, it means what the demo counts on."""
    config = parse_config(PROCESSOR_YAML.format(listen=4327, export=4319, window=services.WINDOW_SECONDS), {})

    assert config.listen == "127.0.0.1:4327"
    assert config.export.endpoint == "http://127.0.0.1:4319"
    assert config.window.size == services.WINDOW_SECONDS * SECOND


def test_the_collector_accepts_its_configuration() -> None:
    """Validated by the real binary."""
    assert services._accepts_config(e2e.find_collector())


def test_the_collector_runs_on_the_file_that_is_shipped() -> None:
    """Not on one of the demo's own, which would let pass what that one drops; all ports that it opens are free ones."""
    config = Path(services.__file__).with_name("gateway.yaml")
    listening = {name for name in re.findall(r"env:(OTELCOL_[A-Z_]+)", config.read_text()) if "LISTEN" in name}
    env = services._collector_environment(Addresses(1, 2, 3, 4, 5))

    assert config.read_text() == (e2e.ROOT / "collector-config" / "gateway.yaml").read_text()
    assert env.keys() >= listening | {"OTELCOL_METRICS_PORT"}
