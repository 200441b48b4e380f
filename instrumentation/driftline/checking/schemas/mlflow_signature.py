"""Rules → the inputs of an MLflow model signature, which knows types and missing values only."""

import json
from collections.abc import Mapping
from typing import Final

from driftline.checking.column_rules import ColumnRules, NameRules
from driftline.reference.column_types import BOOLEAN, TIMESTAMP

_TYPES: Final = {BOOLEAN: "boolean", TIMESTAMP: "datetime"}


def mlflow_inputs(model: str, rules: Mapping[str, ColumnRules]) -> str:
    """The JSON that `mlflow.types.Schema.from_json` reads."""
    del model
    columns = [{"type": _type(each), "name": name, "required": not each.may_miss} for name, each in rules.items()]
    return json.dumps(columns, indent=2, ensure_ascii=False) + "\n"


def _type(rules: ColumnRules) -> str:
    if isinstance(rules, NameRules):
        return "any" if rules.numeric else "string"  # codes may come as numbers
    return _TYPES.get(rules.type, "double")
