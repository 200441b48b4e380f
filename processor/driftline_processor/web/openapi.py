"""The OpenAPI document of the API."""

from typing import Any, Final

from driftline_processor import __version__
from driftline_processor.web.addresses import IDENTITY


def _parameter(name: str, place: str, meaning: str, kind: str = "string") -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "description": meaning, "schema": {"type": kind}}


_MODEL: Final = [
    _parameter("model", "path", "The model's name"),
    *(_parameter(name, "query", f"Only the model of this {name}") for name in IDENTITY),
]
_COLUMN: Final = [_parameter("target", "path", "input, output, …"), _parameter("column", "path", "The column's name")]
_FROM: Final = _parameter("from", "query", "Unix seconds: only later steps", "number")

_PATHS: Final[tuple[tuple[str, str, list[dict[str, Any]], str, tuple[int, ...]], ...]] = (
    ("/models", "All models, those with an incident first", [], "array", ()),
    ("/models/{model}", "A model and its columns, the strongest evidence first", _MODEL, "object", (404,)),
    ("/models/{model}/timeline", "States and bounds of all columns by time", [*_MODEL, _FROM], "object", (400, 404)),
    ("/models/{model}/columns/{target}/{column}", "A column and its history", [*_MODEL, *_COLUMN], "object", (404,)),
    (
        "/incidents",
        "Incidents, the open ones first",
        [_parameter("state", "query", "open or closed"), _parameter("model", "query", "Only of this model")],
        "array",
        (),
    ),
    ("/incidents/{incident}", "An incident", [_parameter("incident", "path", "Its id")], "object", (404,)),
    ("/service", "How the processor does", [], "object", ()),
    ("/openapi.json", "This document", [], "object", ()),
)


def _answers(kind: str, errors: tuple[int, ...]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": kind}}}
    error = {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}}
    found = {
        "200": {"description": "Found", "content": content},
        "304": {"description": "Not changed, by If-None-Match"},
    }
    refused = {"401": {"description": "A token is needed"}, "405": {"description": "Read-only"}}
    return found | {str(each): {"description": "Refused", "content": error} for each in errors} | refused


OPENAPI: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Driftline processor",
        "version": __version__,
        "description": "What the status page shows, read-only. Times are Unix seconds, shares are of rows.",
    },
    "servers": [{"url": "/api/v1"}],
    "paths": {
        path: {"get": {"summary": summary, "parameters": parameters, "responses": _answers(kind, errors)}}
        for path, summary, parameters, kind, errors in _PATHS
    },
}
