"""The event `ml.features`: what another pipeline makes of the features of one predicted row. Shared with the processor.

Values are attributes, named as the inputs on spans are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from driftline import semconv
from driftline.outcomes.event import MAX_NAME, Label, key_of, row_of, text_of_attribute
from driftline.rows.keys import hash_ids, row_keys
from driftline.sketch import otlp

_PREFIX: Final = f"{semconv.INPUT}."

FeatureValues: TypeAlias = Mapping[str, Label | None]


@dataclass(frozen=True, slots=True)
class RecordedFeatures:
    """uid: unique, and the same when it is sent again. id, row, key: which row, as of an outcome.

    time: Unix nanoseconds. model, version: "" where any has this row. values: by feature; None where missing.
    """

    uid: str
    values: FeatureValues
    id: str = ""
    row: int = 0
    key: int | None = None
    time: int = 0
    model: str = ""
    version: str = ""

    @property
    def row_key(self) -> int:
        """The key of its row."""
        return int(row_keys(hash_ids([self.id]).hashes, self.row)[0]) if self.key is None else self.key


def feature_attributes(features: RecordedFeatures) -> dict[str, Any]:
    """The attributes of the log record. A missing value is an empty text under the name of the feature."""
    found: dict[str, Any] = {
        semconv.EVENT_NAME: semconv.FEATURES_EVENT,
        semconv.RECORD_UID: features.uid,
        semconv.PREDICTION_ID: features.id,
        semconv.OUTCOME_ROW: features.row or "",
        semconv.ROW_KEY: "" if features.key is None else f"{features.key:016x}",
        semconv.MODEL_NAME: features.model,
        semconv.MODEL_VERSION: features.version,
    }
    values = {f"{_PREFIX}{name}": "" if value is None else value for name, value in features.values.items()}
    return {name: value for name, value in found.items() if value != ""} | values


def are_features(record: Any) -> bool:
    """Whether a log record (protobuf) is of features."""
    return otlp.is_event(record, semconv.FEATURES_EVENT)


def read_features(record: Any, longest: int = MAX_NAME) -> RecordedFeatures:
    """The features in a log record (protobuf). longest: characters of a name.

    Raises:
        ValueError: it breaks a rule; the message names it.

    """
    given = {pair.key: otlp.scalar(pair.value) for pair in record.attributes}
    texts = {
        field: text_of_attribute(given, name, longest)
        for field, name in (
            ("uid", semconv.RECORD_UID),
            ("id", semconv.PREDICTION_ID),
            ("model", semconv.MODEL_NAME),
            ("version", semconv.MODEL_VERSION),
        )
    }
    values = {
        name.removeprefix(_PREFIX): None if value == "" else value
        for name, value in given.items()
        if name.startswith(_PREFIX) and len(name) <= longest
    }
    key = key_of(given)
    if not texts["uid"]:
        raise ValueError(f"must have the attribute {semconv.RECORD_UID}")
    if not texts["id"] and key is None:
        raise ValueError(f"must have {semconv.PREDICTION_ID} or {semconv.ROW_KEY}")
    if not values:
        raise ValueError(f"must have an attribute {_PREFIX}<feature>")
    time = record.time_unix_nano or record.observed_time_unix_nano
    return RecordedFeatures(values=values, row=row_of(given), key=key, time=time, **texts)
