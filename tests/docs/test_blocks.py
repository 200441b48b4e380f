"""Every block of code in README and docs runs, or says in the source why not."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from certificates import Authority
from docs.pages import PAGES, Block, blocks
from docs.sandbox import NAMES, NAMES_BY_PAGE, ROWS, Ports, build
from driftline import semconv
from e2e.processes import find_collector, running
from otlp_sink import OtlpSink

pytestmark = pytest.mark.e2e

LANGUAGES = ("sh", "console", "python", "yaml")
SECONDS = 120

CODE = [block for page in PAGES for block in blocks(page) if block.language in LANGUAGES]
RUN = [block for block in CODE if block.order != "not run"]
ONCE = {(block.text, NAMES_BY_PAGE.get(block.page.name)): block for block in reversed(RUN)}
"""What stands on two pages is run as the first of them has it."""


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files, made once."""
    folder = tmp_path_factory.mktemp("docs")
    build(folder)
    Authority(folder).issue("tls")
    (folder / "tokens.txt").write_text("t0ken\n")
    (folder / "acme.tokens").write_text("acme-t0ken\n")
    return folder


@pytest.fixture
def folder(sandbox: Path, tmp_path: Path) -> Path:
    """The files, for one block alone."""
    shutil.copytree(sandbox, tmp_path / "docs", symlinks=True)
    return tmp_path / "docs"


def test_every_block_has_a_language() -> None:
    """A fence says what it holds; what it cannot be run as is `text`."""
    known = {*LANGUAGES, "text"}

    assert [block.name for page in PAGES for block in blocks(page) if block.language not in known] == []


@pytest.mark.parametrize("block", list(reversed(ONCE.values())), ids=lambda block: block.name)
def test_block_runs(block: Block, folder: Path, otlp_sink: OtlpSink) -> None:
    """A user who copies it gets no error, a server that it starts gets ready, and what a model is given arrives."""
    ports = Ports(otlp_sink.port)
    ports.configure(folder)
    text, environ = ports.put_into(block.text), ports.environment(folder)
    if block.order == "run until":
        _serve(text, block.detail, folder, environ)
    elif block.language == "python":
        names = NAMES_BY_PAGE.get(block.page.name, NAMES)
        _run(["python", "-c", f"{names}\nimport driftline\n{text}"], folder, environ)
    elif block.language == "yaml":
        _configure(text, folder, environ)
    else:
        _run(["bash", "-euo", "pipefail", "-c", text], folder, environ)
    if "python serve.py" in text or text.startswith("file_format"):
        assert otlp_sink.total(semconv.INFERENCE_ROWS) == ROWS


def test_most_blocks_run() -> None:
    """What is not run is the exception, and has a reason."""
    skipped = [block for block in CODE if block.order == "not run"]

    print(f"{len(RUN)} blocks are run, {len(skipped)} are not:")
    print("\n".join(f"  {block.name} {block.language}: {block.detail}" for block in skipped))
    assert len(RUN) > len(skipped)


def _serve(text: str, pattern: str, folder: Path, environ: Mapping[str, str]) -> None:
    """The last line starts a server: it takes the place of the shell, so that it has the id that is ended."""
    if "otelcol-contrib" in text:
        find_collector()
    *lines, last = text.rstrip().splitlines()
    script, log = "\n".join([*lines, f"exec {last}"]), folder / "server.log"
    command = ["bash", "-euo", "pipefail", "-c", script]
    with running("server", command, folder=folder, ready=lambda: re.search(pattern, log.read_text()), env=environ):
        pass


def _run(command: list[str], folder: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "does not provide the extra" not in done.stderr


def _configure(text: str, folder: Path, environ: Mapping[str, str]) -> None:
    """A file for OpenTelemetry's SDK, or for the processor."""
    if text.startswith("file_format"):
        _run(["opentelemetry-instrument", "python", "serve.py"], folder, {**environ, "OTEL_CONFIG_FILE": "otel.yaml"})
    else:
        (folder / "processor.yaml").write_text(text)
        _run(["driftline-processor", "--check", "--config", "processor.yaml"], folder, environ)
