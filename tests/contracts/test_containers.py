"""One meaning for one value: the same rows through any container, in training and in serving, are the same columns."""

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

import driftline
from driftline.profiling.plan import Roles
from driftline.profiling.profiler import profile_table
from driftline.profiling.tables import open_table
from driftline.semconv import MISSING
from driftline_processor.monitors.drift.binning.bins import CategoryBins
from driftline_processor.monitors.drift.binning.reading import WindowReader
from driftline_processor.monitors.drift.comparison import Comparison
from driftline_processor.records import ColumnSummary, Reference, ReferenceColumn
from driftline_processor.reference import read_reference
from engine_records import MINUTE
from served_columns import MODEL, Worker, held, troubles

RNG = np.random.default_rng(5)
ROWS = 1000
NEW_YEAR = dt.datetime(2024, 1, 1)  # noqa: DTZ001  # a time without a zone is one of the kinds
MINUTES = [dt.timedelta(minutes=int(minute)) for minute in RNG.integers(0, 500_000, ROWS)]


def holes(values: list[Any]) -> list[Any]:
    return [None if missing else value for value, missing in zip(values, RNG.random(ROWS) < 0.1, strict=True)]


FULL: dict[str, list[Any]] = {
    "count": RNG.integers(0, 50, ROWS).tolist(),
    "amount": RNG.normal(100, 20, ROWS).round(2).tolist(),
    "price": RNG.choice([9.95, 19.99, 29.99], ROWS).tolist(),
    "flag": [bool(bit) for bit in RNG.integers(0, 2, ROWS)],
    "city": RNG.choice(["rome", "oslo", "bern", "köln"], ROWS).tolist(),
    "zip": RNG.choice(["01234", "10115", "00501", "99999"], ROWS).tolist(),
    "seen": [NEW_YEAR + minutes for minutes in MINUTES],
    "seen_utc": [NEW_YEAR.replace(tzinfo=dt.timezone.utc) + minutes for minutes in MINUTES],
    "day": [NEW_YEAR.date() + dt.timedelta(days=int(day)) for day in RNG.integers(0, 300, ROWS)],
    "cost": [Decimal(int(cents)) / 100 for cents in RNG.integers(1, 10_000, ROWS)],
}
DATA = FULL | {f"{name}_or_none": holes(FULL[name]) for name in ("count", "amount", "flag", "city", "seen")}
NAMES = list(DATA)
RECORDS = [dict(zip(NAMES, row, strict=True)) for row in zip(*DATA.values(), strict=True)]
FRAME = pd.DataFrame(DATA)
ARROW = pa.table(DATA)
SERVED = MODEL._replace(features=tuple(NAMES), width=len(NAMES))


def objects() -> Any:
    array = np.empty((ROWS, len(NAMES)), object)
    array[:] = list(zip(*DATA.values(), strict=True))
    return array


