"""Rules → the Python source of a pydantic model of one row."""

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from driftline.checking.column_rules import ColumnRules, NameRules, NumberRules
from driftline.reference.column_types import BOOLEAN, TIMESTAMP
from driftline.sketch.values import LONGEST_NAME

_HEAD: Final = '''\
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field


def _present(value: Any) -> Any:
    """The value; None for what counts as missing."""
    if type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, str) and value == ""):
        return None
    return None if isinstance(value, float) and value != value else value


def _category(value: Any) -> Any:
    """The name of a category; 1.0 and 1 are the same one."""
    value = _present(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if value is None else str(value)
'''

_TAKEN: Final = frozenset(
    [
        "construct",
        "copy",
        "dict",
        "from_orm",
        "json",
        "parse_file",
        "parse_obj",
        "parse_raw",
        "schema",
        "schema_json",
        "update_forward_refs",
        "validate",
        "Annotated",
        "Any",
        "BaseModel",
        "BeforeValidator",
        "Field",
        "Literal",
        "bool",
        "datetime",
        "float",
        "str",
    ]
)
"""What pydantic's models have already, and names that the source needs."""


def pydantic_model(model: str, rules: Mapping[str, ColumnRules]) -> str:
    """A module with one model; columns whose names are no identifiers have aliases."""
    fields = zip(_identifiers(rules), rules.values(), strict=True)
    body = "".join(_field(name, each) for name, each in fields) or "    pass\n"
    return f"# Input of {model!r}, from its training profile.\n{_HEAD}\n\nclass {_class(model)}(BaseModel):\n{body}"


def _field(name: str, rules: ColumnRules) -> str:
    kind = _number(rules) if isinstance(rules, NumberRules) else _name(rules)
    closed = isinstance(rules, NameRules) and rules.names is not None
    parts = [f"{kind} | None" if rules.may_miss else kind, f"BeforeValidator({'_category' if closed else '_present'})"]
    if name != rules.column:
        parts.append(f"Field(alias={rules.column!r})")
    return f"    {name}: Annotated[{', '.join(parts)}]\n"


def _number(rules: NumberRules) -> str:
    if rules.type == TIMESTAMP:
        return "datetime | float"
    if rules.range is None:
        return "float"
    bounded = f"Annotated[float, Field(ge={rules.range.low!r}, le={rules.range.high!r})]"
    return f"bool | {bounded}" if rules.type == BOOLEAN else bounded


def _name(rules: NameRules) -> str:
    if rules.names is None:
        return "str | float" if rules.numeric else "str"
    known = f"Literal[{', '.join(map(repr, sorted(rules.names)))}]"
    if any(name.startswith("#") for name in rules.names):  # the hash of a long text
        return f"{known} | Annotated[str, Field(min_length={LONGEST_NAME + 1})]"
    return known


def _identifiers(columns: Iterable[str]) -> list[str]:
    made: dict[str, None] = {}
    for column in columns:
        name = first = _identifier(column)
        number = 1
        while name in made:
            number += 1
            name = f"{first}_{number}"
        made[name] = None
    return list(made)


def _identifier(column: str) -> str:
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", column)).lstrip("_")
    if not name.isidentifier() or name.startswith("model_"):
        name = f"column_{name}"
    name = name if name.isidentifier() else "column"
    return f"{name}_" if keyword.iskeyword(name) or name in _TAKEN else name


def _class(model: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", model)
    name = "".join(word[:1].upper() + word[1:] for word in words) + "Input"
    return name if name.isidentifier() else f"Model{name}"
