"""Settings: keyword arguments first, then the environment, then defaults. One table says all of them."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

_logger = logging.getLogger(__name__)

ALL: Final = "all"
OUTPUTS: Final = "outputs"
NONE: Final = "none"


class Redaction(NamedTuple):
    """What may be said of a column's values: `shown` raw, or `hashed`, or neither."""

    shown: bool
    hashed: bool = False


SHOWN: Final = Redaction(shown=True)
HASHED: Final = Redaction(shown=False, hashed=True)
HIDDEN: Final = Redaction(shown=False)


def _level(text: str) -> str:
    level = str(text).strip().lower()
    if level not in (ALL, OUTPUTS, NONE):
        raise ValueError(f"must be one of {ALL}, {OUTPUTS}, {NONE}")
    return level


def _patterns(value: str | Iterable[str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def _count(value: float | str) -> int:
    count = int(value)
    if count < 1:
        raise ValueError("must be at least 1")
    return count


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text that is not empty")
    return value.strip()


def _path(value: Any) -> str:
    return _text(os.fspath(value))


def _setting(variable: str, default: Any, meaning: str, parse: Callable[[Any], Any], on_error: Any = None) -> Any:
    """`on_error`: what a wrong environment variable means, where that is not the default."""
    metadata = {"variable": variable, "meaning": meaning, "parse": parse, "on_error": on_error}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What users can set. Each field is a keyword of `driftline.instrument` and an environment variable."""

    model_name: str | None = _setting("DRIFTLINE_MODEL_NAME", None, "Name of the model; default: its class", _text)
    model_version: str | None = _setting("DRIFTLINE_MODEL_VERSION", None, "Version of the model", _text)
    # A mistyped privacy switch shows nothing rather than everything.
    capture: str = _setting("DRIFTLINE_CAPTURE", ALL, "Raw values that may leave: all, outputs, none", _level, NONE)
    sketch: str = _setting("DRIFTLINE_SKETCH", ALL, "Columns that are sketched: all, outputs, none", _level)
    include: tuple[str, ...] = _setting(
        "DRIFTLINE_INCLUDE", (), "Features whose values may leave (patterns); empty: all", _patterns
    )
    exclude: tuple[str, ...] = _setting(
        "DRIFTLINE_EXCLUDE", (), "Features whose values never leave (patterns)", _patterns
    )
    hash: tuple[str, ...] = _setting("DRIFTLINE_HASH", (), "Features whose values leave hashed (patterns)", _patterns)
    span_rows: int = _setting("DRIFTLINE_SPAN_ROWS", 8, "Most rows of a batch shown on its span", _count)
    span_features: int = _setting(
        "DRIFTLINE_SPAN_FEATURES", 100, "Most features with an attribute each; more travel as one array", _count
    )
    span_bytes: int = _setting("DRIFTLINE_SPAN_BYTES", 2048, "Most bytes of values on a span", _count)
    max_columns: int = _setting(
        "DRIFTLINE_MAX_COLUMNS", 5000, "Most inputs, and outputs, sketched in a process", _count
    )
    max_categories: int = _setting(
        "DRIFTLINE_MAX_CATEGORIES", 256, "Most categories counted in a column; the rest is `other`", _count
    )
    reference: str | None = _setting(
        "DRIFTLINE_REFERENCE", None, "Training profile, or folder of them: the pairs of inputs in it are counted", _path
    )
    buffer_bytes: int = _setting(
        "DRIFTLINE_BUFFER_BYTES", 64 * 2**20, "Most bytes of rows that wait for aggregation", _count
    )
    export_interval: int = _setting("DRIFTLINE_EXPORT_INTERVAL", 5000, "Milliseconds between exports", _count)
    otlp_endpoint: str | None = _setting(
        "DRIFTLINE_OTLP_ENDPOINT", None, "Where sketches go, if not where OTEL_EXPORTER_OTLP_ENDPOINT says", _text
    )

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> "Settings":
        """What was given by keyword (None: not given), else by the environment, else the default.

        A wrong value in the environment is logged and replaced: a server must start. A wrong keyword is an error.

        Raises:
            TypeError: an unknown keyword.
            ValueError: a wrong value; names the keyword, the rule and the value.

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
        """What may be said of the values of an input."""
        if self.capture != ALL or _matches(feature, self.exclude):
            return HIDDEN
        if _matches(feature, self.hash):
            return HASHED
        return SHOWN if not self.include or _matches(feature, self.include) else HIDDEN

    @property
    def redacts(self) -> bool:
        """Whether there are inputs whose values must not be seen."""
        return self.capture != ALL or bool(self.include or self.exclude or self.hash)

    def output_redaction(self) -> Redaction:
        """What may be said of the values of every output."""
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
