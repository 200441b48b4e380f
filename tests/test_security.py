"""What SECURITY.md promises: each promise names tests that are there, and what is built is pinned."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMISES = re.split(r"^- ", (ROOT / "SECURITY.md").read_text(), flags=re.MULTILINE)[1:]
PINNED = ("processor/requirements.txt", "processor/build-requirements.txt")
HASHED = re.compile(r"([A-Za-z0-9._-]+)==([^ ]+)(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:30])
def test_a_promise_names_its_tests(promise: str) -> None:
    """By files that hold some."""
    named = re.findall(r"`(tests/[^`]+)`", promise)

    assert named
    for path in named:
        assert "def test_" in (ROOT / path).read_text(), path


@pytest.mark.parametrize("path", PINNED)
def test_what_the_image_downloads_is_known_by_its_hash(path: str) -> None:
    """Each package by one version; no index is named; pip is told to insist."""
    text = (ROOT / path).read_text()
    dockerfile = (ROOT / "processor" / "Dockerfile").read_text()

    assert HASHED.sub("", text) == ""
    assert len(HASHED.findall(text)) == len({name for name, _ in HASHED.findall(text)}) > 5
    assert f"--require-hashes --requirement {path}" in dockerfile
    downloads = [line for line in re.findall(r"pip (?:install|wheel) [^&\n]*", dockerfile) if "--no-deps" not in line]
    assert all("--require-hashes" in line for line in downloads)


def test_the_image_has_the_versions_that_the_tests_passed_with() -> None:
    """Those of constraints.txt."""
    text = (ROOT / "constraints.txt").read_text()
    newest = {
        name.lower().replace("_", "-"): version
        for name, version in re.findall(r"^([\w.-]+)==([^ ;\n]+)", text, re.MULTILINE)
    }
    pinned = dict(HASHED.findall((ROOT / PINNED[0]).read_text()))

    assert {name: newest.get(name) for name in pinned} == pinned


def _commands(folder: Path, audit: str, status: int) -> Path:
    """Stand-ins for the tools that are called."""
    for name, text in (("cyclonedx-py", "exit 0"), ("pip-audit", f"echo '{audit}'; exit {status}")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("audit", "status", "expected", "said"),
    [
        ("No known vulnerabilities found", 0, 0, "no known vulnerability"),
        ("Found 1 known vulnerability in 1 package", 1, 1, "known vulnerabilities"),
        ("Max retries exceeded with url", 1, 3, "NOT audited"),
        ("wrapt  Dependency not found on PyPI and could not be audited: wrapt (2.5.2)", 0, 3, "NOT audited: 1 package"),
    ],
)
def test_release_check(audit: str, status: int, expected: int, said: str, tmp_path: Path) -> None:
    """A service that cannot be reached is no clean bill of health."""
    environment = {"PATH": "/usr/bin:/bin", "RELEASE_BIN": str(_commands(tmp_path, audit, status))}
    command = [ROOT / "scripts" / "release-check.sh"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == expected
    assert said in done.stdout + done.stderr
