"""An OTLP receiver in this process, by gRPC and HTTP, on free loopback ports: what arrives is handed on."""

import gzip
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

from driftline.tools.doctor.targets import SERVICES

Handler = Callable[[str, bytes], None]
"""Takes a signal (`traces`, `metrics` or `logs`) and the bytes of an export request, in a thread of the receiver."""

_MAX_MESSAGE: Final = 64 << 20
_LOOPBACK: Final = "127.0.0.1"
_ACCEPTED: Final = b""
"""An empty Export*ServiceResponse, of any signal."""


class Ports(NamedTuple):
    """Where it listens."""

    grpc: int
    http: int

    def endpoint(self, protocol: str) -> str:
        """The URL for a protocol: `grpc` or `http/protobuf`."""
        return f"http://{_LOOPBACK}:{self.http if protocol == 'http/protobuf' else self.grpc}"


@contextmanager
def listening(handle: Handler) -> Iterator[Ports]:
    """Receive OTLP inside the block."""
    with _grpc(handle) as grpc_port, _http(handle) as http_port:
        yield Ports(grpc_port, http_port)


@contextmanager
def _grpc(handle: Handler) -> Iterator[int]:
    import grpc

    server = grpc.server(
        ThreadPoolExecutor(max_workers=4, thread_name_prefix="doctor"),
        options=(("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.so_reuseport", 0)),
    )
    for signal, service in SERVICES.items():
        method = grpc.unary_unary_rpc_method_handler(partial(_export, handle, signal))  # no deserializer: raw bytes
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    port = server.add_insecure_port(f"{_LOOPBACK}:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=1.0).wait()


def _export(handle: Handler, signal: str, body: bytes, _context: Any) -> bytes:
    handle(signal, body)
    return _ACCEPTED


@contextmanager
def _http(handle: Handler) -> Iterator[int]:
    server = ThreadingHTTPServer((_LOOPBACK, 0), partial(_HttpHandler, handle))
    thread = threading.Thread(target=server.serve_forever, name="doctor-http", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _HttpHandler(BaseHTTPRequestHandler):
    """`POST /v1/<signal>`, protobuf, plain, gzip or deflate."""

    protocol_version = "HTTP/1.1"

    def __init__(self, handle: Handler, *args: Any) -> None:
        self._handle = handle
        super().__init__(*args)

    def do_POST(self) -> None:  # the base class's name
        signal = self.path.rpartition("/v1/")[2]
        length = int(self.headers.get("Content-Length") or 0)
        if signal not in SERVICES or length > _MAX_MESSAGE:
            self.close_connection = True
            self._answer(HTTPStatus.NOT_FOUND if signal not in SERVICES else HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            body = _plain(self.rfile.read(length), self.headers.get("Content-Encoding", ""))
        except (OSError, zlib.error, EOFError):
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        self._handle(signal, body)
        self._answer(HTTPStatus.OK)

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Nothing: the doctor's output is its findings."""


def _plain(body: bytes, encoding: str) -> bytes:
    match encoding:
        case "gzip":
            return gzip.decompress(body)
        case "deflate":
            return zlib.decompress(body)
        case _:
            return body
