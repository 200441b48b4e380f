"""Ids of rows from a header of HTTP requests, in ASGI applications."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from driftline.runtime.call_scope import identified

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


class ASGIMiddleware:
    """Takes the id of a request's rows from a header, and answers with the id of its last prediction.

    A request without the header keeps the ids of its calls. An answer that begins before the prediction, as of a
    stream, has no header.
    """

    def __init__(self, app: Application, *, header: str = "x-request-id", answer: str = "x-prediction-id") -> None:
        """Wraps an application.

        Args:
            app: the application.
            header: name of the request's header that holds the id.
            answer: name of the response's header for the prediction's id.

        """
        self._app = app
        self._header = header.lower().encode("latin-1")
        self._answer = answer.lower().encode("latin-1")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = next((value for name, value in scope["headers"] if name == self._header), None)
        with identified(found) as ids:

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start" and (made := ids.prediction_id) is not None:
                    message["headers"] = [*message.get("headers", ()), (self._answer, made.encode())]
                await send(message)

            await self._app(scope, receive, answer)
