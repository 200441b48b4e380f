import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PYTHON = """\
#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") echo "$@" >>"$CALLS" ;;
esac
"""
"""Stands for Python: makes an environment of itself, and writes down how pip is called."""


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return tmp_path / "venv"


def install(tmp_path: Path, *arguments: str) -> list[str]:
    """Runs the script; gives the calls of pip."""
    python, calls = tmp_path / "python", tmp_path / "calls"
    python.write_text(PYTHON)
    python.chmod(0o755)
    command = [str(ROOT / "scripts" / "install.sh"), str(tmp_path / "venv"), *arguments]
    env = os.environ | {"PYTHON": str(python), "CALLS": str(calls)}
    subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return calls.read_text().splitlines()


def test_it_makes_an_environment_and_hands_its_arguments_to_pip(tmp_path: Path, venv: Path) -> None:
    """In the folder that is named."""
    calls = install(tmp_path, "--editable", ".[demo]")

    assert (venv / "bin" / "python").exists()
    assert calls[-1].endswith(" --editable .[demo]")


def test_packages_of_an_interrupted_install_are_installed_again(tmp_path: Path, venv: Path) -> None:
    """Pip writes RECORD last: what lacks it is hidden from pip; what has it stays."""
    packages = venv / "lib" / "python3.11" / "site-packages"
    whole, half = packages / "whole-1.dist-info", packages / "half-1.dist-info"
    for each in (whole, half):
        each.mkdir(parents=True)
        (each / "METADATA").touch()
    (whole / "RECORD").touch()

    install(tmp_path, "half")

    assert whole.exists()
    assert not half.exists()
