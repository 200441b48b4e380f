"""pandera in a process of its own: importing it changes how pyarrow reads times that have a zone."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pandas as pd

Cases = list[list[Any]]
"""Column, check and index of each value that a schema refuses."""


def refused(source: str, tables: Sequence[pd.DataFrame]) -> list[Cases | None]:
    """What the schema in a module's source refuses of each table; None of one that passes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_refused, source, tables).result(timeout=60)


def _refused(source: str, tables: Sequence[pd.DataFrame]) -> list[Cases | None]:
    names: dict[str, Any] = {}
    exec(compile(source, "churn_schema.py", "exec"), names)  # what the command wrote
    return [_cases(names["schema"], table) for table in tables]


def _cases(schema: Any, table: pd.DataFrame) -> Cases | None:
    from pandera.errors import SchemaErrors

    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as error:
        cases: Cases = error.failure_cases[["column", "check", "index"]].to_numpy().tolist()
        return cases
    return None
