"""Ids of rows from a header of HTTP requests, in WSGI applications."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from driftline.runtime.call_scope import identified

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WSGIMiddleware:
    """As `ASGIMiddleware`. What an answer computes while it is sent, as a generator, has neither id."""

    def __init__(self, app: Application, *, header: str = "X-Request-ID", answer: str = "X-Prediction-ID") -> None:
        """Wraps an application; arguments as of `ASGIMiddleware`."""
        self._app = app
        self._variable = "HTTP_" + header.upper().replace("-", "_")
        self._answer = answer

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serves one request."""
        with identified(environ.get(self._variable)) as ids:

            def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
                made = ids.prediction_id
                return start_response(status, headers if made is None else [*headers, (self._answer, made)], *args)

            return self._app(environ, start)
