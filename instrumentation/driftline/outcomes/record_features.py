"""`driftline.record_features`: what the training pipeline makes of the rows that a model got, from any process."""

import time as clock
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from opentelemetry._logs import LogRecord

from driftline import semconv
from driftline.outcomes.event_exporter import EVENTS
from driftline.outcomes.features_event import FeatureValues, RecordedFeatures, feature_attributes
from driftline.outcomes.record import UIDS, plain_value, row_identity
from driftline.outcomes.times import nanoseconds
from driftline.rows.keys import id_text
from driftline.settings import Settings


def record_features(
    id: Any,  # noqa: A002  # the name that everything else has for it
    features: Any,
    *,
    time: Any = None,
    row: int = 0,
    model: str = "",
    version: str = "",
) -> None:
    """Say what another pipeline makes of the features of a prediction, to be compared with what the model got.

    Sent in the background by OTLP, as the environment configures its logs; `driftline.flush()` waits for it.

    Args:
        id: What `driftline.prediction_id()` returned, or the id given to `driftline.identified` or in the id column.
            Of many rows: a list, array or column of ids.
        features: Values by name; None and NaN are missing. Of many rows: a data frame, or a list of mappings.
        time: Of the prediction: a `datetime`, Unix seconds or a text in ISO 8601. Now, by default.
        row: Number of the row, from 0, where the id is that of a call with several.
        model: Whose input it is; any model that has the row, by default.
        version: Of the model.

    Raises:
        ValueError: an id is missing, there are no features, or not as many rows as ids.

    Example:
        >>> import driftline
        >>> driftline.record_features("order-42", {"age": 44, "city": "Bonn"})  # doctest: +SKIP

    """
    now = clock.time_ns()
    when = now if time is None else nanoseconds(time)
    secret = Settings.read().id_key
    records = []
    for each, values in _rows(id, features):
        text = id_text(each)
        if text is None:
            raise ValueError(f"id: must not be missing (got {each!r:.60})")
        named = row_identity(text, row, secret)
        found = RecordedFeatures(UIDS.next(), values, time=when, model=model, version=version, **named)
        records.append(_log_record(found, now))
    EVENTS.send(records)


def _rows(id: Any, features: Any) -> Iterator[tuple[Any, FeatureValues]]:  # noqa: A002
    if isinstance(features, Mapping):
        yield id, _plain(features)
        return
    rows = _of_frame(features) if hasattr(features, "columns") else list(features)
    ids = id.tolist() if hasattr(id, "tolist") else id.to_list() if hasattr(id, "to_list") else list(id)
    if len(rows) != len(ids):
        raise ValueError(f"features: must have a row for each of {len(ids)} ids (got {len(rows)})")
    for each, row in zip(ids, rows, strict=True):
        yield each, _plain(row)


def _of_frame(frame: Any) -> list[dict[str, Any]]:
    """The rows of a pandas or polars frame."""
    if hasattr(frame, "to_dicts"):
        return list(frame.to_dicts())
    columns = {str(name): frame[name].tolist() for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(features: Mapping[Any, Any]) -> FeatureValues:
    if not features:
        raise ValueError("features: must have values by name (got none)")
    return {str(name): _value(str(name), value) for name, value in features.items()}


def _value(name: str, value: Any) -> Any:
    """Infinities travel as texts."""
    if isinstance(value, float | np.floating) and np.isinf(value):
        return str(float(value))
    return plain_value(name, value)


def _log_record(features: RecordedFeatures, now: int) -> LogRecord:
    return LogRecord(
        timestamp=features.time,
        observed_timestamp=now,
        attributes=feature_attributes(features),
        event_name=semconv.FEATURES_EVENT,
    )
