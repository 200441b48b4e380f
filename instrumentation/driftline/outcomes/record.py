"""`driftline.record_outcome`: what became true of a prediction, from any process, and at any time."""

import math
import time as clock
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import count
from os import getpid, urandom
from typing import Any, Final

import numpy as np
from opentelemetry._logs import LogRecord

from driftline import semconv
from driftline.outcomes.event import LABEL, MAX_NAME, Label, Outcome, outcome_attributes
from driftline.outcomes.event_exporter import EVENTS
from driftline.outcomes.times import nanoseconds
from driftline.rows.keys import hash_ids, id_text, row_keys
from driftline.settings import Settings
from driftline.sketch.values import is_missing

_INTEGERS: Final = 1 << 63
"""Whole numbers from here on are texts."""


class _Uids:
    """Ids of events: of the process, and in sequence."""

    def __init__(self) -> None:
        self._process, self._prefix, self._numbers = 0, "", count()

    def next(self) -> str:
        if self._process != getpid():
            self._process, self._prefix, self._numbers = getpid(), urandom(12).hex(), count(1)
        return f"{self._prefix}.{next(self._numbers)}"


UIDS: Final = _Uids()


def record_outcome(  # each is a field of the event
    id: Any,  # noqa: A002  # the name that everything else has for it
    label: Any = None,
    *,
    probability: float | None = None,
    time: Any = None,
    row: int = 0,
    weight: float | None = None,
    prediction: Any = None,
    score: float | None = None,
    model: str = "",
    version: str = "",
    **figures: float,
) -> None:
    """Say what became true of a prediction: its label, business figures, or both. Another process may, weeks later.

    Sent in the background by OTLP, as the environment configures its logs; `driftline.flush()` waits for it.

    Args:
        id: What `driftline.prediction_id()` returned, or the id given to `driftline.identified` or in the id column.
        label: The true class, or the true value.
        probability: With which this row was chosen to be labelled at all, above 0 and at most 1. Where some rows are
            likelier to get a label, only this makes metrics right.
        time: When it became true: a `datetime`, Unix seconds or a text in ISO 8601; UTC without a time zone. Now, by
            default.
        row: Number of the row, from 0, where the id is that of a call with several.
        weight: Rows that this one stands for, besides.
        prediction: What the model said, if no row batches are sent: nothing has to be joined then.
        score: Likewise, the probability of the positive class.
        model: Whose prediction it is. Required beside `prediction` or `score`; else any model that has it.
        version: Of the model.
        figures: Numbers of business, by name: `clicked=1`, `revenue=12.5`.

    Raises:
        ValueError: a value is not of its kind, or there is neither a label nor a figure.

    Example:
        >>> import driftline
        >>> driftline.record_outcome("order-42", label=True, refund=19.9)  # doctest: +SKIP

    """
    now = clock.time_ns()
    when = now if time is None else nanoseconds(time)
    found = outcomes(
        id,
        {LABEL: label, **figures},
        when,
        row=row,
        probability=probability,
        weight=weight,
        prediction=prediction,
        score=score,
        model=model,
        version=version,
        secret=Settings.read().id_key,
    )
    EVENTS.send([log_record(each, when, now) for each in found])


def outcomes(
    id: Any,  # noqa: A002
    named: dict[str, Any],
    when: int,
    *,
    row: Any = 0,
    probability: float | None = None,
    weight: float | None = None,
    prediction: Any = None,
    score: float | None = None,
    model: str = "",
    version: str = "",
    secret: str | None = None,
    uid: Callable[[Outcome], str] | None = None,
) -> list[Outcome]:
    """One outcome for each name with a value, checked. uid: makes the id of one from what it says.

    secret: keys the hash of the id.
    """
    text = id_text(id)
    carries = prediction is not None or score is not None
    if text is None and not carries:
        raise ValueError(f"id: must not be missing (got {id!r:.60})")
    if carries and not model:
        raise ValueError("model: must be given beside prediction or score")
    if isinstance(row, bool) or not isinstance(row, int) or row < 0:
        raise ValueError(f"row: must be the number of a row, from 0 (got {row!r:.60})")
    shared: dict[str, Any] = {
        **row_identity(text, row, secret),
        "probability": _share(probability),
        "weight": None if weight is None else _positive("weight", weight),
        "prediction": plain_value("prediction", prediction),
        "score": None if score is None else _number("score", score),
        "model": _text(model),
        "version": _text(version),
        "time": when,
    }
    found = [Outcome(uid="", name=name, **said, **shared) for name, said in _said(named)]
    if not found:
        raise ValueError("label: must be given, or a figure")
    return [replace(each, uid=UIDS.next() if uid is None else uid(each)) for each in found]


def log_record(outcome: Outcome, when: int, now: int) -> LogRecord:
    """The event. when, now: when it became true, and when it is said, Unix nanoseconds."""
    attributes: dict[str, Any] = outcome_attributes(outcome)
    return LogRecord(timestamp=when, observed_timestamp=now, attributes=attributes, event_name=semconv.OUTCOME_EVENT)


def row_identity(text: bytes | None, row: int, secret: str | None) -> dict[str, Any]:
    """The id, or with a secret for its hash only the key of the row."""
    if text is None:
        return {}
    if secret is None and len(text) <= MAX_NAME:
        return {"id": text.decode(errors="replace"), "row": row}
    hashed = hash_ids([text], None if secret is None else secret.encode()).hashes
    return {"key": int(row_keys(hashed, row)[0])}


def _said(named: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in named.items():
        if is_missing(value):
            continue
        if name == LABEL:
            yield name, {"label": plain_value(name, value)}
        else:
            yield _text(name), {"value": _number(name, value)}


def plain_value(name: str, value: Any) -> Label | None:
    if is_missing(value):
        return None
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}: must be finite (got {value!r:.60})")
    if isinstance(value, Decimal | Fraction):
        value = float(value)
    if not isinstance(value, str | bool | int | float) or (isinstance(value, int) and abs(value) >= _INTEGERS):
        value = str(value)
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    """As protobuf can have it."""
    return value[:MAX_NAME].encode("utf-8", "replace").decode()


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: must be a number (got {value!r:.60})") from None
    if not math.isfinite(number):
        raise ValueError(f"{name}: must be finite (got {value!r:.60})")
    return number


def _positive(name: str, value: Any) -> float:
    number = _number(name, value)
    if number <= 0:
        raise ValueError(f"{name}: must be above 0 (got {value!r:.60})")
    return number


def _share(value: Any) -> float | None:
    if value is None:
        return None
    if not 0.0 < _number("probability", value) <= 1.0:
        raise ValueError(f"probability: must be above 0 and at most 1 (got {value!r:.60})")
    return float(value)
