"""Rules → a JSON Schema of one row: an object with a property for each column."""

import json
from collections.abc import Mapping
from typing import Any, Final

from driftline.checking.column_rules import ColumnRules, NameRules, NumberRules
from driftline.reference.column_types import BOOLEAN, TIMESTAMP
from driftline.sketch.values import LONGEST_NAME, class_name, read_number

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TIME: Final = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$"
"""ISO 8601, as `read_text` reads it."""

_MISSING: Final[tuple[Any, ...]] = (None, "")


def json_schema(model: str, rules: Mapping[str, ColumnRules]) -> str:
    """A JSON Schema 2020-12 document."""
    document = {
        "$schema": _DIALECT,
        "title": f"Input of {model}",
        "type": "object",
        "properties": {name: _property(each) for name, each in rules.items()},
        "required": list(rules),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _property(rules: ColumnRules) -> dict[str, Any]:
    made = _number(rules) if isinstance(rules, NumberRules) else _name(rules)
    return {"anyOf": [made, {"enum": list(_MISSING)}]} if rules.may_miss else made


def _number(rules: NumberRules) -> dict[str, Any]:
    if rules.type == TIMESTAMP:
        return {"anyOf": [{"type": "number"}, {"type": "string", "pattern": _TIME}]}
    kinds = {"type": ["boolean", "number"] if rules.type == BOOLEAN else "number"}
    return kinds if rules.range is None else kinds | {"minimum": rules.range.low, "maximum": rules.range.high}


def _name(rules: NameRules) -> dict[str, Any]:
    if rules.names is not None:
        known = {"enum": [value for name in sorted(rules.names) for value in _values(name)]}
        if any(len(name) > LONGEST_NAME or name.startswith("#") for name in rules.names):
            return {"anyOf": [known, {"type": "string", "minLength": LONGEST_NAME + 1}]}
        return known
    text = {"type": "string", "minLength": 1}
    return {"anyOf": [text, {"type": ["number", "boolean"]}]} if rules.numeric else text


def _values(name: str) -> list[Any]:
    """What a category may be in JSON: its text, and the number or truth value of that name."""
    number = read_number(name)
    if number is not None and class_name(number) == name and abs(number) != float("inf"):
        return [name, int(number) if number.is_integer() else number]
    return [name, name == "True"] if name in ("True", "False") else [name]
