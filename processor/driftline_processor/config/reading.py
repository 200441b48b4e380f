"""YAML and environment → Config, or all errors at once."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from driftline_processor.config.environment import from_environment
from driftline_processor.config.models import Config, ExportConfig, TenantConfig
from driftline_processor.config.rules import broken_rules
from driftline_processor.config.secrets import masked_url

_MAX_SHOWN: Final = 80
"""Characters of an invalid value shown in an error."""

Sections: TypeAlias = Mapping[str, Mapping[str, object]]

_NOTHING: Final[Sections] = {}

_TENANTS: Final = "tenants"


class ConfigError(Exception):
    """The configuration is invalid. `problems` has a line for each reason."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_config(path: Path | None, environ: Mapping[str, str], overrides: Sections = _NOTHING) -> Config:
    """Reads the configuration.

    Args:
        path: A YAML file; None for the defaults.
        environ: The environment variables.
        overrides: Keys by section that take precedence over the file.

    Raises:
        ConfigError: The file cannot be read or is invalid; lists every problem.

    """
    try:
        text = "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ConfigError((f"{path}: must be a readable text file ({reason})",)) from None
    return parse_config(text, environ, overrides)


def parse_config(text: str, environ: Mapping[str, str], overrides: Sections = _NOTHING) -> Config:
    """As `load_config`, from the text of a file."""
    data = _mapping(text)
    for section, keys in overrides.items():
        written_keys = data.get(section, {})
        data[section] = {**written_keys, **keys} if isinstance(written_keys, dict) else written_keys
    written = data.get("export")
    found = from_environment(written if isinstance(written, dict) else {}, environ)
    if found and isinstance(written, dict | None):
        data["export"] = {**(written or {}), **{key: value for key, (_, value) in found.items()}}
    sources = {f"export.{key}": name for key, (name, _) in found.items()}
    return _validated(data, sources)


def _mapping(text: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text)
    except RecursionError:
        raise ConfigError(("must be YAML that is nested less deeply",)) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: of a date or a number that is none
        raise ConfigError((f"must be YAML: {' '.join(str(error).split())}",)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError((f"must be a mapping of keys to values (got {type(data).__name__})",))
    # An empty section means its defaults.
    return {str(key): {} if value is None and _is_section(key) else value for key, value in data.items()}


def _is_section(key: object) -> bool:
    field = Config.model_fields.get(str(key))
    return field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _validated(data: dict[str, Any], sources: Mapping[str, str]) -> Config:
    try:
        config, errors = Config.model_validate(data), []
    except ValidationError as error:
        errors = error.errors()
        config = Config.model_validate(_without(data, errors))
    invalid = frozenset(_key(error) for error in errors)
    problems = (*(_problem(error, data, sources) for error in errors), *broken_rules(config, invalid))
    if problems:
        raise ConfigError(problems)
    return config


def _without(data: dict[str, Any], errors: list[ErrorDetails]) -> dict[str, Any]:
    """The data without invalid values, so that cross-key rules are still checked."""
    rest = deepcopy(data)
    for error in errors:
        *sections, last = _path(error)
        place: Any = rest
        for section in sections:
            place = place.get(section, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict):
            for key in [key for key in place if str(key) == str(last)]:  # pydantic writes a key that is no text as one
                del place[key]
    return rest


def _key(error: ErrorDetails) -> str:
    return ".".join(map(str, _path(error)))


def _path(error: ErrorDetails) -> list[int | str]:
    """Where the error is; pydantic marks one of a key by a part of its own."""
    return [part for part in error["loc"] if part != "[key]"]


def _problem(error: ErrorDetails, data: dict[str, Any], sources: Mapping[str, str]) -> str:
    key = _key(error)
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{_known(error)}"
    origin = f" from {sources[key]}" if key in sources else ""
    return f"{key}: {_rule(error)} (got {_shown(key, _written(data, error))}{origin})"


def _written(data: dict[str, Any], error: ErrorDetails) -> object:
    """The value as written, before a duration became a number; the validator's input where that is nested deeper."""
    place: Any = data
    for part in error["loc"]:
        if not isinstance(place, dict) or part not in place:
            return error["input"]
        place = place[part]
    return place


def _known(error: ErrorDetails) -> str:
    model: Any = Config
    for part in error["loc"][:-1]:
        model = _section_of(model, str(part))
    return f"; expected one of: {', '.join(model.model_fields)}"


def _section_of(model: Any, part: str) -> Any:
    """The model of a section, of a tenant in `tenants`, or of an optional section."""
    if model is _TENANTS:
        return TenantConfig
    if model is TenantConfig and part == "export":
        return ExportConfig
    return _TENANTS if part == "tenants" else model.model_fields[part].annotation


def _rule(error: ErrorDetails) -> str:
    if error["type"] == "model_type":  # pydantic's message names our class
        return "must be a mapping of keys to values"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return message[:1].lower() + message[1:]


def _shown(key: str, value: object) -> str:
    """An invalid value without secrets: headers, and credentials in URLs, are masked."""
    if ".headers" in key or isinstance(value, SecretStr):
        return "****"
    if key.partition(".")[0] in ("export", "tenants") and "{" in str(value):
        return "****"  # a mapping in the wrong place may hold headers
    text = masked_url(str(value))
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"
