"""Rules → the Python source of a pandera schema of a table."""

from collections.abc import Iterator, Mapping
from typing import Final

from driftline.checking.column_rules import ColumnRules, NameRules, NumberRules
from driftline.reference.column_types import TIMESTAMP
from driftline.sketch.values import LONGEST_NAME

_HEAD: Final = '''\
from typing import Any

import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema


def _missing(values: pd.Series) -> pd.Series:
    return values.isna() | values.map(lambda value: isinstance(value, str) and value == "").astype(bool)


def _numbers(values: pd.Series) -> pd.Series:
    """NaN for what is no number."""
    if values.dtype == object or pd.api.types.is_string_dtype(values.dtype):
        truths = {"true": 1.0, "false": 0.0}
        values = values.map(lambda value: truths.get(value.strip().lower(), value) if isinstance(value, str) else value)
    return pd.to_numeric(values, errors="coerce").astype(float)


def _times(values: pd.Series) -> pd.Series:
    """NaT for what is no time; numbers are seconds since 1970."""
    return pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")


def _category(value: Any) -> str:
    """The name of a category; 1.0 and 1 are the same one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _names(values: pd.Series) -> pd.Series:
    return values.astype(object).map(_category)
'''


def pandera_schema(model: str, rules: Mapping[str, ColumnRules]) -> str:
    """A module with one `schema`."""
    columns = "".join(_column(name, each) for name, each in rules.items())
    schema = f"schema = DataFrameSchema(\n    {{\n{columns}    }},\n    name={model!r},\n)\n"
    return f"# Input of {model!r}, from its training profile.\n{_HEAD}\n\n{schema}"


def _column(name: str, rules: ColumnRules) -> str:
    checks = [] if rules.may_miss else [_check("~_missing(values)", "missing")]
    checks += _number(rules) if isinstance(rules, NumberRules) else _name(rules)
    listed = "".join(f"                {each},\n" for each in checks)
    body = f"            checks=[\n{listed}            ],\n" if checks else ""
    return f"        {name!r}: Column(\n{body}            nullable=True,\n        ),\n"


def _check(condition: str, rule: str) -> str:
    return f"Check(lambda values: {condition}, name={rule!r}, ignore_na=False)"


def _number(rules: NumberRules) -> Iterator[str]:
    if rules.type == TIMESTAMP:
        yield _check("_times(values).notna() | _numbers(values).notna() | _missing(values)", "type")
        return
    reading = "_numbers(values)"
    yield _check(f"{reading}.notna() | _missing(values)", "type")
    if rules.range is not None:
        low, high = rules.range
        yield _check(f"~(({reading} < {low!r}) | ({reading} > {high!r}))", "range")


def _name(rules: NameRules) -> Iterator[str]:
    if rules.names is not None:
        known = f"_names(values).isin({sorted(rules.names)!r})"
        if any(name.startswith("#") for name in rules.names):  # the hash of a long text
            known = f"({known} | (_names(values).str.len() > {LONGEST_NAME}))"
        yield _check(f"{known} | _missing(values)", "category")
    elif not rules.numeric:
        yield _check("values.map(lambda value: isinstance(value, str)).astype(bool) | _missing(values)", "type")
