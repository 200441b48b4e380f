"""`driftline profile`: the command as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

import driftline
from driftline.cli import main
from profile_data import visits


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["profile", *map(str, arguments)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "visits.parquet"
    pyarrow.parquet.write_table(pa.table(visits()), path)
    return path


def test_the_command_writes_what_the_function_saves(data: Path, tmp_path: Path) -> None:
    """The same options, the same bytes."""
    options = ("--label", "ill", "--score", "risk", "--categorical", "ward", "--ignore", "city, items")
    result = run(data, "-o", tmp_path / "visits.reference.json", *options, "--version", "3")
    assert result.exit_code == 0, result.output
    profile = driftline.profile(
        visits(), y="ill", score="risk", categorical=["ward"], ignore=["city", "items"], model="visits", version="3"
    )
    profile.save(tmp_path / "same.json")
    assert (tmp_path / "visits.reference.json").read_bytes() == (tmp_path / "same.json").read_bytes()


def test_it_ends_with_the_schema_the_chunks_and_what_was_decided(data: Path, tmp_path: Path) -> None:
    """A line a column with type, range or categories and share missing; lines for what was guessed or left out."""
    result = run(data, "-o", tmp_path / "churn.json", "--label", "ill", "--keep", "nothing")
    assert result.exit_code == 1
    result = run(data, "-o", tmp_path / "churn.json", "--label", "ill")
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "age float 20 to 83 –" in lines
    assert "balance float -30 to 29.5 10.0%" in lines
    assert "city string Aachen 33%, Bonn 33%, Köln 33% 25.0%" in lines
    assert "→ ill boolean False 80%, True 20% –" in lines
    assert "240 rows in 30 chunks of 7:58:00, 2024-01-01 00:00 to 2024-01-10 23:00" in lines
    assert "Using 'time' as the timestamp, the only column of times (--timestamp may name numbers instead)" in lines
    assert "Left out 'visit': looks like an ID, with as many values as rows (--keep includes it)" in lines
    assert lines[-1].startswith(f"Wrote {tmp_path / 'churn.json'}: model churn, ")


@pytest.mark.parametrize(("days", "said"), [(80, False), (90, True)])
def test_chunks_that_do_not_tell_the_time_of_day_are_said_to(days: int, said: bool, tmp_path: Path) -> None:
    """And what would."""
    times = pa.array(np.linspace(0, days * 86_400_000, 2_000).astype("datetime64[ms]"))
    table = pa.table({"time": times, "age": np.arange(2_000) % 70.0})
    pyarrow.parquet.write_table(table, tmp_path / "long.parquet")
    result = run(tmp_path / "long.parquet", "-o", tmp_path / "x.json")

    assert ("A profile of the last 85 days, of 1,024 rows or more, tells it" in result.output) is said


def test_data_without_a_clock_is_said_to_be_cut_by_rows(data: Path, tmp_path: Path) -> None:
    """The reference says so too."""
    result = run(data, "-o", tmp_path / "x.json", "--ignore", "time")
    assert "240 rows in 30 chunks of equal size, in the order of the data (no timestamp)" in result.output
    assert '"ml.chunk.by","value":{"stringValue":"rows"}' in (tmp_path / "x.json").read_text("utf-8")


def test_several_files_and_folders_are_one_table(tmp_path: Path) -> None:
    """Cut in pieces, the data gives the same reference."""
    whole = pa.table(visits())
    pyarrow.parquet.write_table(whole, tmp_path / "whole.parquet")
    (tmp_path / "parts").mkdir()
    pyarrow.parquet.write_table(whole.slice(0, 100), tmp_path / "parts" / "1.parquet")
    pyarrow.parquet.write_table(whole.slice(100, 50), tmp_path / "parts" / "2.parquet")
    pyarrow.parquet.write_table(whole.slice(150), tmp_path / "rest.parquet")
    run(tmp_path / "whole.parquet", "-o", tmp_path / "a.json", "--model", "m")
    run(tmp_path / "parts", tmp_path / "rest.parquet", "-o", tmp_path / "b.json", "--model", "m")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--label", "illl"), "Error: label: there is no column 'illl' (did you mean 'ill'?)\n"),
        (("--timestamp", "city"), "Error: timestamp: column 'city' must hold times like"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_nothing_is_written(
    options: tuple[str, ...], message: str, data: Path, tmp_path: Path
) -> None:
    """Exit status 1, no traceback, no file."""
    result = run(data, "-o", tmp_path / "x.json", *options)
    assert result.exit_code == 1
    assert result.output.startswith(message)
    assert not (tmp_path / "x.json").exists()


def test_a_file_that_cannot_be_read_and_one_that_cannot_be_written_are_named(data: Path, tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "bad.csv").write_text("a,b\n1\n")
    assert run(tmp_path / "bad.csv", "-o", tmp_path / "x.json").output.startswith(f"Error: {tmp_path / 'bad.csv'}: ")
    inside = data / "x.json"
    assert run(data, "-o", inside).output == f"Error: {inside}: cannot be written: File exists\n"


def test_the_commands_are_listed_and_an_unknown_one_is_an_error() -> None:
    """`demo`, `profile` and `replay`, none cut at 80 columns."""
    lines = CliRunner().invoke(main, ["--help"], terminal_width=80).output.splitlines()
    assert sum(line.startswith("  profile ") for line in lines) == 1
    assert not any(line.endswith("...") for line in lines if line.startswith("  "))
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2


def test_nothing_is_imported_before_it_is_needed() -> None:
    """Neither `driftline --version` nor `import driftline` loads Arrow or the demo."""
    code = (
        "import sys, driftline, driftline.cli\n"
        "tools = {'driftline.tools.demo', 'driftline.profiling'}\n"
        "loaded = {'pyarrow', 'pandas', 'sklearn', *tools} & sys.modules.keys()\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


STATUS = Path("/proc/self/status")

MEASURE = """
import sys
from pathlib import Path
from driftline.cli import main
main(["profile", sys.argv[1], "-o", sys.argv[2]], standalone_mode=False)
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""


