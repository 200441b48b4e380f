"""The settings, in one table: keyword arguments take precedence over environment variables, those over defaults."""

import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

_logger = logging.getLogger(__name__)

ALL: Final = "all"
VALUES: Final = "values"
CODES: Final = "codes"
OUTPUTS: Final = "outputs"
NONE: Final = "none"

OBSERVE: Final = "observe"
WARN: Final = "warn"
REJECT: Final = "reject"


class Redaction(NamedTuple):
    """How a column's values may be exported: `shown` as they are, `hashed`, or neither."""

    shown: bool
    hashed: bool = False


SHOWN: Final = Redaction(shown=True)
HASHED: Final = Redaction(shown=False, hashed=True)
HIDDEN: Final = Redaction(shown=False)


def _level(text: str, levels: tuple[str, ...] = (ALL, OUTPUTS, NONE)) -> str:
    level = str(text).strip().lower()
    if level not in levels:
        raise ValueError(f"must be one of {', '.join(levels)}")
    return level


def check_mode(text: str) -> str:
    """What happens to rows that break a rule. Raises ValueError for an unknown mode."""
    mode = str(text).strip().lower()
    if mode not in (OBSERVE, WARN, REJECT):
        raise ValueError(f"mode: must be one of {OBSERVE}, {WARN}, {REJECT} (got {text!r})")
    return mode


def _check(text: str) -> str:
    try:
        return check_mode(text)
    except ValueError:
        raise ValueError(f"must be one of {OBSERVE}, {WARN}, {REJECT}") from None


def _row_inputs(text: str) -> str:
    return _level(text, (VALUES, CODES))