IN_MEMORY: dict[str, Callable[[], Any]] = {
    "pandas": lambda: FRAME,
    "pandas nullable": FRAME.convert_dtypes,
    "pandas Arrow": lambda: ARROW.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas converted to Arrow": lambda: FRAME.convert_dtypes(dtype_backend="pyarrow"),
    "pandas objects": lambda: pd.DataFrame(DATA, dtype=object),
    "polars": lambda: pl.DataFrame(DATA),
    "lists of dicts": lambda: RECORDS,
}
UNNAMED: dict[str, Callable[[], Any]] = {
    "lists of lists": lambda: [list(record.values()) for record in RECORDS],
    "object array": objects,
}
TRAINED_ONLY: dict[str, Callable[[], Any]] = {"Arrow": lambda: ARROW, "dict of columns": lambda: DATA}
FILES = ("rows.csv", "rows.csv.gz", "rows.parquet", "rows.arrow")
READ_CSV: dict[str, dict[str, Any]] = {"pandas.read_csv": {}, "pandas.read_csv as text": {"dtype": {"zip": str}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("containers")
    FRAME.to_csv(folder / "rows.csv", index=False)
    FRAME.to_csv(folder / "rows.csv.gz", index=False)
    pq.write_table(ARROW, folder / "rows.parquet")
    with pa.ipc.new_file(str(folder / "rows.arrow"), ARROW.schema) as file:
        file.write_table(ARROW)
    return folder


@cache
def sent(container: str, size: int, folder: Path) -> bytes:
    """What a server sends of the rows, `size` in a call."""
    rows = pd.read_csv(folder / "rows.csv", **READ_CSV[container]) if container in READ_CSV else None
    rows = (IN_MEMORY | UNNAMED)[container]() if rows is None else rows
    worker = Worker("a", SERVED)
    for start in range(0, ROWS, size):
        worker.predict(rows.iloc[start : start + size] if hasattr(rows, "iloc") else rows[start : start + size])
    return worker.export()


def trained(container: str, folder: Path) -> Reference:
    if container in FILES:
        profile = profile_table(open_table([folder / container]), Roles(), model="churn")
    else:
        profile = driftline.profile((IN_MEMORY | TRAINED_ONLY)[container](), model="churn")
    return read_reference(profile.to_request())


def values(column: ReferenceColumn, summary: ColumnSummary) -> tuple[float, float]:
    """Rows with a value that training knows, and missing ones."""
    (read,) = WindowReader([column]).read([summary])
    missing = read.states.get(MISSING, 0.0)
    if column.kind == "numeric":
        return read.intervals.total, missing
    placed = CategoryBins(column).place(read)
    return float(placed.bins.sum()), missing


SIZES = {"one row": 1, "64": 64, "65": 65, "all": ROWS}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("training", [*FILES, *IN_MEMORY, *TRAINED_ONLY])
def test_the_same_rows_are_the_same_columns(training: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Against a profile of any container, rows from any other are healthy: same names, same counts, nothing logged."""
    reference = trained(training, folder)
    inputs = {key: column for key, column in reference.columns.items() if key.target == "input"}
    assert {key.name for key in inputs} == set(NAMES)
    comparison = Comparison.of(reference, 0.05)
    with caplog.at_level(logging.WARNING):
        for serving in (*IN_MEMORY, *UNNAMED, *READ_CSV):
            for size in SIZES.values():
                got = held(sent(serving, size, folder))
                results = comparison.window(got, 1e-3, 5 * MINUTE)
                wrong = troubles({each.column.name: each for each in results if each.column in inputs})
                assert not wrong, (serving, size)
                assert {key.name for key in got} == set(NAMES), (serving, size)
                for key, column in inputs.items():
                    missing = float(sum(value is None for value in DATA[key.name]))
                    assert values(column, got[key]) == (ROWS - missing, missing), (serving, size, key.name)
    assert not caplog.records


NUMBERS = np.column_stack([RNG.normal(size=ROWS), RNG.choice([0.0, 0.1, 0.7], ROWS), RNG.poisson(1, ROWS)])
ARRAYS: dict[str, Callable[[], Any]] = {
    "float64": lambda: NUMBERS,
    "float32": lambda: NUMBERS.astype(np.float32),
    "float16": lambda: NUMBERS.astype(np.float16),
    "Fortran": lambda: np.asfortranarray(NUMBERS),
    "objects": lambda: NUMBERS.astype(object),
    "lists": NUMBERS.tolist,
    "frame": lambda: pd.DataFrame(NUMBERS),
    "frame of texts": lambda: pd.DataFrame(NUMBERS.astype(str), columns=["0", "1", "2"]),
    **{format_: (lambda f=format_: sparse.csr_array(NUMBERS).asformat(f)) for format_ in ("csr", "csc", "coo", "lil")},  # type: ignore[misc]
}


@pytest.mark.parametrize("training", [name for name in ARRAYS if name != "frame of texts"])
@pytest.mark.parametrize("serving", ARRAYS)
@pytest.mark.parametrize("times", [1, 10])
def test_the_same_numbers_are_the_same_columns(training: str, serving: str, times: int) -> None:
    """Arrays of any type and order, sparse or not, and frames whose columns are numbered: x0, x1 and x2."""
    reference = read_reference(driftline.profile(ARRAYS[training](), model="churn").to_request())
    worker = Worker("a")
    for _ in range(times):
        worker.predict(ARRAYS[serving]())
    got = held(worker.export())
    results = comparison_of(reference).window(got, 1e-3, 5 * MINUTE)

    assert not troubles({each.column.name: each for each in results if each.column.target == "input"})
    assert {key.name for key in got} == {"x0", "x1", "x2"}
    for key, summary in got.items():
        assert values(reference.columns[key], summary) == (times * ROWS, 0.0)


def comparison_of(reference: Reference) -> Comparison:
    return Comparison.of(reference, 0.05)


def test_numbered_columns_have_the_names_of_an_array(folder: Path) -> None:
    """Also in a file, beside a label."""
    frame = pd.DataFrame(NUMBERS).assign(label=RNG.integers(0, 2, ROWS))
    frame.to_csv(folder / "numbered.csv", index=False)
    profile = profile_table(open_table([folder / "numbered.csv"]), Roles(label="label"))

    assert [column.key.name for column in profile.columns] == ["x0", "x1", "x2", "label"]


def test_leading_zeros_are_told_and_kept(folder: Path) -> None:
    """A CSV's 01234 is a number unless it is declared: the profile says so, and what to pass."""
    table = open_table([folder / "rows.csv"])
    assert [note for note in profile_table(table, Roles()).notes if "'zip'" in note] == [
        "Read 'zip' as numbers, without the leading zeros that some have (--categorical keeps them as text)"
    ]
    declared = profile_table(table, Roles(categorical=("zip",)))
    (column,) = [column for column in declared.columns if column.key.name == "zip"]
    assert set(column.categories) == {"01234", "10115", "00501", "99999"}
    reference = read_reference(declared.named("churn").to_request())
    for serving in (*IN_MEMORY, *READ_CSV):
        results = Comparison.of(reference, 0.05).window(held(sent(serving, ROWS, folder)), 1e-3, 5 * MINUTE)
        assert not troubles({each.column.name: each for each in results if each.column.name == "zip"}), serving


BESIDE: dict[str, Callable[[int], Sequence[Any]]] = {
    "Arrow time": lambda rows: pd.array(list(pd.date_range("2024", periods=rows)), "timestamp[us][pyarrow]"),
    "Arrow time zone": lambda rows: pd.array(
        list(pd.date_range("2024", periods=rows, tz="Asia/Tokyo")), "timestamp[us, tz=Asia/Tokyo][pyarrow]"
    ),
    "Arrow lists": lambda rows: pd.array([[1]] * rows, pd.ArrowDtype(pa.list_(pa.int64()))),
    "huge": lambda rows: [10**400, *range(rows - 1)],
    "periods": lambda rows: pd.period_range("2024", periods=rows, freq="D").array,
    "intervals": lambda rows: pd.interval_range(0, rows).array,
    "complex": lambda rows: np.ones(rows, complex),
    "bytes": lambda rows: [b"a"] * rows,
    "dictionaries": lambda rows: [{"a": 1}] * rows,
    "categories": lambda rows: pd.Categorical([1, 2] * (rows // 2)),
    "sparse": lambda rows: pd.arrays.SparseArray(np.zeros(rows)),
}


@pytest.mark.parametrize("rows", [2, 64, 66, 200])
@pytest.mark.parametrize("kind", BESIDE)
def test_no_column_takes_its_neighbours_along(kind: str, rows: int, caplog: pytest.LogCaptureFixture) -> None:
    """Every row of every column is counted, whatever stands beside it, and nothing is logged."""
    frame = pd.DataFrame({"a": np.ones(rows)})
    frame["b"] = BESIDE[kind](rows)
    with caplog.at_level(logging.WARNING):
        got = held(Worker().predict(frame).export())

    assert {key.name: summary.rows for key, summary in got.items()} == {"a": rows, "b": rows}
    assert not caplog.records
