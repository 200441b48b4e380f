"""Reading tables: every format gives the same rows, types are settled over all of them, and errors name the file."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from driftline.profiling.tables import open_table
from driftline.reference.errors import ProfileError

ROWS = 5000


@pytest.fixture
def rows() -> pa.Table:
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "number": rng.normal(size=ROWS),
            "count": rng.integers(0, 5, ROWS),
            "name": pa.array(rng.choice(["a", "b", None], ROWS)),
            "flag": rng.random(ROWS) < 0.5,
            "when": pa.array(1_700_000_000 + np.arange(ROWS), pa.timestamp("s")),
        }
    )


def write_csv(table: pa.Table, path: Path) -> None:
    pyarrow.csv.write_csv(table, path)


def write_csv_gz(table: pa.Table, path: Path) -> None:
    plain = path.with_suffix("")
    write_csv(table, plain)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


def write_arrow(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=999)


def write_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


WRITERS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "data.parquet": pyarrow.parquet.write_table,
    "data.csv": write_csv,
    "data.csv.gz": write_csv_gz,
    "data.arrow": write_arrow,
    "data.feather": write_arrow,
    "data.arrows": write_stream,
}


def read(path: Path) -> dict[str, list[Any]]:
    table = open_table([path])
    return pa.Table.from_batches(table.batches(table.kinds)).to_pydict()


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_kinds_and_values(name: str, rows: pa.Table, tmp_path: Path) -> None:
    """Numbers, categories, booleans and times come out alike, whatever they were stored in."""
    WRITERS[name](rows, tmp_path / name)
    table = open_table([tmp_path / name])
    assert dict(table.kinds) == {
        "number": "float",
        "count": "integer",
        "name": "string",
        "flag": "boolean",
        "when": "timestamp",
    }
    assert table.rows == ROWS
    values = read(tmp_path / name)
    expected = rows.to_pydict() | {"when": [1_700_000_000.0 + i for i in range(ROWS)]}
    assert values == expected


def test_a_folder_is_read_file_by_file_in_order_of_names(rows: pa.Table, tmp_path: Path) -> None:
    """Formats may be mixed; hidden files, markers and files of other formats are passed over."""
    pyarrow.parquet.write_table(rows.slice(0, 2000), tmp_path / "1.parquet")
    (tmp_path / "2").mkdir()
    write_csv(rows.slice(2000), tmp_path / "2" / "part.csv")
    for other in ("_SUCCESS", ".hidden.csv", "notes.txt"):
        (tmp_path / other).write_text("nothing of ours")
    assert read(tmp_path)["count"] == rows["count"].to_pylist()


def test_a_column_that_is_integer_in_the_first_block_may_be_float_or_text_later(tmp_path: Path) -> None:
    """Types are settled over all blocks: nothing crashes, no digit is lost."""
    lines = [f"{i},{i},{i}" for i in range(700_000)] + ["0.5,x,"]
    (tmp_path / "late.csv").write_text("\n".join(["number,text,integer", *lines]))
    table = open_table([tmp_path / "late.csv"])
    assert dict(table.kinds) == {"number": "float", "text": "string", "integer": "integer"}
    last = list(table.batches(table.kinds))[-1].to_pylist()[-1]
    assert last == {"number": 0.5, "text": "x", "integer": None}


@pytest.mark.parametrize(
    ("texts", "kind", "value"),
    [
        (["1", "2"], "integer", 1),
        ([" 1.5", "2 "], "float", 1.5),
        (["True", "false"], "boolean", True),
        (["1", "True"], "string", "1"),
        (["2024-01-02", "2024-01-03 04:05:06"], "timestamp", 1704153600.0),
        (["2024-01-02T00:00:00Z", ""], "timestamp", 1704153600.0),
        (["inf", "1"], "float", float("inf")),
        (["", "NA"], "float", None),
        (["2024-01-02", "soon"], "string", "2024-01-02"),
        (["9223372036854775808", "1"], "float", 9223372036854775808.0),
    ],
)
def test_texts_are_of_the_narrowest_kind_that_holds_them_all(
    texts: list[str], kind: str, value: Any, tmp_path: Path
) -> None:
    """Empty fields and the usual words for nothing are missing."""
    (tmp_path / "x.csv").write_text("x,other\n" + "".join(f"{text},1\n" for text in texts))
    table = open_table([tmp_path / "x.csv"])
    assert table.kinds["x"] == kind
    assert read(tmp_path / "x.csv")["x"][0] == value


def test_quoted_names_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    """As spreadsheets write them; fields may hold delimiters and line breaks."""
    (tmp_path / "x.csv").write_bytes(b'\xef\xbb\xbf"a, b","c ""d"""\r\n1,"e\nf, g"\r\n')
    assert read(tmp_path / "x.csv") == {"a, b": [1], 'c "d"': ["e\nf, g"]}


