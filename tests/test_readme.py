"""The README says what the code does."""

import re
from pathlib import Path

from readme_tables import README, filled

ROOT = Path(__file__).parents[1]


def test_tables_are_those_of_the_code() -> None:
    """Names, settings, configuration and results are as `make docs` writes them."""
    assert README.read_text() == filled(README.read_text())


def test_links_lead_somewhere() -> None:
    """Every relative link names a file of the repository."""
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text())

    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_command_of_make_exists() -> None:
    """What the README tells a user to make is a target of the Makefile."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", README.read_text(), re.MULTILINE)) <= set(targets)
