"""Stores that are damaged: the processor starts with what is left, or ends with one line that names the store."""

import shutil
import subprocess
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pytest

from e2e.processes import BIN, wait_until
from postgres_cluster import PostgresCluster
from torture.backend import Backend
from torture.damages import DAMAGES, FILES, STATEMENTS, literals
from torture.otlp_stream import Stream
from torture.processors import Processor
from torture.rig import Rig
from torture.traffic import normal

MODELS = [f"m{number}" for number in range(5)]
SETTINGS = {"window": {"size": "6s", "step": "2s", "lateness": "30s"}, "snapshot": {"every": "1s"}}
SHORT = ("a snapshot of noise",)


class Outcome(NamedTuple):
    """What a processor made of a damaged store. clean: it serves, or said in one line why not, without a traceback."""

    said: str
    checked: int
    rows: dict[str, float]
    clean: bool


def test_damaged_files(rig: Rig) -> None:
    """SQLite: whatever was done to the file, to the WAL or to a row."""
    backend = rig.backend()
    base, sent = used_store(rig, backend, {})
    outcomes = {}
    for name in rig.choose(short=SHORT, full=tuple(DAMAGES)):
        processor = rig.processor(export=backend.port, settings=SETTINGS)
        for file in FILES:
            shutil.copy(base.folder / file, processor.folder / file)
        DAMAGES[name](processor.folder)
        outcomes[name] = outcome(rig, processor, backend)
    tell(rig, outcomes, sent)


@pytest.mark.full
def test_damaged_rows(rig: Rig, cluster: PostgresCluster) -> None:
    """PostgreSQL: whatever was done to a row or a table."""
    backend, template = rig.backend(), cluster.new_database()
    _, sent = used_store(rig, backend, {"store": template})
    outcomes = {}
    for name, statements in {"none": (), **STATEMENTS}.items():
        url = cluster.copy(template)
        for statement in statements:
            cluster.execute(statement.format(**literals("'\\x{}'")), url)
        processor = rig.processor(export=backend.port, settings={**SETTINGS, "store": url})
        outcomes[name] = outcome(rig, processor, backend)
    tell(rig, outcomes, sent)


def tell(rig: Rig, outcomes: dict[str, Outcome], sent: dict[str, int]) -> None:
    """Into the figures; and a store without damage has lost nothing."""
    for name, found in outcomes.items():
        whole = sum(found.rows.get(model) == rows for model, rows in sent.items())
        kept = f"; {whole} of {len(sent)} models whole" if found.rows else ""
        rig.figures[name] = f"--check {found.checked}; {found.said[:120]}{kept}"
    unclear = [name for name, found in outcomes.items() if not found.clean]
    rig.figures["start, or say clearly why not"] = f"{len(outcomes) - len(unclear)} of {len(outcomes)}"
    assert not unclear
    if "none" in outcomes:
        assert outcomes["none"].rows.items() >= sent.items()


def used_store(rig: Rig, backend: Backend, settings: dict[str, object]) -> tuple[Processor, dict[str, int]]:
    """A processor that was killed when it had snapshots and a journal, and the rows that were sent to it."""
    processor = rig.processor(export=backend.port, settings={**SETTINGS, **settings})
    processor.start()
    streams = [Stream(model, "spans", columns=[f"c{j}" for j in range(20)], number=n) for n, model in enumerate(MODELS)]
    client, values = rig.client(processor.port), normal(10.0)
    until = time.monotonic() + rig.choose(short=1.5, full=8)
    while time.monotonic() < until:
        for stream in streams:
            assert client.deliver(stream.next(values())).taken
        time.sleep(0.1)
    processor.kill()
    return processor, {stream.model: stream.rows for stream in streams}


def outcome(rig: Rig, processor: Processor, backend: Backend) -> Outcome:
    """Checks the store, then starts on it and sends a request."""
    command = [BIN / "driftline-processor", "--config", processor.config, "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, cwd=processor.folder, check=False)
    backend.rows.clear()
    processor.launch()
    client = rig.client(processor.port)
    wait_until(lambda: not processor.alive or client.serving, "it serves or ends")
    if processor.alive:
        answer = client.send(Stream("new", "spans").next(np.ones(10)))
        with suppress(AssertionError):
            backend.wait_for(lambda _: "new" in backend.rows, 10)
        rows, clean = dict(backend.rows), answer.taken and client.serving
        clean = processor.stop() == 0 and clean
        said = "; ".join(["starts", *warnings(processor.log)])
    else:
        said, rows = processor.log.strip().splitlines()[-1], {}
        clean = processor.stop() == 1 and said.startswith("store ") and checked.returncode != 0
    clean = clean and "Traceback" not in processor.log + checked.stderr
    return Outcome(said.replace(str(processor.folder), "…"), checked.returncode, rows, clean)


def warnings(log: str) -> list[str]:
    """The first of what it warned of."""
    return [line.split(" ", 3)[3] for line in log.splitlines() if " WARNING " in line or " ERROR " in line][:1]
