"""Addresses of the page: every state of it is in its address. Names are percent-encoded, those with a slash too."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

IDENTITY: Final = ("version", "service", "namespace", "env")
"""What tells models of one name apart."""


def model_address(model: Mapping[str, Any]) -> str:
    """Of a model, by its document."""
    told = {name: model[name] for name in IDENTITY if model.get(name)}
    return f"/models/{quote(model['name'], safe='')}{'?' + urlencode(told) if told else ''}"


def column_address(model: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """Of a column of a model."""
    path, _, query = model_address(model).partition("?")
    named = f"{path}/columns/{quote(column['target'], safe='')}/{quote(column['name'], safe='')}"
    return f"{named}?{query}" if query else named


def incident_address(incident: str) -> str:
    """Of an incident, by its id."""
    return f"/incidents/{quote(incident, safe='')}"


def trace_address(template: str, trace: str) -> str:
    """Of a trace in another tool; "" without a template, as `https://tempo.example/trace/{trace_id}`."""
    return template.replace("{trace_id}", quote(trace, safe="")) if template else ""
