"""A refused call as an HTTP answer: 422 with a problem document (RFC 9457), in ASGI applications and in Flask."""

import json
from typing import Any, Final

from driftline.checking.failures import InputRejected
from driftline.middleware.asgi import Application, Message, Receive, Send

STATUS: Final = 422
MEDIA_TYPE: Final = "application/problem+json"

_MOST_ROWS: Final = 20
"""Row numbers that a document lists for each rule."""


def problem(error: InputRejected) -> dict[str, Any]:
    """The problem document of a refused call.

    Args:
        error: what `predict` raised.

    Returns:
        `type`, `title`, `status` and `detail`, as RFC 9457 has them, and `errors`: for each rule the column, the rule,
        what must hold, the number of rows that break it and the first of their numbers. Values are in `detail` alone,
        and only where capture allows.

    Example:
        >>> from driftline.checking.failures import RuleFailure
        >>> failure = RuleFailure("age", "range", "must be from 18 to 120", 1, (0,), (1800,))
        >>> problem(InputRejected("churn", [failure]))["detail"]
        "input of model 'churn' rejected: age must be from 18 to 120 (got 1800)"

    """
    errors = [
        {
            "column": failure.column or None,
            "rule": failure.rule,
            "requirement": failure.requirement,
            "row_count": failure.row_count,
            "rows": list(failure.rows[:_MOST_ROWS]),
        }
        for failure in error.failures
    ]
    return {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": STATUS,
        "detail": str(error),
        "errors": errors,
    }


class RejectionMiddleware:
    """Answers requests whose prediction was refused with a problem document, in an ASGI application.

    For FastAPI and Starlette: `app.add_middleware(RejectionMiddleware)`. An answer that has begun already cannot be
    changed any more: there the error goes on.
    """

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one request."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except InputRejected as error:
            if scope["type"] != "http" or begun:
                raise
            body = json.dumps(problem(error)).encode()
            headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": STATUS, "headers": headers})
            await send({"type": "http.response.body", "body": body})


def flask_problem(error: InputRejected) -> tuple[str, int, dict[str, str]]:
    """The answer of a Flask application: `app.register_error_handler(driftline.InputRejected, flask_problem)`."""
    return json.dumps(problem(error)), STATUS, {"Content-Type": MEDIA_TYPE}
