"""Blocks in the user's words mean the same in a reference, in the configuration and in an option of a replay."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import driftline
from replay_data import alarmed, replay, results

NAMES = ["pulse", "pressure", "glucose", "weight", "height", "ph"]
ROWS, WINDOWS = 1_000, 4


def rows(hours: int, seed: int, shift: float, first: int = 0) -> dict[str, object]:
    """Columns that have to do with each other; all of them move by so many standard deviations, one other does not."""
    random = np.random.default_rng(seed)
    n = hours * ROWS
    together = random.normal(size=n)
    columns = {name: 0.6 * together + 0.8 * random.normal(size=n) + shift * (-1) ** i for i, name in enumerate(NAMES)}
    times = 1_700_006_400 + 3600 * first + np.arange(n) * 3600.0 / ROWS
    return {"time": times, **columns, "age": random.normal(size=n)}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two healthy hours, then two in which each of six columns has moved by .2 standard deviations."""
    parts = [rows(2, 1, 0.0, 100), rows(2, 2, 0.2, 102)]
    path = tmp_path_factory.mktemp("live") / "live.parquet"
    pa.parquet.write_table(pa.concat_tables([pa.table(part) for part in parts]), path)
    return path


def save(path: Path, blocks: dict[str, list[str]]) -> Path:
    driftline.profile(rows(96, 0, 0.0), timestamp="time", model="m", blocks=blocks).save(path)
    return path


def open_alarms(tmp_path: Path, live: Path, reference: Path, *options: object) -> list[set[str]]:
    """Names in alarm by window."""
    told = results(tmp_path, live, "--reference", reference, "--timestamp", "time", "--window", "1h", *options)
    return [alarmed(window) for window in told["windows"]]


def test_a_block_is_one_page_in_the_first_window(tmp_path: Path, live: Path) -> None:
    """From the reference, an option or the configuration; its columns are not told one by one."""
    plain, own = save(tmp_path / "plain.json", {}), save(tmp_path / "own.json", {"vitals": ["p*", *NAMES[2:5]]})
    config = tmp_path / "processor.yaml"
    config.write_text("verdict: {blocks: {vitals: [p*, glucose, weight, height]}}")
    one_page: list[set[str]] = [set(), set(), {"vitals"}, {"vitals"}]

    assert open_alarms(tmp_path, live, own) == one_page
    assert open_alarms(tmp_path, live, plain, "--block", "vitals=p*,glucose,weight,height") == one_page
    assert open_alarms(tmp_path, live, plain, "--config", config) == one_page
    assert "vitals" not in open_alarms(tmp_path, live, plain)[3]


def test_replay_says_what_is_no_block(tmp_path: Path, live: Path) -> None:
    """A pattern that no column has, and a block that is too small."""
    plain = save(tmp_path / "plain.json", {})
    run = replay(live, "--reference", plain, "--timestamp", "time", "--block", "small=pulse,xx*")

    assert "Block 'small': 1 columns, judged one by one: a block has at least 4\n" in run.output
    assert "Block 'small': 'xx*' matches no column\n" in run.output
    assert "'--block'" in replay(live, "--reference", plain, "--block", "small").output
