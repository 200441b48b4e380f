"""Requests that the doctor sends to a server, once it answers."""

import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Final

REQUESTS: Final = 5
"""Sent after the first that is answered, so that several workers get some."""

_SECONDS: Final = 10.0
_PAUSE: Final = 0.2


def send(url: str, data: bytes | None, go_on: Callable[[], bool]) -> Counter[str]:
    """Ask until there is an answer, then a few times more. go_on: whether to try again.

    Returns:
        Answers by status; "no answer" alone if there was none.

    """
    answers: Counter[str] = Counter()
    while answers.total() < REQUESTS and go_on():
        status = ask(url, data)
        if status or answers:
            answers[status or "no answer"] += 1
        time.sleep(_PAUSE)
    return answers or Counter({"no answer": 1})


def ask(url: str, data: bytes | None) -> str:
    """The HTTP status of an answer, "" for none. With data it is a POST, of JSON."""
    headers = {} if data is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310  # the user's URL
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except (OSError, ValueError):
        return ""
