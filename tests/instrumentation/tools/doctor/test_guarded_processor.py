"""`driftline doctor --processor` in front of a processor that wants TLS, a client certificate and a token."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from opentelemetry.metrics import NoOpMeterProvider

from certificates import Authority
from driftline.cli import main
from driftline.semconv import STATUS_METHOD, STATUS_SERVICE
from driftline_processor.config import ReceiveConfig, parse_config
from driftline_processor.engine.matching import Matching
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.receiver import Receiver
from driftline_processor.service.request_queue import RequestQueue
from driftline_processor.service.status import Status, encode_status


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a processor that wants a certificate and a token, and whose files are in the working directory."""
    monkeypatch.chdir(tmp_path)
    ca = Authority(tmp_path)
    own = ca.issue("server")
    ca.issue("client")
    (tmp_path / "tokens").write_text("s3cret\n")
    access = ReceiveConfig(certificate=own.certificate, key=own.key, client_ca=ca.path, tokens=tmp_path / "tokens")
    metrics = InternalMetrics(NoOpMeterProvider())
    receiver = Receiver("127.0.0.1:0", RequestQueue(4, 1 << 20), metrics, requests=4, access=access)
    config = parse_config("", {})
    told = Status(0, config, config.export, (), Matching(), {}, (0, 0), True, ())
    receiver.serve(STATUS_SERVICE, STATUS_METHOD, lambda _: encode_status(told))
    receiver.start()
    yield f"127.0.0.1:{receiver.port}"
    receiver.stop(0)


FLAGS = ("--certificate", "ca.pem", "--client-certificate", "client.pem", "--client-key", "client.key")
VARIABLES = {
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "client.pem",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "client.key",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20s3cret",
}
ANSWERS = "driftline-processor 0.1.0 at"


@pytest.mark.parametrize(
    ("address", "flags", "variables", "said"),
    [
        ("https://", FLAGS, {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20s3cret"}, ANSWERS),
        ("", (*FLAGS, "--header", "Authorization=Bearer s3cret"), {}, ANSWERS),
        ("https://", (), VARIABLES, ANSWERS),
        ("https://", ("--header", "authorization=Bearer wr0ng"), VARIABLES, "takes no token like this"),
        ("https://", FLAGS, {}, "takes no token like this"),
        ("https://", FLAGS[:2], VARIABLES, ANSWERS),
        ("", (), VARIABLES, "https://HOST:PORT where it has receive.certificate"),
        ("http://", (), VARIABLES, "https://HOST:PORT where it has receive.certificate"),
        ("https://", FLAGS[2:], {}, "UNAVAILABLE"),
        ("https://", (), VARIABLES | {"OTEL_EXPORTER_OTLP_CERTIFICATE": "nowhere"}, "nowhere: No such file"),
        ("https://", (*FLAGS, "--header", "authorization=Bearer s3cret\n"), {}, ANSWERS),
        ("https://", (*FLAGS, "--header", "authorization=Bearer s3\x01cret"), {}, "(INTERNAL)"),
        ("https://", (*FLAGS, "--header", "s3cret"), {}, "must be NAME=VALUE"),
    ],
)
def test_a_processor_that_is_guarded(
    address: str,
    flags: tuple[str, ...],
    variables: dict[str, str],
    said: str,
    guarded: str,
) -> None:
    """By flags, or the exporters' variables where there is none; no secret is ever shown."""
    result = CliRunner().invoke(main, ["doctor", "--processor", f"{address}{guarded}", *flags], env=variables)

    assert said in result.output
    assert "s3cret" not in result.output
    assert "wr0ng" not in result.output