def _patterns(value: str | Iterable[str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def _count(value: float | str) -> int:
    count = int(value)
    if count < 1:
        raise ValueError("must be at least 1")
    return count


def _row_rate(value: float | str) -> float:
    rate = math.inf if str(value).strip().lower() == ALL else float(value)
    if not rate >= 0:
        raise ValueError(f"must be a number of rows a second, 0 for none, or {ALL}")
    return rate


def _span_rate(value: float | str) -> float:
    try:
        return _row_rate(value)
    except ValueError:
        raise ValueError(f"must be a number of spans a second, 0 for none, or {ALL}") from None


def _share(value: float | str) -> float:
    share = float(value)
    if not 0 <= share <= 1:
        raise ValueError("must be between 0 and 1")
    return share


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty string")
    return value.strip()


def _path(value: Any) -> str:
    return _text(os.fspath(value))


def _setting(variable: str, default: Any, meaning: str, parse: Callable[[Any], Any], on_error: Any = None) -> Any:
    """A field of `Settings`. on_error: replaces an invalid environment variable, if not the default."""
    metadata = {"variable": variable, "meaning": meaning, "parse": parse, "on_error": on_error}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings. Each field is a keyword of `driftline.instrument` and an environment variable."""

    model_name: str | None = _setting("DRIFTLINE_MODEL_NAME", None, "Model name (default: the model's class)", _text)
    model_version: str | None = _setting("DRIFTLINE_MODEL_VERSION", None, "Model version", _text)
    # A mistyped privacy setting hides everything rather than nothing.
    capture: str = _setting("DRIFTLINE_CAPTURE", ALL, "Raw values to export: all, outputs or none", _level, NONE)
    sketch: str = _setting("DRIFTLINE_SKETCH", ALL, "Columns to sketch: all, outputs or none", _level)
    include: tuple[str, ...] = _setting(
        "DRIFTLINE_INCLUDE",
        (),
        "Features whose raw values may be exported (glob patterns, comma-separated); empty: all",
        _patterns,
    )
    exclude: tuple[str, ...] = _setting(
        "DRIFTLINE_EXCLUDE", (), "Features whose raw values are never exported (glob patterns)", _patterns
    )
    hash: tuple[str, ...] = _setting(
        "DRIFTLINE_HASH", (), "Features whose values are exported as hashes (glob patterns)", _patterns
    )
    # Mistyped, no values are shown rather than some.
    span_examples: float = _setting(
        "DRIFTLINE_SPAN_EXAMPLES",
        20,
        "Spans with the values of inputs, per second and process: a number, 0 for none, or all",
        _span_rate,
        0.0,
    )
    low_confidence: float = _setting(
        "DRIFTLINE_LOW_CONFIDENCE", 0.5, "Rows with less confidence than this are edge cases; 0 for none", _share
    )
    small_margin: float = _setting(
        "DRIFTLINE_SMALL_MARGIN",
        0.1,
        "Rows with less than this between the two likeliest of more than two classes are edge cases; 0 for none",
        _share,
    )
    span_rows: int = _setting("DRIFTLINE_SPAN_ROWS", 8, "Maximum number of example rows per span", _count)
    span_features: int = _setting(
        "DRIFTLINE_SPAN_FEATURES",
        100,
        "Maximum number of features with a span attribute each; beyond that, one array",
        _count,
    )
    span_bytes: int = _setting("DRIFTLINE_SPAN_BYTES", 2048, "Maximum bytes of example values per span", _count)
    max_columns: int = _setting(
        "DRIFTLINE_MAX_COLUMNS", 5000, "Maximum number of inputs, and of outputs, sketched per process", _count
    )
    max_categories: int = _setting(
        "DRIFTLINE_MAX_CATEGORIES",
        256,
        "Maximum number of categories counted per column; the rest count as `other`",
        _count,
    )
    # Mistyped, no rows are sent rather than some.
    rows: float = _setting(
        "DRIFTLINE_ROWS",
        50,
        "Rows sent one by one, per second and process: a number, 0 for none, or all",
        _row_rate,
        0.0,
    )
    row_inputs: str = _setting(
        "DRIFTLINE_ROW_INPUTS",
        VALUES,
        "Inputs in row batches: values, or codes, the numbers of their bins in the reference",
        _row_inputs,
        CODES,
    )
    id_key: str | None = _setting(
        "DRIFTLINE_ID_KEY",
        None,
        "Secret that keys the hash of the ids of rows; whoever sends outcomes needs the same",
        str,
    )
    reference: str | None = _setting(
        "DRIFTLINE_REFERENCE",
        None,
        "Training profile, or a folder of them: names and types of inputs, and the pairs of inputs to count",
        _path,
    )
    # A mistyped mode still shows what breaks a rule, and stops nobody.
    check: str | None = _setting(
        "DRIFTLINE_CHECK",
        None,
        "What happens to rows that break a rule of the training profile: observe, warn or reject; unset: no check",
        _check,
        OBSERVE,
    )
    check_rules: str | None = _setting("DRIFTLINE_CHECK_RULES", None, "YAML file with rules of your own", _path)
    buffer_bytes: int = _setting(
        "DRIFTLINE_BUFFER_BYTES", 64 * 2**20, "Maximum bytes of rows queued for aggregation", _count
    )
    export_interval: int = _setting(
        "DRIFTLINE_EXPORT_INTERVAL", 5000, "Interval between exports, in milliseconds", _count
    )
    otlp_endpoint: str | None = _setting(
        "DRIFTLINE_OTLP_ENDPOINT", None, "OTLP endpoint for sketches (default: OTEL_EXPORTER_OTLP_ENDPOINT)", _text
    )

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> "Settings":
        """Read the settings from keywords, else from the environment, else from the defaults.

        An invalid environment variable is logged and replaced by its default, because a server must start.

        Args:
            environ: the environment variables.
            given: settings by name; None means not given.

        Returns:
            The settings.

        Raises:
            TypeError: unknown keyword.
            ValueError: invalid value; the message names the keyword, the rule and the value.

        """
        known = {each.name: each for each in fields(cls)}
        if unknown := given.keys() - known.keys():
            raise TypeError(f"unknown settings {sorted(unknown)}: choose from {sorted(known)}")
        values: dict[str, Any] = {}
        for name, each in known.items():
            if given.get(name) is not None:
                values[name] = _parse(name, each.metadata["parse"], given[name])
            elif environ.get(each.metadata["variable"], "").strip():
                values[name] = _from_environment(each, environ)
        return cls(**values)

    def redaction(self, feature: str) -> Redaction:
        """How the values of an input may be exported."""
        if self.capture != ALL or _matches(feature, self.exclude):
            return HIDDEN
        if _matches(feature, self.hash):
            return HASHED
        return SHOWN if not self.include or _matches(feature, self.include) else HIDDEN

    def is_feature(self, feature: str, id_column: str | None) -> bool:
        """Whether an input is a feature: the column that identifies rows is one only if DRIFTLINE_INCLUDE names it."""
        return feature != id_column or _matches(feature, self.include)

    def is_coded(self, feature: str) -> bool:
        """Whether row batches have the bins of an input instead of its values."""
        shown = not self.include or _matches(feature, self.include)
        hidden = self.capture == NONE or _matches(feature, (*self.exclude, *self.hash))
        return self.row_inputs == CODES and shown and not hidden

    @property
    def redacts(self) -> bool:
        """Whether the values of some inputs must not be exported."""
        return self.capture != ALL or bool(self.include or self.exclude or self.hash)

    def output_redaction(self) -> Redaction:
        """How the values of all outputs may be exported."""
        return HIDDEN if self.capture == NONE else SHOWN


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _parse(name: str, parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error} (got {value!r})") from None


def _from_environment(setting: Any, environ: Mapping[str, str]) -> Any:
    variable = setting.metadata["variable"]
    try:
        return _parse(variable, setting.metadata["parse"], environ[variable])
    except ValueError as error:
        on_error = setting.metadata["on_error"]
        value = setting.default if on_error is None else on_error
        _logger.warning("%s; using %r", error, value)
        return value
