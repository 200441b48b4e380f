"""The configuration for people: its keys as the documentation has them, and the effective settings as YAML."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

import yaml
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from driftline_processor.config.durations import format_duration, parse_duration
from driftline_processor.config.environment import KEYS, PREFIXES
from driftline_processor.config.models import Config, TenantConfig
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
        if key == "tenants":
            for own, its_field, its_value in _leaves(TenantConfig(), "tenants.<name>."):
                yield ConfigKey(own, _default(its_field, its_value), str(its_field.description))


def effective_yaml(config: Config) -> str:
    """The effective settings as YAML, secrets masked."""
    tenants = {name: _tenant(config, name) for name in config.tenants}
    return yaml.safe_dump(_document(config) | {"tenants": tenants}, sort_keys=False, allow_unicode=True)


def _tenant(config: Config, name: str) -> dict[str, Any]:
    """With what it takes from the rest of the configuration."""
    tenant, export = config.tenants[name], _document(config.export_of(name))
    known = {"references": str(config.references_of(name)), "export": export if tenant.export else None}
    return _document(tenant) | {"certificates": list(tenant.certificates)} | known


def _document(section: BaseModel) -> dict[str, Any]:
    fields = type(section).model_fields
    values = {name: (field, getattr(section, name)) for name, field in fields.items()}
    return {
        name: _document(value) if isinstance(value, BaseModel) else _plain(field, value)
        for name, (field, value) in values.items()
    }


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
    return "" if shown is None or value == () else str(shown).lower() if isinstance(shown, bool) else str(shown)


def _variable(key: str) -> str:
    section, _, name = key.rpartition(".")
    return f". Falls back to `{PREFIXES[1]}{KEYS[name][0]}`" if section == "export" and name in KEYS else ""
