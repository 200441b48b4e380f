"""The formats that rules can be written in."""

from collections.abc import Callable, Mapping
from typing import Final

from driftline.checking.column_rules import ColumnRules
from driftline.checking.schemas.json_schema import json_schema
from driftline.checking.schemas.mlflow_signature import mlflow_inputs
from driftline.checking.schemas.pandera_schema import pandera_schema
from driftline.checking.schemas.pydantic_model import pydantic_model

FORMATS: Final[Mapping[str, Callable[[str, Mapping[str, ColumnRules]], str]]] = {
    "jsonschema": json_schema,
    "mlflow": mlflow_inputs,
    "pandera": pandera_schema,
    "pydantic": pydantic_model,
}
"""From the name of the model and its rules to a text."""