@pytest.mark.skipif(not STATUS.exists(), reason="the peak of a process of its own is only told by Linux")
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_memory_does_not_grow_with_the_rows(suffix: str, tmp_path: Path) -> None:
    """Ten times the rows, at least 72 MB more of them if they were held, need next to no more memory."""
    peaks = []
    for rows in (100_000, 1_000_000):
        data = tmp_path / f"{rows}.{suffix}"
        _write(data, rows)
        result = subprocess.run(
            [sys.executable, "-c", MEASURE, str(data), str(tmp_path / "x.json")],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        peaks.append(int(result.stdout.splitlines()[-1]) / 1024)
    assert peaks[1] - peaks[0] < 60


def _write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    table = pa.table({f"f{i}": rng.normal(size=rows).round(3) for i in range(10)})
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pyarrow.parquet.write_table(table, path, row_group_size=100_000)


def test_the_reference_is_json_on_one_line(data: Path, tmp_path: Path) -> None:
    """Any JSON reader takes it."""
    run(data, "-o", tmp_path / "x.json")
    text = (tmp_path / "x.json").read_text("utf-8")
    assert json.loads(text).keys() == {"resourceMetrics"}
    assert text.count("\n") == 1


def test_the_folder_of_the_output_is_created(data: Path, tmp_path: Path) -> None:
    """A fresh checkout has no `references/` yet."""
    result = run(data, "-o", tmp_path / "references" / "eu" / "visits.json")

    assert result.exit_code == 0, result.output
    assert (tmp_path / "references" / "eu" / "visits.json").exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_data_is_read(data: Path, tmp_path: Path) -> None:
    """The data may take an hour; here it could not be read at all."""
    data.write_bytes(b"no Parquet file")
    result = run(data, "-o", data / "visits.json")

    assert result.exit_code == 1
    assert result.output == f"Error: {data / 'visits.json'}: cannot be written: File exists\n"


def test_a_pyarrow_that_does_not_go_with_numpy_is_one_line(data: Path, tmp_path: Path) -> None:
    """Its import fails, as that of version 26 does beside numpy 1.26; the remedy is said."""
    broken = tmp_path / "pyarrow"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('pyarrow requires NumPy 2.0 or newer, found 1.26.4')")
    command = [Path(sys.executable).parent / "driftline", "profile", data, "-o", tmp_path / "x.json"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert done.stderr.startswith("Error: driftline profile: pyarrow ")
    assert "do not work together (pyarrow requires NumPy 2.0 or newer, found 1.26.4): pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_segments_may_be_declared(data: Path, tmp_path: Path) -> None:
    """As columns or conditions; what is neither is refused before the data is read."""
    condition = "age >= 65 and ward == 3"
    result = run(data, "-o", tmp_path / "m.json", "--segment", condition, "--segment", "ward")
    assert result.exit_code == 0, result.output
    segments = driftline.load_profile(tmp_path / "m.json").segments
    assert segments is not None
    assert set(segments.declared) == {condition, "ward"}
    result = run(data, "-o", tmp_path / "m.json", "--segment", "age >=")
    assert (result.exit_code, "must be a condition on columns" in result.output) == (2, True)
    result = run(data, "-o", tmp_path / "m.json", "--segment", "agee > 3")
    assert (result.exit_code, "got 'agee'" in result.output) == (1, True)
