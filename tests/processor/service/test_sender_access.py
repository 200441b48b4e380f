"""Who may send: TLS, certificates of senders, bearer tokens; and that changed files count without a restart."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from certificates import Authority, Pair
from driftline_processor.config import ReceiveConfig, TenantConfig
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.receiver import SERVICES, Receiver
from driftline_processor.service.request_queue import RequestQueue
from driftline_processor.service.sender_access import AccessError, server_credentials

WAIT = 20.0
STATUS = grpc.StatusCode


class Door:
    """A receiver with rules, and senders in front of it. Requests are empty: they are answered without being kept."""

    def __init__(self, tenants: dict[str, TenantConfig] | None = None, **access: Any) -> None:
        self.reader = InMemoryMetricReader()
        metrics = InternalMetrics(MeterProvider([self.reader], shutdown_on_exit=False))
        queue = RequestQueue(4, 1 << 20)
        self.receiver = Receiver(
            "127.0.0.1:0", queue, metrics, requests=4, access=ReceiveConfig(**access), tenants=tenants
        )
        self.told: list[str] = []
        self.receiver.serve("status", "Get", lambda tenant: self.told.append(tenant) or b"told")  # type: ignore[func-returns-value]

    def _tell(self, tenant: str) -> bytes:
        self.told.append(tenant)
        return b"told"

    def channel(self, ca: Path | None = None, client: Pair | None = None) -> grpc.Channel:
        address = f"127.0.0.1:{self.receiver.port}"
        if ca is None:
            return grpc.insecure_channel(address)
        own = (None, None) if client is None else (client.key.read_bytes(), client.certificate.read_bytes())
        return grpc.secure_channel(address, grpc.ssl_channel_credentials(ca.read_bytes(), *own))

    def send(self, token: str | None = None, *, path: str = "", **tls: Any) -> grpc.StatusCode:
        headers = () if token is None else (("authorization", token),)
        with self.channel(**tls) as channel:
            try:
                call = channel.unary_unary(path or f"/{SERVICES['traces'].name}/Export")
                call(b"", timeout=WAIT, metadata=headers)
            except grpc.RpcError as error:
                return error.code()
        return STATUS.OK

    def health(self) -> int:
        with self.channel() as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=WAIT).status)

    def refused(self) -> int:
        data = self.reader.get_metrics_data()
        found = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        own = (metric for metric in found if metric.name == "driftline.processor.refused.requests")
        return sum(int(point.value) for metric in own for point in metric.data.data_points)


@contextmanager
def door(**access: Any) -> Iterator[Door]:
    opened = Door(**access)
    opened.receiver.start()
    try:
        yield opened
    finally:
        opened.receiver.stop(0)


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def rewritten(path: Path, text: str) -> None:
    """As a volume of Kubernetes does: another file takes the place."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def test_tls(ca: Authority, tmp_path: Path) -> None:
    """Who knows the CA may send, in no clear text."""
    own = ca.issue("server")
    with door(certificate=own.certificate, key=own.key) as opened:
        assert opened.send(ca=ca.path) is STATUS.OK
        assert opened.send() is STATUS.UNAVAILABLE
        assert opened.send(ca=Authority(tmp_path, "other").path) is STATUS.UNAVAILABLE


def test_mutual_tls(ca: Authority, tmp_path: Path) -> None:
    """A sender needs a certificate of the CA that is named."""
    own, stranger = ca.issue("server"), Authority(tmp_path, "other").issue("stranger")
    with door(certificate=own.certificate, key=own.key, client_ca=ca.path) as opened:
        assert opened.send(ca=ca.path, client=ca.issue("sender")) is STATUS.OK
        assert opened.send(ca=ca.path) is STATUS.UNAVAILABLE
        assert opened.send(ca=ca.path, client=stranger) is STATUS.UNAVAILABLE


def test_a_certificate_that_changes(tmp_path: Path) -> None:
    """The next connection gets the new one; one that cannot be read changes nothing."""
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    own = old.issue("server")
    with door(certificate=own.certificate, key=own.key) as opened:
        assert opened.send(ca=old.path) is STATUS.OK
        new.issue("server")
        assert opened.send(ca=new.path) is STATUS.OK
        assert opened.send(ca=old.path) is STATUS.UNAVAILABLE
        rewritten(own.certificate, "half a fi")
        assert opened.send(ca=new.path) is STATUS.OK


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("Bearer first", STATUS.OK),
        ("Bearer second", STATUS.OK),
        ("bearer second ", STATUS.OK),
        (None, STATUS.UNAUTHENTICATED),
        ("Bearer ", STATUS.UNAUTHENTICATED),
        ("Bearer firs", STATUS.UNAUTHENTICATED),
        ("Bearer firstt", STATUS.UNAUTHENTICATED),
        ("Bearer # none", STATUS.UNAUTHENTICATED),
        ("Basic first", STATUS.UNAUTHENTICATED),
        ("first", STATUS.UNAUTHENTICATED),
    ],
)
def test_tokens(sent: str | None, answer: grpc.StatusCode, tmp_path: Path) -> None:
    """One of those in the file, as the Collector sends them; health checks need none, the status does."""
    tokens = tmp_path / "tokens"
    tokens.write_text("# none\nfirst\n\n  second  \n")
    with door(tokens=tokens) as opened:
        assert opened.send(sent) is answer
        assert opened.send(sent, path="/status/Get") is answer
        assert opened.health() == health_pb2.HealthCheckResponse.SERVING
        assert opened.refused() == (0 if answer is STATUS.OK else 2)


