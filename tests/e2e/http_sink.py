"""OTLP over HTTP in the test process: it keeps every request that arrives, decoded, and the headers with it."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from e2e.relay import SIGNALS
from otlp_sink import Received

_REQUESTS = {f"/v1/{signal.name}": signal for signal in SIGNALS}


class HttpSink(Received):
    """Serves the three OTLP paths below `/otlp` on a free loopback port. Use it as a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[dict[str, str]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                data = gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body
                signal = _REQUESTS.get(self.path.removeprefix("/otlp"))
                self.send_response(404 if signal is None else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if signal is not None:
                    sink.headers.append({name.lower(): value for name, value in self.headers.items()})
                    sink.take(signal.name, signal.request.FromString(data))

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="http-sink")

    @property
    def endpoint(self) -> str:
        """The URL to which the paths of the signals are added."""
        return f"http://127.0.0.1:{self._server.server_port}/otlp"

    def __enter__(self) -> "HttpSink":  # noqa: PYI034  # typing.Self is 3.11's
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
