import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def progress(log: Path, command: str) -> "subprocess.CompletedProcess[str]":
    line = [str(ROOT / "scripts" / "progress.sh"), "build", str(log), "sh", "-c", command]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def test_a_command_that_succeeds_leaves_its_output_in_the_log(tmp_path: Path) -> None:
    """The caller sees only how long it took."""
    result = progress(tmp_path / "log", "echo out; echo err >&2")

    assert result.returncode == 0
    assert result.stdout.startswith("build: done in 0:0")
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_a_command_that_fails_shows_the_end_of_its_output(tmp_path: Path) -> None:
    """With its own exit status."""
    result = progress(tmp_path / "log", "seq 100; exit 3")

    assert result.returncode == 3
    assert result.stderr.startswith("build: failed after 0:0")
    assert result.stderr.splitlines()[1:] == [str(number) for number in range(71, 101)]


def test_a_pipe_is_told_soon_what_goes_on(tmp_path: Path) -> None:
    """In a line that is cut visibly, without pip's list of packages."""
    long = progress(tmp_path / "log", f"echo {'x' * 80}; sleep 3")
    pip = progress(tmp_path / "log", "echo 'Installing collected packages: numpy, scipy'; sleep 3")

    assert long.stdout.splitlines()[0].split("  ")[1] == f"{'x' * 59}…"
    assert pip.stdout.splitlines()[0].split("  ")[1] == "Installing collected packages"


def test_a_command_does_not_read_what_is_typed(tmp_path: Path) -> None:
    """One that asks a question gets no answer instead of waiting for ever behind the log."""
    result = progress(tmp_path / "log", "read answer || echo none")

    assert (tmp_path / "log").read_text() == "none\n"
    assert result.returncode == 0
