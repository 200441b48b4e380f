"""The replay: logged rows through the processor's sketches and verdicts, and what is told of them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import driftline
from driftline.settings import Settings
from driftline_processor.replay import command, sketcher
from reference_requests import rename_pairs
from replay_data import (
    Columns,
    alarmed,
    logged,
    replay,
    results,
    rows,
    save_reference,
    write_arrow,
    write_csv,
    write_parquet,
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reference(tmp_path_factory.mktemp("reference") / "churn.json")


@pytest.fixture(scope="module")
def broken() -> Columns:
    """Twelve hours; from hour 4 to hour 7 the age comes in months."""
    data = logged(12, seed=1)
    data["age"] = [x and 12 * x if 2400 <= i < 4200 else x for i, x in enumerate(data["age"])]
    return data


@pytest.fixture(scope="module")
def broken_file(broken: Columns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("broken") / "broken.parquet", broken)


def test_a_broken_column_alarms_while_it_is_broken_and_no_other_does(
    reference: Path, broken_file: Path, tmp_path: Path
) -> None:
    """It opens with the first broken window, and closes with the first healthy one; the summary says what moved."""
    found = results(tmp_path, broken_file, "--reference", reference)
    assert [alarmed(window) for window in found["windows"]] == [set()] * 4 + [{"age"}] * 3 + [set()] * 5
    (alarm,) = found["alarms"]
    assert (alarm["column"], alarm["target"]) == ("age", "input")
    assert (alarm["opened"], alarm["closed"]) == ("2024-03-01T05:00:00Z", "2024-03-01T08:00:00Z")
    assert alarm["summary"].startswith("model churn: input age moved up since 2024-03-01 04:00 UTC: median ")
    (incident,) = found["incidents"]
    assert incident["columns"] == [{"column": "age", "target": "input"}]
    assert (incident["opened"], incident["closed"]) == (alarm["opened"], alarm["closed"])
    assert incident["id"] == alarm["incident"]
    age = found["windows"][4]["columns"]["age"]
    assert age["distance"] >= age["lower_bound"] > age["tolerance"] >= 0.05
    assert age["state"] == "alarm"
    assert age["statistics"]["ks"] == pytest.approx(0.9, abs=0.1)


def test_the_json_holds_all_windows_and_columns(reference: Path, broken_file: Path, tmp_path: Path) -> None:
    """Inputs, outputs by the names that the reference has, and nulls where nothing was judged."""
    found = results(tmp_path, broken_file, "--reference", reference, "--ignore", "visits")
    assert rows(found) == [600] * 12
    columns = found["windows"][0]["columns"]
    assert {name: column["target"] for name, column in columns.items()} == {
        "age": "input",
        "plan": "input",
        "visits": "input",
        "confidence": "output",
        "prediction": "output",
        "score": "output",
    }
    assert columns["visits"]["state"] == "insufficient_data"
    assert set(columns["age"]) == {
        "target",
        "type",
        "rows",
        "effective_rows",
        "reference_rows",
        "event",
        "before",
        "after",
        "direction",
        "quantiles",
        "shares",
        "states",
        "histogram",
        "distance",
        "lower_bound",
        "tolerance",
        "alarm",
        "state",
        "sentence",
        "reasons",
        "statistics",
    }
    assert {column["sentence"] for column in columns.values()} >= {"no rows"}
    assert columns["visits"]["reasons"] == [{"kind": "no_rows"}]
    assert (columns["prediction"]["sentence"] == "") == (columns["prediction"]["reasons"] == [])
    moved = found["windows"][4]["columns"]["age"]
    assert (moved["event"], moved["before"], moved["direction"], moved["type"]) == ("never_seen", 0.0, "up", "float")
    assert moved["histogram"]["current"][-1] == pytest.approx(moved["after"], abs=0.01)
    (alarm,) = (alarm for alarm in found["alarms"] if alarm["column"] == "age")
    assert alarm["reasons"][0].items() >= {"kind": "never_seen", "more": 0}.items()
    assert alarm["reasons"][0].keys() == {"kind", "share", "more", "low", "high"}


def test_pairs_have_the_names_that_the_reference_states(reference: Path, broken_file: Path, tmp_path: Path) -> None:
    """They are counted and judged under any name."""
    (name,) = rename_pairs(reference, tmp_path / "renamed.json")
    before, after = (
        results(tmp_path, broken_file, "--reference", each)["windows"]
        for each in (reference, tmp_path / "renamed.json")
    )
    pairs = [next(each for each in window["columns"].values() if each["target"] == "pair") for window in before]
    assert {pair["state"] for pair in pairs} == {"healthy"}
    assert [window["columns"][name] for window in after] == pairs


def test_the_same_rows_give_the_same_bytes(reference: Path, broken: Columns, tmp_path: Path) -> None:
    """Twice, and from Parquet, Arrow, CSV and compressed CSV alike, whatever the size of their blocks."""
    files = [
        write_parquet(tmp_path / "a.parquet", broken),
        write_arrow(tmp_path / "a.arrow", broken),
        write_csv(tmp_path / "a.csv", broken),
        write_csv(tmp_path / "a.csv.gz", broken),
    ]
    written, shown = set(), set()
    for file in [files[0], *files]:
        result = replay(file, "--reference", reference, "--timestamp", "time", "--json", tmp_path / "x.json", "--all")
        assert result.exit_code == 0, result.output
        written.add((tmp_path / "x.json").read_bytes())
        shown.add(result.stdout)
    assert len(written) == 1
    assert len(shown) == 1


def test_windows_of_rows_need_no_clock_and_the_last_may_be_short(
    reference: Path, broken: Columns, tmp_path: Path
) -> None:
    """Bounds are row numbers; 5,000 rows a window where nothing is said."""
    data = {name: values[:2500] for name, values in broken.items() if name != "time"}
    file = write_csv(tmp_path / "x.csv", data)
    found = results(tmp_path, file, "--reference", reference, "--window", "1000rows")
    assert [(each["start"], each["end"], each["rows"]) for each in found["windows"]] == [
        (0, 1000, 1000),
        (1000, 2000, 1000),
        (2000, 2500, 500),
    ]
    assert [alarmed(window) for window in found["windows"]] == [set(), set(), {"age"}]
    assert found["alarms"][0]["opened"] == 2500
    assert rows(results(tmp_path, file, "--reference", reference)) == [2500]


def test_the_last_window_of_time_may_be_short(reference: Path, tmp_path: Path) -> None:
    """Its rows are judged too."""
    file = write_parquet(tmp_path / "x.parquet", logged(2.5, seed=3))
    found = results(tmp_path, file, "--reference", reference)
    assert rows(found) == [600, 600, 300]
    assert found["windows"][-1]["end"] == "2024-03-01T03:00:00Z"
    assert found["windows"][-1]["columns"]["age"]["state"] == "healthy"


def test_windows_slide(reference: Path, broken_file: Path, tmp_path: Path) -> None:
    """Every step ends a window; of rows as of time."""
    by_time = results(tmp_path, broken_file, "--reference", reference, "--window", "2h", "--step", "1h")
    assert rows(by_time) == [600] + [1200] * 11
    by_rows = results(tmp_path, broken_file, "--reference", reference, "--window", "1200rows", "--step", "600rows")
    assert rows(by_rows) == [600] + [1200] * 11
    assert [each["start"] for each in by_rows["windows"][:3]] == [0, 0, 600]


@pytest.mark.parametrize("which", [("a",), ("b",), ("a", "b")])
@pytest.mark.parametrize("value", [0.0, 7.25])
def test_a_pair_with_a_constant_member_has_no_data(tmp_path: Path, which: tuple[str, ...], value: float) -> None:
    """No verdict and no alarm, in this window and by longer spans; and it is judged again when the member varies."""
    random = np.random.default_rng(0)

    def drawn(number: int, correlation: float) -> Columns:
        a, b = random.normal(size=(2, number))
        return {"a": a.tolist(), "b": (correlation * a + (1 - correlation**2) ** 0.5 * b).tolist()}

    driftline.profile(drawn(20_000, 0.8), model="m").save(tmp_path / "m.json")
    parts = [drawn(1_000, rho) for rho in (0.8, -0.8, -0.8, 0.8, 0.8, -0.8)]
    for part in parts[2:4]:
        part.update(dict.fromkeys(which, [value] * 1_000))
    live = {name: [each for part in parts for each in part[name]] for name in ("a", "b")}
    file = write_parquet(tmp_path / "live.parquet", live)
    found = results(tmp_path, file, "--reference", tmp_path / "m.json", "--window", "1000rows")
    pairs = [each for window in found["windows"] for name, each in window["columns"].items() if "×" in name]

    told = f"no data: {' and '.join(which)} {'is' if len(which) == 1 else 'are'} constant"
    assert [each["state"] == "insufficient_data" for each in pairs] == [False, False, True, True, False, False]
    assert [told in each["sentence"] for each in pairs] == [False, False, True, True, False, False]
    assert [pairs[at]["state"] for at in (0, 1, 4)] == ["healthy", "alarm", "healthy"]


def test_a_label_is_judged_as_one(tmp_path: Path) -> None:
    """Also where its column is named otherwise, and its classes are booleans."""
    from driftline import profile

    data = logged(24, seed=0)
    data["left"] = [score > 0.4 for score in data["score"]]
    profile(data, y="left", model="churn").save(tmp_path / "churn.json")
    later = logged(3, seed=1)
    later["gone"] = [score > 0.1 for score in later["score"]]
    file = write_parquet(tmp_path / "x.parquet", later)
    found = results(tmp_path, file, "--reference", tmp_path / "churn.json", "--label", "gone")
    assert {alarm["column"]: alarm["target"] for alarm in found["alarms"]} == {"left": "label"}
    assert found["alarms"][0]["summary"].startswith("model churn: label left moved since 2024-03-01 ")
    assert found["windows"][0]["columns"]["left"]["distance"] == pytest.approx(0.75, abs=0.15)


def test_a_label_goes_by_its_name_as_outputs_do(tmp_path: Path) -> None:
    """Without a word of it; and it is told of as "label"."""
    random = np.random.default_rng(0)
    driftline.profile(
        {"x": random.normal(size=4000), "label": random.integers(0, 2, 4000)}, y="label", model="churn"
    ).save(tmp_path / "churn.json")
    live = {"x": random.normal(size=4000).tolist(), "label": [1] * 4000}
    file = write_parquet(tmp_path / "live.parquet", live)
    arguments = (file, "--reference", tmp_path / "churn.json", "--window", "1000rows")
    found = results(tmp_path, *arguments)

    assert [(alarm["column"], alarm["target"]) for alarm in found["alarms"]] == [("label", "label")]
    assert found["alarms"][0]["summary"].startswith("model churn: label moved: ")
    assert "ot in the" not in replay(*arguments).output


def test_an_input_may_be_called_label(tmp_path: Path) -> None:
    """Beside a label of another name, with or without a word of it: each is judged as what it is."""
    random = np.random.default_rng(0)
    trained = {"label": random.normal(size=4000), "gone": random.integers(0, 2, 4000)}
    driftline.profile(trained, y="gone", model="churn").save(tmp_path / "churn.json")
    live = {"label": random.normal(size=2000).tolist(), "gone": [1] * 2000}
    file = write_parquet(tmp_path / "live.parquet", live)
    for options in (("--label", "gone"), ()):
        found = results(tmp_path, file, "--reference", tmp_path / "churn.json", "--window", "1000rows", *options)
        assert {name: each["target"] for name, each in found["windows"][0]["columns"].items()} == {
            "label": "input",
            "gone": "label",
            "duplicates": "rows",
        }
        assert {(each["column"], each["target"]) for each in found["alarms"]} == {("gone", "label")}


def test_an_input_named_like_the_label_is_not_taken_for_it(tmp_path: Path) -> None:
    """Where another column is the label by its role."""
    random = np.random.default_rng(0)
    driftline.profile({"x": random.normal(size=4000), "gone": [0, 1] * 2000}, y="gone", model="churn").save(
        tmp_path / "churn.json"
    )
    live = {"x": random.normal(size=2000).tolist(), "gone": [0, 1] * 1000, "label": ["a"] * 2000}
    file = write_parquet(tmp_path / "live.parquet", live)
    arguments = (file, "--reference", tmp_path / "churn.json", "--window", "1000rows", "--label", "gone")

    assert "Not in the reference, so not judged: 'label'" in replay(*arguments).output
    assert results(tmp_path, *arguments)["alarms"] == []


def test_a_column_that_the_reference_does_not_know_is_described_and_told(
    reference: Path, broken: Columns, tmp_path: Path
) -> None:
    """It never alarms; and what the data lacks is told too."""
    data = {**broken, "shoe": [float(i) for i in range(len(broken["age"]))]}
    del data["visits"]
    file = write_parquet(tmp_path / "x.parquet", data)
    result = replay(file, "--reference", reference, "--all", "--json", tmp_path / "x.json")
    assert "Not in the reference, so not judged: 'shoe'" in result.stderr
    assert "Not in the data, so not judged: 'visits', 'confidence'" in result.stderr
    assert "input shoe  not in the reference" in result.stdout
    columns = json.loads((tmp_path / "x.json").read_text())["windows"][0]["columns"]
    assert (columns["shoe"]["state"], columns["shoe"]["alarm"]) == (None, False)


def test_words_among_the_numbers_of_a_csv_are_of_the_wrong_type(
    reference: Path, broken: Columns, tmp_path: Path
) -> None:
    """The numbers beside them stay numbers."""
    data = {name: values[:2400] for name, values in broken.items()}
    data["visits"] = ["many" if i >= 1800 and i % 3 == 0 else x for i, x in enumerate(data["visits"])]
    result = replay(write_csv(tmp_path / "x.csv", data), "--reference", reference)
    assert "input visits moved since 2024-03-01 03:00 UTC: wrong type: 0% → 33%" in result.stdout
    assert result.stdout.count("ALARM  ") == 1


def test_text_stays_text_where_the_reference_has_text(tmp_path: Path) -> None:
    """A CSV leaves open whether 0042 is a number."""
    from driftline import profile

    codes = np.random.default_rng(0).choice(["0042", "0043", "0051"], 3000).tolist()
    profile({"code": codes}, model="post").save(tmp_path / "post.json")
    write_csv(tmp_path / "x.csv", {"code": codes[:1000]})
    found = results(tmp_path, tmp_path / "x.csv", "--reference", tmp_path / "post.json")
    assert found["windows"][0]["columns"]["code"]["state"] == "healthy"


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """An input that is named as an output is named with its target."""
    from driftline import profile

    data = logged(24, seed=0)
    training: dict[str, Any] = {"score": data["age"], "risk": data["score"]}
    profile(training, score="risk", model="churn").save(tmp_path / "churn.json")
    file = write_parquet(tmp_path / "x.parquet", {name: values[:900] for name, values in training.items()})
    found = results(tmp_path, file, "--reference", tmp_path / "churn.json", "--score", "risk")
    assert set(found["windows"][0]["columns"]) == {"input.score", "output.score", "confidence", "duplicates"}


def test_people_see_what_moved_and_why(reference: Path, broken_file: Path) -> None:
    """A line a window, one for each column that moved, one for each alarm that opened or closed, and the sum."""
    result = replay(broken_file, "--reference", reference)
    lines = result.stdout.splitlines()
    assert lines[0] == "2024-03-01T00:00:00Z – 2024-03-01T01:00:00Z  600 rows  6 healthy"
    moved = [line for line in lines if line.startswith("  input age  ALARM  ")]
    assert len(moved) >= 3
    assert "for sure, 5" in moved[0]
    assert any(line.startswith("  → alarm opened ") and ": input age moved up since " in line for line in lines)
    assert any(
        line.startswith("  → incident opened ")
        and ": 1 of 3 inputs moved since 2024-03-01 04:00 UTC: input age up: " in line
        for line in lines
    )
    assert any(line.startswith("  → incident closed ") for line in lines)
    assert any(line.startswith("  → alarm closed ") and "input age is back after 3h" in line for line in lines)
    assert lines[-1] == "12 windows of 7,200 rows: 1 alarm"


def test_one_window_is_one_window(reference: Path, tmp_path: Path) -> None:
    """The sum has no plural of one."""
    file = write_parquet(tmp_path / "x.parquet", logged(1, seed=4))
    assert replay(file, "--reference", reference).stdout.splitlines()[-1] == "1 window of 600 rows: 0 alarms"


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--fail-on-alarm",), 1)])
def test_an_alarm_fails_where_it_should(
    reference: Path, broken_file: Path, options: tuple[str, ...], status: int
) -> None:
    """For pipelines."""
    assert replay(broken_file, "--reference", reference, *options).exit_code == status


def test_no_alarm_no_failure(reference: Path, tmp_path: Path) -> None:
    """With --fail-on-alarm too."""
    file = write_parquet(tmp_path / "x.parquet", logged(3, seed=4))
    assert replay(file, "--reference", reference, "--fail-on-alarm").exit_code == 0


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("x.xlsx", b"", (), "x.xlsx: must end in one of .parquet"),
        ("x.parquet", b"PAR0", (), "x.parquet: cannot be read: "),
        ("x.csv", b"", (), "x.csv: must begin with the names of its columns (it is empty)"),
        ("x.csv", b"age,visits\n", (), "x.csv: must have rows (got none)"),
        ("x.csv", b"shoe\n1\n", (), "must have columns of the reference of model 'churn', 'age'"),
        ("x.csv", b"age\n1\n", ("--label", "agee"), "label: there is no column 'agee' (did you mean 'age'?)"),
        ("x.csv", b"age\n1\n", ("--timestamp", "when"), "timestamp: there is no column 'when'"),
        ("x.csv", b"age,when\n1,soon\n", ("--timestamp", "when"), "x.csv: cannot be read: "),
        ("x.csv", b"age\n1\n", ("--window", "1h"), "--window: must be in rows"),
        ("x.csv", b"age\n1\n", ("--window", "soon"), "--window: must be a duration such as 1h, or rows"),
        ("x.csv", b"age\n1\n", ("--tolerance", "7"), "verdict.tolerance: must be less than 1 (got 7.0)"),
        ("x.csv", b"age\n1\n", ("--json", "/nowhere/x.json"), "cannot write: No such file or directory"),
    ],
)  # fmt: skip
def test_what_cannot_be_replayed_is_named(
    *, reference: Path, tmp_path: Path, name: str, content: bytes, options: tuple[str, ...], message: str
) -> None:
    """The thing, the rule and the value; with a status that is not that of an alarm."""
    (tmp_path / name).write_bytes(content)
    result = replay(tmp_path / name, "--reference", reference, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_reference_that_is_none_is_named(broken_file: Path, tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "x.json").write_text("{}")
    result = replay(broken_file, "--reference", tmp_path / "x.json")
    assert result.exit_code == 2
    assert f"{tmp_path / 'x.json'}: must be metrics whose resource has ml.dataset.role" in result.stderr


def test_without_the_processor_the_command_says_what_to_install(
    reference: Path, broken_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback."""
    monkeypatch.setattr(command, "REQUIRED_PACKAGES", ("pyarrow", "not_there.at_all"))
    result = replay(broken_file, "--reference", reference)
    assert result.exit_code == 2
    assert "driftline replay needs not_there.at_all: pip install 'driftline[processor]'" in result.stderr


