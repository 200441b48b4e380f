"""The live table: the status of the demo as something rich can draw, at most 24 lines high. Pure."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from driftline.reference.profile_column import ColumnKey
from driftline.semconv import CONFIDENCE, PREDICTION, SCORE, TARGET_INPUT, TARGET_OUTPUT
from driftline.tools.demo.findings import AlarmRun, Finding
from driftline.tools.demo.patients import FEATURES
from driftline.tools.demo.schedule import Phase
from driftline.tools.demo.status import DemoStatus, clock

ROWS: Final = (
    *(ColumnKey(TARGET_INPUT, name) for name in FEATURES.values()),
    *(ColumnKey(TARGET_OUTPUT, name) for name in (PREDICTION, CONFIDENCE, SCORE)),
)
VERDICTS: Final = {
    None: ("unknown", "dim"),
    -1: ("too few", "dim"),
    0: ("ok", "green"),
    1: ("warning", "yellow"),
    2: ("ALARM", "bold red"),
}
"""The word and the style for each state of a column; None: the reference does not have it."""

ALARMS_SHOWN: Final = 3

BAR: Final = 22
"""Characters of a bar. The tolerance is its middle; distances over twice the tolerance are cut off."""

_SURE, _POSSIBLE, _LIMIT = "━", "╌", "┃"


def render(status: DemoStatus) -> RenderableType:
    """The whole screen."""
    return Group(
        _headline(status),
        Text(status.describe(), style="cyan"),
        _columns(status),
        _predictions(status),
        *(_alarm(alarm) for alarm in islice(status.report.alarms, ALARMS_SHOWN)),
        _rows(status),
    )


def _headline(status: DemoStatus) -> Text:
    path = "server → Collector → processor → Collector → here" if status.collector else "server → processor → here"
    times = f"{clock(min(status.elapsed, status.schedule.seconds))} of {clock(status.schedule.seconds)}"
    return Text.assemble(("Driftline", "bold"), f"  {times}  ", (path, "dim"))


def _columns(status: DemoStatus) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("column", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    table.add_column(f"{_SURE} sure {_POSSIBLE} maybe {_LIMIT} limit", width=BAR, no_wrap=True)
    table.add_column("distance", justify="right", no_wrap=True)
    table.add_column("tolerance", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for column in ROWS:
        table.add_row(*_row(column, status.report.columns.get(column)))
    return table


def _row(column: ColumnKey, finding: Finding | None) -> Iterable[RenderableType]:
    name = Text(column.name, style="" if column.target == TARGET_INPUT else "italic")
    if finding is None:
        return name, "", "", "", "", Text("waiting", style="dim")
    verdict, style = VERDICTS[finding.state]
    return (
        name,
        _number(finding.median, ".4g"),
        bar(finding, style),
        _number(finding.distance, ".3f"),
        _number(finding.tolerance, ".3f"),
        Text(verdict, style=style),
    )


def bar(finding: Finding, style: str) -> Text:
    """The distance against the tolerance: in an alarm the sure part crosses the limit."""
    if finding.distance is None or finding.lower_bound is None or not finding.tolerance:
        return Text("")
    unit = BAR / 2 / finding.tolerance
    sure = min(BAR, max(0, round(finding.lower_bound * unit)))
    possible = min(BAR, max(sure, round(finding.distance * unit)))
    marks = (_SURE * sure + _POSSIBLE * (possible - sure)).ljust(BAR)
    limit = BAR // 2
    return Text.assemble((marks[:limit], style), _LIMIT, (marks[limit + 1 :], style))


def _predictions(status: DemoStatus) -> Text:
    shares = "   ".join(f"{name} {share:.0%}" for name, share in sorted(status.report.shares.items()))
    return Text.assemble(("predictions  ", "bold"), shares or Text("waiting", style="dim"))


def _alarm(alarm: AlarmRun) -> Text:
    at = datetime.fromtimestamp(alarm.seen / 1e9).astimezone().strftime("%H:%M:%S")
    what = alarm.moved or "alarm"
    return Text(f"alarm        {alarm.column.name} since {at}: {what}", "bold red", overflow="ellipsis", no_wrap=True)


def _rows(status: DemoStatus) -> Text:
    counted = f"{status.rows_sent:,} sent, {status.report.rows_counted:,} counted by the processor"
    hint = "" if status.phase is Phase.OVER else "   Ctrl-C stops the demo"
    return Text.assemble(("rows         ", "bold"), counted, (hint, "dim"))


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
