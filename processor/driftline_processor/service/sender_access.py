"""Who may send to the receiver, and as whom: TLS, certificates of senders, bearer tokens.

Files are read again when they change.
"""

import hmac
import logging
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import grpc

from driftline_processor.config import ReceiveConfig, TenantConfig

logger = logging.getLogger(__name__)

_HEADER: Final = "authorization"
_SCHEME: Final = "bearer "
_CERTIFIED_NAMES: Final = ("x509_common_name", "x509_subject_alternative_name")

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


class SenderAccess:
    """Who a sender is, by what it proves: its token, its certificate; never by what it says of itself."""

    def __init__(self, config: ReceiveConfig, tenants: Mapping[str, TenantConfig]) -> None:
        """Reads the tokens. Raises AccessError."""
        files = {f"tenants.{name}.tokens": each.tokens for name, each in tenants.items()}
        paths = {key: path for key, path in ({"receive.tokens": config.tokens} | files).items() if path is not None}
        self._tokens = _Watched(tuple(paths.values()), lambda: _owners(paths))
        self._certificates = {text.encode(): name for name, each in tenants.items() for text in each.certificates}
        self._open = not paths and not tenants
        self._by_tokens = bool(paths)
        self.needed = "a bearer token of `receive.tokens` is needed"
        if tenants:
            self.needed = "a bearer token, or a certificate, of one tenant is needed"

    def tenant(self, context: Any) -> str | None:
        """Of a call.

        Returns:
            The tenant; "": of none, yet one who may send; None: who may not, as it proves nothing, something wrong, or
            to be two tenants at once.

        """
        if self._open:
            return ""
        given = _bearer_tokens(context.invocation_metadata()) if self._by_tokens else []
        return self._owner(given, self._certified(context.auth_context()))

    def reader(self, headers: Mapping[str, str]) -> str | None:
        """As `tenant`, of an HTTP request by its headers: a bearer token, or a password that is one."""
        if self._open:
            return ""
        sent = headers.get(_HEADER, "")
        given = [*_bearer_tokens([(_HEADER, sent)]), *_password(sent)] if self._by_tokens else []
        return self._owner(given, set())

    def _owner(self, given: Sequence[bytes], certified: set[str]) -> str | None:
        shown = self._matching(given)
        if given and not shown:
            return None
        named = {*shown, *certified} - {""}
        if len(named) > 1:
            return None
        return named.pop() if named else "" if shown else None

    def _matching(self, given: Sequence[bytes]) -> set[str]:
        """Whose the tokens are. All are compared: the time that takes must not tell which one is nearly right."""
        self._tokens.refresh()
        owners = self._tokens.value.items()
        matches = [(hmac.compare_digest(token, each), owner) for token, owner in owners for each in given]
        return {owner for same, owner in matches if same}

    def _certified(self, peer: Mapping[str, Sequence[bytes]]) -> set[str]:
        """Whose the certificate is that the peer has proved to own."""
        names = (name for key in _CERTIFIED_NAMES for name in peer.get(key, ()))
        return {self._certificates[name] for name in names if name in self._certificates}


def _bearer_tokens(metadata: Any) -> list[bytes]:
    sent = [value for name, value in metadata or () if name == _HEADER and isinstance(value, str)]
    return [value[len(_SCHEME) :].strip().encode() for value in sent if value[: len(_SCHEME)].lower() == _SCHEME]


def _password(sent: str) -> list[bytes]:
    """Of Basic authentication (RFC 7617), whatever the name."""
    scheme, _, encoded = sent.partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        return [b64decode(encoded, validate=True).partition(b":")[2]]
    except ValueError:
        return [b""]


def _owners(paths: Mapping[str, Path]) -> dict[bytes, str]:
    """Whose each token is, by the keys of their files; "" of `receive.tokens`. Raises AccessError."""
    owners: dict[bytes, str] = {}
    for key, path in paths.items():
        tenant = key.removeprefix("tenants.").removesuffix(".tokens") if key != "receive.tokens" else ""
        for token in read_tokens(path, key):
            if owners.setdefault(token, tenant) != tenant:
                raise AccessError(f"{key}: must hold no token of others (got one of {path} twice)")
    return owners


def read_tokens(path: Path, key: str = "receive.tokens") -> tuple[bytes, ...]:
    """The tokens of a file, one a line; `#` begins a comment. Raises AccessError."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    tokens = tuple(line.encode() for line in lines if line and not line.startswith("#"))
    if not tokens:
        raise AccessError(f"{key}: must hold a token (got none in {path})")
    return tokens
