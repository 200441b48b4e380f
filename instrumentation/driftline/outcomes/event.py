"""The event `ml.outcome`: one thing that became true of one predicted row. Shared with the processor.

The fields are those of OpenTelemetry's `gen_ai.evaluation.result` where they match: a name, and a value or a label.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from driftline import semconv
from driftline.rows.keys import hash_ids, row_keys
from driftline.sketch import otlp

LABEL: Final = "label"
"""Name of the outcome that predictions are compared with; any other is a figure."""

MAX_NAME: Final = 1024
_MAX_ROW: Final = 1 << 32
_MAX_TIME: Final = (1 << 63) - 1
_KEY_DIGITS: Final = 16

Label: TypeAlias = str | float | bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became true of a row.

    uid: unique, and the same when it is sent again. id: of the prediction, "" where only its key or its call is known.
    row: its number among the rows of that id. key: of the row. name: LABEL, or of a figure. label, value: a class, or a
    number. time: when it became true; observed: when somebody said so, both Unix nanoseconds. probability: with which
    this row was chosen to be labelled at all. weight: rows that it stands for, besides. call: trace id and span id.
    prediction, score: of the model, where the outcome brings them along. model, version: "" where any has this row.
    """

    uid: str
    name: str = LABEL
    label: Label | None = None
    value: float | None = None
    id: str = ""
    row: int = 0
    key: int | None = None
    time: int = 0
    observed: int = 0
    probability: float | None = None
    weight: float | None = None
    prediction: Label | None = None
    score: float | None = None
    model: str = ""
    version: str = ""
    call: bytes = b""

    @property
    def joins(self) -> bool:
        """Whether it has to be joined with a row; else it brings the prediction along."""
        return self.prediction is None and self.score is None

    @property
    def row_key(self) -> int | None:
        """The key of its row; None where it has no id."""
        if self.key is not None or not self.id:
            return self.key
        return int(row_keys(hash_ids([self.id]).hashes, self.row)[0])


_FIELDS: Final[Mapping[str, str]] = {
    "uid": semconv.RECORD_UID,
    "name": semconv.OUTCOME_NAME,
    "label": semconv.OUTCOME_LABEL,
    "value": semconv.OUTCOME_VALUE,
    "id": semconv.PREDICTION_ID,
    "row": semconv.OUTCOME_ROW,
    "key": semconv.ROW_KEY,
    "probability": semconv.OUTCOME_PROBABILITY,
    "weight": semconv.OUTCOME_WEIGHT,
    "prediction": f"{semconv.OUTPUT}.{semconv.PREDICTION}",
    "score": f"{semconv.OUTPUT}.{semconv.SCORE}",
    "model": semconv.MODEL_NAME,
    "version": semconv.MODEL_VERSION,
}
"""The attribute of each field."""


def outcome_attributes(outcome: Outcome) -> dict[str, Any]:
    """The attributes of the log record, without those that say nothing."""
    found = {name: getattr(outcome, field) for field, name in _FIELDS.items()}
    if outcome.key is not None:
        found[semconv.ROW_KEY] = f"{outcome.key:016x}"
    if not outcome.row:
        del found[semconv.OUTCOME_ROW]
    kept = {name: value for name, value in found.items() if value is not None and value != ""}
    return {semconv.EVENT_NAME: semconv.OUTCOME_EVENT, **kept}


def is_outcome(record: Any) -> bool:
    """Whether a log record (protobuf) is an outcome."""
    return otlp.is_event(record, semconv.OUTCOME_EVENT)


def read_outcome(record: Any, longest: int = MAX_NAME) -> Outcome:
    """The outcome in a log record (protobuf). longest: characters of a name.

    Raises:
        ValueError: it breaks a rule; the message names it.

    """
    values = {pair.key: otlp.scalar(pair.value) for pair in record.attributes}
    texts = {
        field: text_of_attribute(values, _FIELDS[field], longest) for field in ("uid", "id", "name", "model", "version")
    }
    if not texts["uid"]:
        raise ValueError(f"must have the attribute {semconv.RECORD_UID}")
    texts["name"] = texts["name"] or LABEL
    call = record.trace_id + record.span_id if record.trace_id and record.span_id else b""
    outcome = Outcome(
        **texts,
        label=_class(values, semconv.OUTCOME_LABEL, longest),
        value=_number(values, semconv.OUTCOME_VALUE),
        row=row_of(values),
        key=key_of(values),
        time=min(record.time_unix_nano or record.observed_time_unix_nano, _MAX_TIME),
        observed=min(record.observed_time_unix_nano or record.time_unix_nano, _MAX_TIME),
        probability=_share(values, semconv.OUTCOME_PROBABILITY),
        weight=_weight(values, semconv.OUTCOME_WEIGHT),
        prediction=_class(values, _FIELDS["prediction"], longest),
        score=_number(values, _FIELDS["score"]),
        call=call,
    )
    _check(outcome)
    return outcome


def _check(outcome: Outcome) -> None:
    if outcome.label is None and outcome.value is None:
        raise ValueError(f"must have {semconv.OUTCOME_LABEL} or {semconv.OUTCOME_VALUE}")
    if outcome.name != LABEL and outcome.value is None:
        raise ValueError(f"{semconv.OUTCOME_VALUE} must be a number, of an outcome that is no label")
    if outcome.joins and not outcome.id and outcome.key is None and not outcome.call:
        raise ValueError(f"must have {semconv.PREDICTION_ID}, {semconv.ROW_KEY}, or a trace id and a span id")
    if not outcome.joins and not outcome.model:
        raise ValueError(f"must have {semconv.MODEL_NAME} beside a prediction or score")


def text_of_attribute(values: Mapping[str, Any], name: str, longest: int) -> str:
    value = values.get(name, "")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name} must be a text of at most {longest} characters (got {value!r:.40})")
    return value


def _class(values: Mapping[str, Any], name: str, longest: int) -> Label | None:
    value = values.get(name)
    if isinstance(value, str) and not 0 < len(value) <= longest:
        raise ValueError(f"{name} must have 1 to {longest} characters (got {len(value)})")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} must be finite (got {value})")
    return value


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, str) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number (got {value!r:.40})")
    return float(value)


def _share(values: Mapping[str, Any], name: str) -> float | None:
    value = _number(values, name)
    if value is not None and not 0.0 < value <= 1.0:
        raise ValueError(f"{name} must be above 0 and at most 1 (got {value})")
    return value


def _weight(values: Mapping[str, Any], name: str) -> float | None:
    value = _number(values, name)
    if value is not None and not value > 0.0:
        raise ValueError(f"{name} must be above 0 (got {value})")
    return value


def row_of(values: Mapping[str, Any]) -> int:
    value = values.get(semconv.OUTCOME_ROW, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_ROW:
        raise ValueError(f"{semconv.OUTCOME_ROW} must be the number of a row, from 0 (got {value!r:.40})")
    return value


def key_of(values: Mapping[str, Any]) -> int | None:
    value = values.get(semconv.ROW_KEY)
    if value is None:
        return None
    digits = isinstance(value, str) and len(value) == _KEY_DIGITS and set(value) <= set("0123456789abcdef")
    if not digits:
        raise ValueError(f"{semconv.ROW_KEY} must have {_KEY_DIGITS} hexadecimal digits (got {value!r:.40})")
    return int(str(value), 16)