def test_categories_are_counted_as_live_ones_are() -> None:
    """As many as the instrumentation counts where nothing is set."""
    assert Settings().max_categories == sketcher.MOST_NAMED


def test_ctrl_c_ends_it_and_leaves_no_half_file(reference: Path, tmp_path: Path) -> None:
    """In a real process, in the middle of the rows: status 130, no traceback, nothing written."""
    file = write_parquet(tmp_path / "x.parquet", logged(100, seed=1))
    command = [sys.executable, "-c", "from driftline.cli import main; main()", "replay", str(file)]
    options = ["--reference", str(reference), "--window", "1m", "--json", str(tmp_path / "x.json")]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "2024-03-01T00:00:00Z" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        told = process.stderr.read()
        assert process.wait(60) == 130
    assert told.endswith("Interrupted.\n")
    assert "Traceback" not in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.parquet"]


MEASURE = """
import resource, sys
from driftline.cli import main
try:
    main(sys.argv[1:])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_rows(reference: Path, tmp_path: Path) -> None:
    """Eight times the rows in as many windows: the peak of a real process is the same but for 40 MB."""
    peaks = []
    for hours in (25, 200):
        data = logged(hours, seed=1)
        file = write_parquet(tmp_path / f"{hours}.parquet", data)
        result = subprocess.run(
            [
                sys.executable,
                "-c",
                MEASURE,
                "replay",
                str(file),
                "--reference",
                str(reference),
                "--window",
                "10000rows",
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        peaks.append(int(result.stdout.splitlines()[-1]))
    assert peaks[1] - peaks[0] < 40