def test_tokens_that_change(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A new one counts at once, an old one no longer; an empty or missing file changes nothing, and is told once."""
    tokens = tmp_path / "tokens"
    tokens.write_text("old")
    with door(tokens=tokens) as opened:
        rewritten(tokens, "new")
        assert opened.send("Bearer old") is STATUS.UNAUTHENTICATED
        assert opened.send("Bearer new") is STATUS.OK
        rewritten(tokens, "\n")
        assert opened.send("Bearer new") is STATUS.OK
        assert opened.send("Bearer new") is STATUS.OK
        assert caplog.text.count(f"receive.tokens: must hold a token (got none in {tokens})") == 1
        tokens.unlink()
        assert opened.send("Bearer new") is STATUS.OK
        assert opened.send("Bearer new") is STATUS.OK
        assert caplog.text.count("No such file or directory") == 1


def test_files_that_cannot_be_used(ca: Authority, tmp_path: Path) -> None:
    """The start fails, by the key and the file."""
    own, text = ca.issue("server"), tmp_path / "text"
    text.write_text("#\n")
    with pytest.raises(AccessError, match=rf"^receive\.certificate: must be a PEM file \(got {text}\)$"):
        server_credentials(ReceiveConfig(certificate=text, key=own.key))
    with pytest.raises(AccessError, match=rf"^receive\.tokens: must hold a token \(got none in {text}\)$"):
        Door(tokens=text)


@pytest.fixture
def shared(ca: Authority, tmp_path: Path) -> Iterator[Door]:
    """Of two tenants, each with a token and a certificate of its own, and of others with a token."""
    own = ca.issue("server")
    for name in ("others", "acme", "globex"):
        (tmp_path / name).write_text(f"{name}-token\n{name}-second\n")
    tenants = {
        "acme": TenantConfig(tokens=tmp_path / "acme", certificates=("acme-gateway", "acme.example")),
        "globex": TenantConfig(tokens=tmp_path / "globex", certificates=("globex-gateway",)),
    }
    tls = {"certificate": own.certificate, "key": own.key, "client_ca": ca.path}
    with door(tenants=tenants, tokens=tmp_path / "others", **tls) as opened:
        yield opened


@pytest.mark.parametrize(
    ("names", "sent", "tenant"),
    [
        (("gateway",), "Bearer acme-token", "acme"),
        (("gateway",), "Bearer acme-second", "acme"),
        (("gateway",), "Bearer globex-token", "globex"),
        (("gateway",), "Bearer others-token", ""),
        (("gateway",), "Bearer acme-toke", None),
        (("gateway",), None, None),
        (("acme-gateway",), None, "acme"),
        (("gateway", "acme.example"), None, "acme"),
        (("globex-gateway",), None, "globex"),
        (("acme-gateway",), "Bearer acme-token", "acme"),
        (("acme-gateway",), "Bearer others-token", "acme"),
        (("acme-gateway",), "Bearer globex-token", None),
        (("acme-gateway",), "Bearer nobody", None),
        (("acme-gateway", "globex-gateway"), None, None),
        (("acme-gatewa",), None, None),
        (("127.0.0.1",), None, None),
    ],
)
def test_who_a_sender_is(
    names: tuple[str, ...], sent: str | None, tenant: str | None, shared: Door, ca: Authority
) -> None:
    """By its token or the names in its certificate; by both only where they agree."""
    client = ca.issue(*names)
    answer = STATUS.UNAUTHENTICATED if tenant is None else STATUS.OK

    assert shared.send(sent, path="/status/Get", ca=ca.path, client=client) is answer
    assert shared.told == ([] if tenant is None else [tenant])
    assert shared.send(sent, ca=ca.path, client=client) is answer


def test_a_token_of_two_tenants(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The start fails; in a file that changes, what it held before stays in force."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("first")
    other.write_text("second\nfirst")
    tenants = {"acme": TenantConfig(tokens=one), "globex": TenantConfig(tokens=other)}
    with pytest.raises(AccessError, match=r"^tenants\.globex\.tokens: must hold no token of others"):
        Door(tenants)
    rewritten(other, "second")
    with door(tenants=tenants) as opened:
        rewritten(other, "first")
        assert opened.send("Bearer first", path="/status/Get") is STATUS.OK
        assert opened.told == ["acme"]
        assert "tenants.globex.tokens: must hold no token of others" in caplog.text
