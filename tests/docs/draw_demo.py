"""The README's picture: the demo's own rows through the processor's own verdicts, drawn as SVG.

Nothing in it depends on a clock or a port: the traffic of `driftline demo`, put into a file with the times that it
would have had, is judged by `driftline replay` with the demo's windows.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from click.testing import CliRunner
from numpy.typing import NDArray

import driftline
from driftline.cli import main
from driftline.tools.demo.patients import FAULT, load_patients
from driftline.tools.demo.schedule import INTERACTIVE_HEALTHY, INTERACTIVE_SECONDS
from driftline.tools.demo.traffic import REQUESTS_PER_SECOND, draw_batches
from driftline.tools.demo.training import DAYS, ROWS, SEED, TIMESTAMP

PICTURE: Final = Path(__file__).parents[2] / "docs" / "images" / "ldl.svg"
BEGIN: Final = pd.Timestamp("2026-01-31")
WINDOW: Final = ("--window", "10s", "--step", "2s", "--lateness", "2s")
TRAFFIC_SEED: Final = 1


def training_rows() -> pd.DataFrame:
    """As `training_log`, without what a model says of them."""
    patients, _ = load_patients()
    drawn = np.random.default_rng(SEED).integers(len(patients), size=ROWS)
    log = patients.iloc[drawn].reset_index(drop=True)
    log.insert(0, TIMESTAMP, pd.date_range(end=BEGIN, periods=ROWS + 1, freq=pd.Timedelta(days=DAYS) / ROWS)[:-1])
    return log


def live_rows() -> pd.DataFrame:
    """The requests of the demo, each with the time that it is due."""
    batches = draw_batches(load_patients()[0], TRAFFIC_SEED)
    requests = []
    for number in range(int(INTERACTIVE_SECONDS * REQUESTS_PER_SECOND)):
        elapsed = number / REQUESTS_PER_SECOND
        rows = next(batches)
        rows = FAULT.apply(rows) if elapsed >= INTERACTIVE_HEALTHY else rows
        requests.append(rows.assign(**{TIMESTAMP: BEGIN + pd.Timedelta(seconds=elapsed)}))
    return pd.concat(requests, ignore_index=True)


def replay(training: pd.DataFrame, live: pd.DataFrame) -> dict[str, Any]:
    """What `driftline replay --json` writes of the live rows."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        driftline.profile(training, timestamp=TIMESTAMP, model="progression").save(folder / "reference.json")
        live.to_parquet(folder / "live.parquet")
        files = (folder / "live.parquet", "--reference", folder / "reference.json", "--json", folder / "out.json")
        done = CliRunner().invoke(main, ["replay", *map(str, files), *WINDOW, "--no-choices"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return found


class Panel(NamedTuple):
    """A stretch of the picture, and the values at its borders."""

    left: float
    right: float
    top: float
    bottom: float
    lowest: float
    highest: float
    most: float

    def at(self, x: float, y: float) -> str:
        across = self.left + (x - self.lowest) / (self.highest - self.lowest) * (self.right - self.left)
        return f"{across:.1f},{self.bottom - y / self.most * (self.bottom - self.top):.1f}"

    def line(self, points: Iterable[tuple[float, float]], kind: str) -> str:
        return f'<polyline class="{kind}" points="{" ".join(self.at(x, y) for x, y in points)}"/>'

    def area(self, points: Sequence[tuple[float, float]], kind: str) -> str:
        whole = [(points[0][0], 0.0), *points, (points[-1][0], 0.0)]
        return f'<polygon class="{kind}" points="{" ".join(self.at(x, y) for x, y in whole)}"/>'

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
        across, down = self.at(x, y).split(",")
        return f'<text class="{kind}" x="{across}" y="{down}" text-anchor="{anchor}">{text}</text>'


def _colours(ink: str, soft: str, grid: str, healthy: str, broken: str) -> str:
    return (
        f"text {{ fill: {soft}; }} text.title {{ fill: {ink}; }} .axis {{ stroke: {grid}; }}\n"
        f"  .tolerance {{ stroke: {soft}; }} text.healthy {{ fill: {healthy}; }} text.broken {{ fill: {broken}; }}\n"
        f"  polyline.healthy, polygon.healthy {{ stroke: {healthy}; }} polygon.healthy {{ fill: {healthy}; }}\n"
        f"  polyline.broken, polygon.broken {{ stroke: {broken}; }} polygon.broken {{ fill: {broken}; }}\n"
    )


STYLE: Final = f"""
  text {{ font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }} text.title {{ font-weight: 600; }}
  polyline {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}
  polygon {{ fill-opacity: .25; stroke-width: 1.5; }}
  polyline.axis, polyline.healthy {{ stroke-width: 1; }} polyline.tolerance {{ fill: none; stroke-dasharray: 5 4; }}
  {_colours("#6e7781", "#6e7781", "#afb8c1", "#0969da", "#cf222e")}
  @media (prefers-color-scheme: dark) {{
  {_colours("#f0f6fc", "#9198a1", "#3d444d", "#4493f8", "#ff7b72")}  }}
"""
"""Colours for light pages first, legible on dark ones too: not everything that draws SVG knows media queries."""


def distributions(training: pd.DataFrame, live: pd.DataFrame) -> Iterable[str]:
    """The feature in training and at the end, as shares of rows in bins of a unit that both fit."""
    name = FAULT.feature
    last = live[name].to_numpy()[-3_000:]
    bins = np.arange(0.0, 260.0, 10.0)
    panel = Panel(20, 350, 46, 222, 0.0, 250.0, 1.05)
    yield panel.text(0, 1.17, f"Values of {name}, share of rows", "title")
    for values, kind in ((training[name].to_numpy(), "healthy"), (last, "broken")):
        yield panel.area(_steps(values, bins), kind)
    yield panel.line([(0, 0), (250, 0)], "axis")
    for value in (0, 50, 100, 150, 200, 250):
        yield panel.text(value, -0.1, str(value), anchor="middle")
    yield panel.text(105, 0.27, f"training, {FAULT.old}", "healthy")
    yield panel.text(16, 0.92, f"now, {FAULT.new}", "broken")


def _steps(values: NDArray[np.float64], bins: NDArray[np.float64]) -> list[tuple[float, float]]:
    """A histogram's outline: shares of rows."""
    shares = np.histogram(values, bins)[0] / len(values)
    return list(zip(np.repeat(bins, 2)[1:-1].tolist(), np.repeat(shares, 2).tolist(), strict=True))


def bounds(found: dict[str, Any]) -> Iterable[str]:
    """The lower bound of each input's distance over time, and what is tolerated."""
    ends = [(pd.Timestamp(each["end"]).tz_localize(None) - BEGIN).total_seconds() for each in found["windows"]]
    ends = [min(end, INTERACTIVE_SECONDS) for end in ends]
    columns = [name for name, column in found["windows"][0]["columns"].items() if column["target"] == "input"]
    panel = Panel(400, 730, 46, 222, 0.0, INTERACTIVE_SECONDS, 1.05)
    yield panel.text(0, 1.17, "Lower bound of the distance from training", "title")
    yield panel.line([(0, 0), (INTERACTIVE_SECONDS, 0)], "axis")
    for name in sorted(columns, key=FAULT.feature.__eq__):
        kind = "broken" if name == FAULT.feature else "healthy"
        values = (each["columns"][name]["lower_bound"] for each in found["windows"])
        yield panel.line(zip(ends, values, strict=True), kind)
    tolerance = found["windows"][-1]["columns"][FAULT.feature]["tolerance"]
    yield panel.line([(0, tolerance), (INTERACTIVE_SECONDS, tolerance)], "tolerance")
    yield panel.line([(INTERACTIVE_HEALTHY, 0), (INTERACTIVE_HEALTHY, 1.05)], "axis")
    for value in range(0, int(INTERACTIVE_SECONDS) + 1, 30):
        yield panel.text(value, -0.1, f"{value} s", anchor="middle")
    yield panel.text(INTERACTIVE_HEALTHY - 3, 0.92, "the unit changes", anchor="end")
    yield panel.text(INTERACTIVE_SECONDS, 0.92, f"{FAULT.feature}: alarm", "broken", "end")
    yield panel.text(0, tolerance + 0.03, f"tolerance {tolerance:.2f}")
    yield panel.text(INTERACTIVE_SECONDS, tolerance + 0.03, "the nine other inputs: silent", "healthy", "end")


def draw() -> str:
    """The picture; it adapts to light and dark pages."""
    training, live = training_rows(), live_rows()
    found = replay(training, live)
    assert [alarm["column"] for alarm in found["alarms"]] == [FAULT.feature]
    parts = "\n  ".join([*distributions(training, live), *bounds(found)])
    title = f"{FAULT.feature} arrives in {FAULT.new} instead of {FAULT.old}: it alone is alarmed."
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 250" role="img">\n'
        f"  <title>{title}</title>\n  <style>{STYLE}  </style>\n  {parts}\n</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw())
    sys.stdout.write(f"{PICTURE.name}: {PICTURE.stat().st_size} bytes\n")
