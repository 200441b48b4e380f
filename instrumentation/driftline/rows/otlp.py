"""Row batches as OTLP log records: everything a person or a filter wants is an attribute, the rows are the body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from driftline import semconv
from driftline.rows.batch import RowBatch
from driftline.rows.body import MAX_NAME, decode_table
from driftline.rows.sampling import RANGE, read_threshold, threshold_text
from driftline.sketch import otlp

_MAX_COUNT: Final = 1 << 53


@dataclass(frozen=True, slots=True, eq=False)
class SentBatch:
    """A batch, and of which model and operation it is."""

    model: str
    version: str
    operation: str
    batch: RowBatch


def batch_attributes(batch: RowBatch, identity: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of the log record. identity: those of the model and operation."""
    found = {
        **identity,
        semconv.EVENT_NAME: semconv.ROWS_EVENT,
        semconv.RECORD_UID: batch.uid,
        semconv.ROW_COUNT: len(batch.table),
        semconv.ROWS_SEEN: batch.seen,
        semconv.ROWS_THRESHOLD: threshold_text(batch.threshold),
        semconv.ROWS_FIRST: batch.first,
        semconv.ROWS_LAST: batch.last,
        semconv.REFERENCE_ID: batch.reference,
    }
    return {name: value for name, value in found.items() if value != ""}


def is_batch(record: Any) -> bool:
    """Whether a log record (protobuf) is a row batch."""
    return otlp.is_event(record, semconv.ROWS_EVENT)


def read_batch(record: Any, longest: int = MAX_NAME) -> SentBatch:
    """The batch in a log record (protobuf). longest: characters of a name.

    Raises:
        ValueError: it has none, or what is there breaks a rule; the message names it.

    """
    values = {pair.key: otlp.scalar(pair.value) for pair in record.attributes}
    model, version, operation, uid = (
        _text(values, name, longest)
        for name in (semconv.MODEL_NAME, semconv.MODEL_VERSION, semconv.OPERATION_NAME, semconv.RECORD_UID)
    )
    if not model or not uid:
        raise ValueError(f"must have the attributes {semconv.MODEL_NAME} and {semconv.RECORD_UID}")
    if record.body.WhichOneof("value") != "bytes_value":
        raise ValueError(f"must have a body of bytes (got {record.body.WhichOneof('value')})")
    table = decode_table(record.body.bytes_value)
    seen = values.get(semconv.ROWS_SEEN)
    if not isinstance(seen, int) or isinstance(seen, bool) or not 0 <= seen <= _MAX_COUNT:
        raise ValueError(f"{semconv.ROWS_SEEN} must be a number of rows (got {seen!r:.40})")
    threshold = read_threshold(_text(values, semconv.ROWS_THRESHOLD, longest))
    if threshold >= RANGE:
        raise ValueError(f"{semconv.ROWS_THRESHOLD} must leave some rows")
    first, last, reference = (
        _text(values, name, longest) for name in (semconv.ROWS_FIRST, semconv.ROWS_LAST, semconv.REFERENCE_ID)
    )
    return SentBatch(model, version, operation, RowBatch(uid, threshold, int(seen), table, first, last, reference))


def _text(values: Mapping[str, Any], name: str, longest: int) -> str:
    value = values.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name} must be a text of at most {longest} characters (got {value!r:.40})")
    return value
