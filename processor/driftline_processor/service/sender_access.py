"""Who may send to the receiver: TLS, certificates of senders, bearer tokens. Files are read again when they change."""

import hmac
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import grpc

from driftline_processor.config import ReceiveConfig

logger = logging.getLogger(__name__)

_HEADER: Final = "authorization"
_SCHEME: Final = "bearer "
_HEALTH: Final = "/grpc.health.v1.Health/"

T = TypeVar("T")
_Stamp = tuple[tuple[int, int, int], ...]


class AccessError(Exception):
    """A file is not what it must be; the message names the key, the rule and the file."""


class _Watched(Generic[T]):
    """What some files hold, read again once any of them is another one. A faulty change is logged; the old stays."""

    def __init__(self, paths: tuple[Path, ...], read: Callable[[], T]) -> None:
        """Reads the files. Raises AccessError."""
        self._paths, self._read = paths, read
        self._stamp = self._look()
        self.value = read()

    def refresh(self) -> bool:
        """Whether the value is new."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.value = self._read()
        except (AccessError, OSError) as error:
            logger.error("%s; what was read before stays in force", error)  # noqa: TRY400  (the file's fault)
            return False
        return True

    def _look(self) -> _Stamp:
        return tuple(map(_stamp, self._paths))


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes with a file; zeros where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def server_credentials(config: ReceiveConfig) -> grpc.ServerCredentials | None:
    """The TLS of the receiver; None without `receive.certificate`. Raises AccessError."""
    if config.certificate is None or config.key is None:
        return None
    certificate, key, client_ca = config.certificate, config.key, config.client_ca
    paths = tuple(path for path in (certificate, key, client_ca) if path is not None)

    def read() -> Any:
        pairs = [(_pem("receive.key", key), _pem("receive.certificate", certificate))]
        roots = None if client_ca is None else _pem("receive.client_ca", client_ca)
        return grpc.ssl_server_certificate_configuration(pairs, roots)

    watched = _Watched(paths, read)
    return grpc.dynamic_ssl_server_credentials(
        watched.value,
        lambda: watched.value if watched.refresh() else None,
        require_client_authentication=client_ca is not None,
    )


def _pem(key: str, path: Path) -> bytes:
    data = path.read_bytes()
    if b"-----BEGIN " not in data:
        raise AccessError(f"{key}: must be a PEM file (got {path})")
    return data


class TokenCheck(grpc.ServerInterceptor):  # type: ignore[misc]
    """Answers UNAUTHENTICATED to calls without one of the tokens, but for health checks, which probes make without."""

    def __init__(self, path: Path, refused: Callable[[], None]) -> None:
        """Reads the tokens. Raises AccessError."""
        self._tokens = _Watched((path,), lambda: read_tokens(path))
        self._refused = refused
        self._refusal = grpc.unary_unary_rpc_method_handler(self._refuse)

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """As of `grpc.ServerInterceptor`."""
        if handler_call_details.method.startswith(_HEALTH) or self._allows(handler_call_details.invocation_metadata):
            return continuation(handler_call_details)
        return self._refusal

    def _allows(self, metadata: Any) -> bool:
        self._tokens.refresh()
        sent = [value for name, value in metadata or () if name == _HEADER and isinstance(value, str)]
        given = [value[len(_SCHEME) :].strip().encode() for value in sent if value[: len(_SCHEME)].lower() == _SCHEME]
        # Compared with all of them in any case: the time that takes must not tell which one is nearly right.
        matches = [hmac.compare_digest(token, each) for token in self._tokens.value for each in given]
        return any(matches)

    def _refuse(self, _request: bytes, context: Any) -> bytes:
        self._refused()
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "a bearer token of `receive.tokens` is needed")
        return b""  # unreachable: `abort` raises


def read_tokens(path: Path) -> tuple[bytes, ...]:
    """The tokens of a file, one a line; `#` begins a comment. Raises AccessError."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    tokens = tuple(line.encode() for line in lines if line and not line.startswith("#"))
    if not tokens:
        raise AccessError(f"receive.tokens: must hold a token (got none in {path})")
    return tokens
