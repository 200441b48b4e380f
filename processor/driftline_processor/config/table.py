"""The configuration for people: its keys as the documentation has them, and the effective settings as YAML."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import yaml
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from driftline_processor.config.durations import format_duration, parse_duration
from driftline_processor.config.environment import KEYS, PREFIXES
from driftline_processor.config.models import Config
from driftline_processor.config.secrets import masked_url


class ConfigKey(NamedTuple):
    """A key of processor.yaml, its default ("" for none) and its meaning."""

    name: str
    default: str
    meaning: str


def config_keys() -> Iterator[ConfigKey]:
    """Every key of processor.yaml."""
    for key, field, value in _leaves(Config()):
        yield ConfigKey(key, _default(field, value), f"{field.description}{_variable(key)}")


def effective_yaml(config: Config) -> str:
    """The effective settings as YAML, secrets masked."""
    data: dict[str, Any] = {}
    for key, field, value in _leaves(config):
        section, _, name = key.rpartition(".")
        place = data.setdefault(section, {}) if section else data
        place[name] = _plain(field, value)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _leaves(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, FieldInfo, object]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field, value


def _plain(field: FieldInfo, value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return {name: each if isinstance(each, float) else "****" for name, each in value.items()}
    if any(isinstance(part, BeforeValidator) and part.func is parse_duration for part in field.metadata):
        return format_duration(cast("int", value))
    return value if value is None or isinstance(value, bool | int | float) else masked_url(str(value))


def _default(field: FieldInfo, value: object) -> str:
    shown = _plain(field, value)
    return "" if shown is None else str(shown).lower() if isinstance(shown, bool) else str(shown)


def _variable(key: str) -> str:
    section, _, name = key.rpartition(".")
    return f". Falls back to `{PREFIXES[1]}{KEYS[name][0]}`" if section == "export" and name in KEYS else ""