def test_other_delimiters_are_told_by_the_header(tmp_path: Path) -> None:
    """Semicolons, as many spreadsheets write them, and tabs."""
    (tmp_path / "x.csv").write_text("a;b\n1;2\n")
    (tmp_path / "y.tsv").write_text("a\tb\n1\t2\n")
    assert read(tmp_path / "x.csv") == read(tmp_path / "y.tsv") == {"a": [1], "b": [2]}


def test_files_are_as_wide_as_the_widest_of_them(tmp_path: Path) -> None:
    """Integers in one file and floats in the next are floats; a column that is empty in one is what it is elsewhere."""
    pyarrow.parquet.write_table(pa.table({"x": [1], "y": pa.nulls(1)}), tmp_path / "1.parquet")
    pyarrow.parquet.write_table(pa.table({"y": ["b"], "x": [2.5]}), tmp_path / "2.parquet")
    assert read(tmp_path) == {"x": [1.0, 2.5], "y": [None, "b"]}
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "1.csv").write_text("x\n007\n")
    (tmp_path / "csv" / "2.csv").write_text("x\nbond\n")
    assert read(tmp_path / "csv") == {"x": ["007", "bond"]}


BROKEN: dict[str, tuple[bytes, str]] = {
    "ragged.csv": (b"a,b\n1,2\n3\n", "cannot be read: CSV parse error: Row #3: Expected 2 columns, got 1: 3"),
    "twice.csv": (b"a,a\n1,2\n", "every column must have a name of its own (got 'a' twice)"),
    "empty.csv": (b"", "must begin with the names of its columns (it is empty)"),
    "latin.csv": (b"a\n\xff\xfe\n", "cannot be read: "),
    "broken.csv.gz": (b"no gzip", "cannot be read: "),
    "broken.parquet": (b"no parquet", "cannot be read: Parquet magic bytes not found"),
    "broken.arrow": (b"no arrow at all, but long enough to look into", "cannot be read: "),
    "data.xlsx": (b"", "must end in one of .parquet, .pq, .csv"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(name: str, tmp_path: Path) -> None:
    """Whatever is wrong with it, the one error says which file, and what."""
    content, reason = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProfileError) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {reason}")


def test_files_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    """A column that is lacking, or of another kind, is told with its file."""
    pyarrow.parquet.write_table(pa.table({"x": [1], "y": [1]}), tmp_path / "1.parquet")
    pyarrow.parquet.write_table(pa.table({"x": ["a"], "y": [1]}), tmp_path / "2.parquet")
    with pytest.raises(ProfileError, match=r"2\.parquet: column 'x' must be integer as in the files before"):
        open_table([tmp_path])
    pyarrow.parquet.write_table(pa.table({"x": [1]}), tmp_path / "2.parquet")
    with pytest.raises(ProfileError, match=r"2\.parquet: must have the columns of .*1\.parquet \(missing 'y'\)"):
        open_table([tmp_path])


def test_an_empty_folder_and_a_file_that_is_not_there_are_errors(tmp_path: Path) -> None:
    """Both are named."""
    with pytest.raises(ProfileError, match="the folder must hold files that end in one of"):
        open_table([tmp_path])
    with pytest.raises(ProfileError, match=r"gone\.parquet: cannot be read: "):
        open_table([tmp_path / "gone.parquet"])
