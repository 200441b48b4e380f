"""Every entrance for a moment under atheris, and with all bytes that are kept: what broke something, what leads on.

`make fuzz` takes an hour. A new entrance is one file in targets/, with a folder of its own in corpus/.
"""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
TARGETS = sorted(file.stem for file in (FOLDER / "targets").glob("[!_]*.py"))
KEPT = sorted(file for file in (FOLDER / "corpus").rglob("*") if file.is_file())


def test_every_entrance_has_bytes_to_begin_with() -> None:
    """And none are kept for one that is gone."""
    assert sorted(folder.name for folder in (FOLDER / "corpus").iterdir()) == TARGETS
    assert {file.parent.name for file in KEPT} == {*TARGETS}


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_kept(target: str) -> None:
    """Nothing breaks that is known to lead far."""
    enter = import_module(f"fuzz.targets.{target}").enter
    for file in KEPT:
        if file.parent.name == target:
            enter(file.read_bytes())


def test_a_moment_of_fuzzing(tmp_path: Path) -> None:
    """New bytes, led by what they reach, from the same seed every time; those that break something are printed."""
    pytest.importorskip("atheris", reason="has no build for this Python")
    command = [sys.executable, "-W", "ignore", "-m", "fuzz", "3", str(tmp_path), *TARGETS]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent), "FUZZ_SEED": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=200)
    broken = {file.name: file.read_bytes() for file in tmp_path.glob("*-*")}

    assert done.returncode == 0, f"{broken}\n{done.stderr.decode(errors='replace')[-3000:]}"
