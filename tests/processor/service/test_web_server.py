"""The status page of the whole processor: where it listens, to whom it answers, and that it costs nothing else."""

import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from certificates import Authority
from driftline_processor.config import Config, ConfigError, page_exposed, parse_config
from driftline_processor.service.service import Service


def configured(folder: Path, more: str) -> Config:
    return parse_config(
        f"""
        listen: 127.0.0.1:0
        references: {folder}/references
        store: sqlite:///{folder}/driftline.db
        telemetry: {{enabled: false}}
        {more}
        """,
        {},
    )


@contextmanager
def running(folder: Path, more: str) -> Iterator[Service]:
    service = Service(configured(folder, more))
    service.start()
    try:
        yield service
    finally:
        service.stop()


def test_it_serves_the_page_and_the_status(tmp_path: Path) -> None:
    """Before any model has sent rows, each page says so."""
    with running(tmp_path, "http: {listen: '127.0.0.1:0'}") as service:
        address = f"http://127.0.0.1:{service.web_port}"
        assert "No model has sent anything yet" in httpx.get(f"{address}/").text
        assert httpx.get(f"{address}/service").status_code == 200
        assert httpx.get(f"{address}/api/v1/service").json()["storage_ok"] is True


def test_off_is_off(tmp_path: Path) -> None:
    """By one setting, which YAML reads as false."""
    with running(tmp_path, "http: {listen: off}") as service:
        assert service.web_port == 0


def test_an_address_in_use_costs_the_page_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The receiver works; the log says why there is no page."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with running(tmp_path, f"http: {{listen: '127.0.0.1:{taken.getsockname()[1]}'}}") as service:
            assert service.port
            assert service.web_port == 0
    assert "http.listen: no status page at" in caplog.text


def test_a_token_is_needed_where_senders_need_one(tmp_path: Path) -> None:
    """As a bearer token, or as the password that a browser asks for; and TLS is that of the receiver."""
    tokens = tmp_path / "tokens"
    tokens.write_text("s3cret\n", encoding="utf-8")
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    tls = f"certificate: {pair.certificate}, key: {pair.key}"
    trust = ssl.create_default_context(cafile=str(authority.path))
    more = f"http: {{listen: '127.0.0.1:0'}}\n        receive: {{tokens: {tokens}, {tls}}}"
    password = base64.b64encode(b"anybody:s3cret").decode()
    answers = {"": 401, "Bearer wrong": 401, "Basic ???": 401, "Bearer s3cret": 200, f"Basic {password}": 200}
    with running(tmp_path, more) as service, httpx.Client(verify=trust) as http:
        address = f"https://localhost:{service.web_port}/"
        for sent, expected in answers.items():
            assert http.get(address, headers={"authorization": sent} if sent else {}).status_code == expected


def test_the_page_is_not_served_to_everybody(tmp_path: Path) -> None:
    """Beyond this machine, only with tokens or certificates."""
    everywhere = "http: {listen: '0.0.0.0:4328'}"
    assert "is reachable from other machines" in str(page_exposed(configured(tmp_path, everywhere)))
    assert page_exposed(configured(tmp_path, f"{everywhere}\n        receive: {{insecure: true}}")) is None
    with running(tmp_path, everywhere) as service:
        assert service.web_port == 0


@pytest.mark.parametrize(
    "wrong",
    ["http: {listen: here}", "http: {trace_url: 'javascript:alert({trace_id})'}", "http: {trace_url: 'https://t'}"],
)
def test_what_is_wrong_is_said(tmp_path: Path, wrong: str) -> None:
    """An address, and a template of addresses."""
    with pytest.raises(ConfigError, match="http"):
        configured(tmp_path, wrong)
