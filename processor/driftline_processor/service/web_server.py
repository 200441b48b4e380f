"""Serves the status page on a thread of its own, with the TLS of the receiver."""

import logging
import socket
import ssl
from threading import Thread
from typing import Any, Final

import uvicorn

from driftline_processor.config import Config, HttpConfig, is_local, page_exposed, split_address
from driftline_processor.web.app import Site, application

logger = logging.getLogger(__name__)

_GRACE_SECONDS: Final = 1


class WebServer:
    """A page that cannot be served is logged, and costs nothing else. Call `start` and `stop` once each."""

    def __init__(self, config: Config, site: Site) -> None:
        self._config, self._site = config, site
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        """Of the page; 0 where there is none."""
        return 0 if self._socket is None else int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Binds the address and serves."""
        listen = self._config.http.listen
        if listen == "off":
            return
        if problem := page_exposed(self._config):
            logger.error("%s; the status page is not served", problem)
            return
        try:
            self._socket = _bound(listen)
            self._server = uvicorn.Server(self._settings())
        except (OSError, ssl.SSLError) as error:
            chosen = listen != HttpConfig().listen
            level = logging.ERROR if chosen else logging.INFO
            logger.log(level, "http.listen: no status page at %s: %s", listen, error.strerror or error)
            return
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)
        self._thread.start()
        scheme = "https" if self._config.receive.certificate else "http"
        logger.info("Status page at %s://%s:%d/", scheme, listen.rpartition(":")[0], self.port)

    def stop(self) -> None:
        """Closes all connections."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(2 * _GRACE_SECONDS)
        if self._socket is not None:
            self._socket.close()

    def _settings(self) -> uvicorn.Config:
        receive = self._config.receive
        tls: dict[str, Any] = {}
        if receive.certificate and receive.key:
            tls = {"ssl_certfile": str(receive.certificate), "ssl_keyfile": str(receive.key)}
        if receive.client_ca:
            tls |= {"ssl_ca_certs": str(receive.client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        return uvicorn.Config(
            application(self._site),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            limit_concurrency=64,
            **tls,
        )


def _bound(address: str) -> socket.socket:
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen()  # who connects before the thread serves waits
    except OSError:
        bound.close()
        raise
    return bound


def local(config: Config) -> bool:
    """Whether only this machine may ask."""
    return config.http.listen != "off" and is_local(config.http.listen)
