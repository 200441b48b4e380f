"""A report: one file with the facts of a replay, or of a running processor, and nothing beside it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from driftline.cli import main
from driftline_processor.web.report import report_of_replay
from replay_data import AN_HOUR, logged, results, save_reference, write_parquet
from served_pages import judged, serving, site


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("replayed")
    data = logged(8, seed=1)
    data["age"] = [x and 12 * x if i >= 4 * AN_HOUR else x for i, x in enumerate(data["age"])]
    path = write_parquet(folder / "broken.parquet", data)
    return results(folder, path, "--reference", save_reference(folder / "churn.json"))


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_a_backtest_is_one_file(found: Any, tmp_path: Path) -> None:
    """With each column, the sentence of each alarm, and no address of anything else."""
    (tmp_path / "churn.json").write_text(json.dumps(found), encoding="utf-8")
    told = report(tmp_path / "churn.json", "-o", tmp_path / "report.html")
    assert told.exit_code == 0, told.output
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in found["windows"][-1]["columns"])
    assert found["windows"][-1]["columns"]["age"]["sentence"] in page
    assert "Incident since Fri 1 Mar 2024, 05:00" in page
    assert not re.search(r"(?:src|href|action)=\"(?!#)|<script", page)


def test_rows_without_times_have_numbers(found: Any) -> None:
    """As the windows of a replay without timestamps."""
    windows = [{**each, "start": i * 600, "end": (i + 1) * 600} for i, each in enumerate(found["windows"])]
    page = report_of_replay({"windows": windows, "alarms": [], "incidents": []}, "churn")
    assert "row 4,800" in page


def test_a_thousand_columns_fit(found: Any) -> None:
    """Below 2 MB."""
    score = found["windows"][-1]["columns"]["score"]
    windows = [{**each, "columns": {f"column_{i:04}": score for i in range(1_000)}} for each in found["windows"]]
    page = report_of_replay({"windows": windows, "alarms": [], "incidents": []}, "<b>churn</b>")
    assert len(page.encode()) < 2_000_000
    assert "column_0999" in page
    assert "<b>churn" not in page


def test_a_running_processor_is_asked(tmp_path: Path) -> None:
    """For the model and its timeline."""
    with serving(site(judged(tmp_path, 6))) as address:
        told = report("--processor", address, "--model", "churn", "-o", tmp_path / "report.html")
        missing = report("--processor", address, "--model", "fraud", "-o", tmp_path / "none.html")
    assert told.exit_code == 0, told.output
    assert "values never seen in training" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (missing.exit_code, (tmp_path / "none.html").exists()) == (2, False)


@pytest.mark.parametrize("text", ["{}", "[]", '{"windows": []}', '{"windows": [{"columns": {}}]}', "no JSON"])
def test_what_is_no_result_is_said(tmp_path: Path, text: str) -> None:
    """And nothing is written."""
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    told = report(tmp_path / "results.json", "-o", tmp_path / "report.html")
    assert told.exit_code == 2
    assert "results.json" in told.output
    assert not (tmp_path / "report.html").exists()
