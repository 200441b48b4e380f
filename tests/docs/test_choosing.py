"""The table in "Choosing tolerance and budget" is what the command prints of these data."""

from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from docs.pages import DOCS
from driftline.cli import main

DATA: Final = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="the data are not in the repository")
def test_the_table_is_printed_of_the_car_loan_data(tmp_path: Path) -> None:
    """Line by line; what comes before it is left out."""
    profile = tmp_path / "car.json"
    names = ("--prediction", "y_pred", "--score", "y_pred_proba")

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(main, list(map(str, arguments)))
        assert result.exit_code == 0, result.output
        return result.output

    run("profile", DATA / "car_loan_reference.csv.gz", "-o", profile, "--model", "car", "--label", "repaid", *names)
    live = DATA / "car_loan_analysis.csv.gz"
    printed = run("replay", live, "--reference", profile, *names, "--window", "5000rows").splitlines()
    page = (DOCS / "guides" / "choosing.md").read_text(encoding="utf-8")
    shown = page.split("```text\n…\n")[1].split("\n```")[0].splitlines()

    assert [line for line in shown if line not in printed] == []
    assert printed[printed.index(shown[0]) : printed.index(shown[0]) + len(shown) - 1] == shown[:-1]
