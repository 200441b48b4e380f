"""A replay in lines for people: of each window how many rows, what moved, which alarms began or ended; and the sum."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rich.text import Text

from driftline.semconv import TARGET_PAIR, TARGET_ROWS
from driftline_processor.config.durations import format_duration
from driftline_processor.engine.alarm_summary import column_in_words, counts, model_in_words, statement
from driftline_processor.performance.estimated import LIMITS_OF_ESTIMATES
from driftline_processor.performance.harm import Harm
from driftline_processor.performance.measured import Measured
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnResult, IncidentEvent, WindowResult
from driftline_processor.replay.choices import Choices
from driftline_processor.replay.labelled_rows import WindowPerformance
from driftline_processor.replay.replay import Replay
from driftline_processor.replay.timeline import Timeline
from driftline_processor.verdicts.numbers import number, percent, percents
from driftline_processor.verdicts.reasons import OutcomesMoved, Repeated
from driftline_processor.verdicts.verdict import State

_STATES: Final = {
    State.ALARM: ("ALARM", "bold red"),
    State.WARNING: ("warning", "yellow"),
    State.INSUFFICIENT_DATA: ("too few rows", "dim"),
    State.HEALTHY: ("healthy", "green"),
}
"""The word and the colour of each state, the loudest first."""

_MOVED: Final = (State.ALARM, State.WARNING)
_CHANGES: Final = {AlarmChange.OPENED: "bold red", AlarmChange.UPDATED: "red", AlarmChange.CLOSED: "green"}


def window_lines(result: WindowResult, timeline: Timeline, rows: int, *, everything: bool) -> Iterator[Text]:
    """rows: of the data, that were read by now. everything: lines of the columns that did not move too."""
    yield _headline(result, timeline, rows)
    for column in result.columns:
        if everything or (column.verdict is not None and column.verdict.state in _MOVED):
            yield _column(column)
    yield from (_change("incident", event, event.summary) for event in result.incidents)
    if result.alarms:
        told = counts(result.columns)  # the same for each alarm
        yield from (_change("alarm", event, event.summary.removesuffix(f" ({told})")) for event in result.alarms)
        yield Text(f"  {statement(result.columns)}", style="dim")


def _harm(found: Harm) -> str:
    """What inputs that moved do."""
    now, training = number(found.now.value, 3), number(found.training, 3)
    what = "they do harm" if found.harmful else "no harm that scores show"
    return f"inputs moved: {what}; {found.metric} {now} by scores, {training} in training"


SELECTED: Final = (
    "labelled rows have other scores than the rest: weighted by score, which repairs no selection by class "
    "(--probability does)"
)


def performance_lines(found: WindowPerformance, *, moved: bool = False, everything: bool) -> Iterator[Text]:
    """moved: whether inputs are in alarm. everything: metrics of single classes too."""
    yield Text(f"  performance  {percent(found.labelled)} labelled ({found.labels:,} of {found.rows:,} rows)")
    if moved and found.harm is not None:
        yield Text(f"    {_harm(found.harm)}")
    if found.selected:
        yield Text(f"    {SELECTED}", style="dim")
    if any(isinstance(found.metrics[name], Measured) for name in found.estimated):
        yield Text(f"    {LIMITS_OF_ESTIMATES}", style="dim")
    for name, metric in found.metrics.items():
        if "." in name and not everything:
            continue
        if isinstance(metric, Measured):
            value, low, high = (number(each, 3) for each in metric)
            basis = "  estimated" if name in found.estimated else ""
            yield Text(f"    {name}  {value}  ({low} to {high}){basis}")
        else:
            yield Text(f"    {name}  {metric.reason}", style="dim")


def _headline(result: WindowResult, timeline: Timeline, rows: int) -> Text:
    start, end = (timeline.name(moment, rows) for moment in result.window)
    columns = (column for column in result.columns if column.column.target != TARGET_ROWS)
    states = Counter(column.verdict.state for column in columns if column.rows and column.verdict is not None)
    counted = [(f"{states[state]} {word}", style) for state, (word, style) in _STATES.items() if states[state]]
    line = Text(f"{start} – {end}  {result.rows:,.0f} rows  ", style="bold")
    for at, (words, style) in enumerate(counted):
        line.append(", " if at else "", style="not bold")
        line.append(words, style=f"not bold {style}")
    return line


def _column(column: ColumnResult) -> Text:
    name = column_in_words(column.column)
    verdict = column.verdict
    if verdict is None:
        return Text(f"  {name}  not in the reference", style="dim")
    word, style = _STATES[verdict.state]
    line = Text(f"  {name}  ")
    line.append(word, style=style)
    if verdict.state is State.INSUFFICIENT_DATA:
        return line.append(f"  {_few(column)}{verdict.sentence and f'; {verdict.sentence}'}")
    if any(isinstance(each, OutcomesMoved) and each.of_errors for each in verdict.reasons):
        moved, sure, tolerated = (f"{each:.2g}" for each in (verdict.distance, verdict.lower_bound, verdict.tolerance))
        line.append(f"  {verdict.sentence}")
        return line.append(f"  ({moved} moved, {sure} for sure, {tolerated} tolerated)", style="dim")
    sure, tolerated = percents(verdict.lower_bound, verdict.tolerance)
    line.append(f"  {verdict.sentence}")
    return line.append(f"  ({percent(verdict.distance)} moved, {sure} for sure, {tolerated} tolerated)", style="dim")


def _few(column: ColumnResult) -> str:
    """Rows, and as how many they count where their weights differ (Kish); that rows repeat is said by the verdict."""
    rows = f"{column.rows:,.0f} rows"
    repeated = column.verdict is not None and any(isinstance(each, Repeated) for each in column.verdict.reasons)
    if column.effective_rows > 0.95 * column.rows or repeated:
        return rows
    return f"{rows}, which count as {column.effective_rows:,.0f}: they were sampled at different rates"


def _change(noun: str, event: AlarmEvent | IncidentEvent, summary: str) -> Text:
    line = Text("  → ")
    line.append(f"{noun} {event.change.value}", style=_CHANGES[event.change])
    return line.append(f" {event.id[:8]}: {summary.removeprefix(f'{model_in_words(event.model)}: ')}")


@dataclass(slots=True)
class RunTotals:
    """What a replay has found so far. open: columns with an open alarm, by the alarm's id."""

    windows: int = 0
    opened: int = 0
    incidents: int = 0
    open: dict[str, str] = field(default_factory=dict)

    def add(self, result: WindowResult) -> None:
        self.windows += 1
        self.incidents += sum(event.change is AlarmChange.OPENED for event in result.incidents)
        for event in result.alarms:
            if event.change is AlarmChange.OPENED:
                self.opened += 1
                self.open[event.id] = column_in_words(event.column)
            elif event.change is AlarmChange.CLOSED:
                self.open.pop(event.id, None)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def closing_lines(replay: Replay, summary: RunTotals) -> Iterator[str]:
    """What was found in all, and the rows that are in no window."""
    still = f"; still open: {', '.join(summary.open.values())}" if summary.open else ""
    windows, rows = _counted(summary.windows, "window"), _counted(replay.rows, "row")
    several = summary.opened > summary.incidents
    within = f" in {_counted(summary.incidents, 'incident')}" if several else ""
    yield f"{windows} of {rows}: {_counted(summary.opened, 'alarm')}{within}{still}"
    if replay.timeless:
        yield f"Left out {_counted(replay.timeless, 'row')} without a time within 1970 to 2262"
    if replay.late:
        allowed = format_duration(replay.settings.lateness)
        yield (
            f"Left out {_counted(replay.late, 'row')} that came more than {allowed} after newer ones, when their "
            "window had been judged: sort the data by time, or allow more with --lateness"
        )


MOST_COLUMNS: Final = 20
"""Columns whose smallest move is listed: pairs after the others, of each the least visible first."""


def choice_lines(choices: Choices, per: int) -> Iterator[str]:
    """The alarms at other settings, and what could have been seen at those that were chosen.

    per: the period of the budget, nanoseconds.
    """
    budget = f"false alarms in {format_duration(per)}"
    yield f"  tolerance  {budget}  alarms of columns"
    for choice in choices.table():
        allowed = f"{choice.false_alarms:g}".rjust(len(budget))
        mark = "  (chosen)" if choice.chosen else ""
        yield f"  {percent(choice.tolerance):>9}  {allowed}  {choice.alarms:>6}{mark}"
    moves = sorted(choices.smallest_moves().items(), key=lambda each: (each[0].target == TARGET_PAIR, -each[1]))
    if moves:
        yield "Smallest move that every other window would show (median over windows):"
    for column, move in moves[:MOST_COLUMNS]:
        yield f"  {percent(move):>9}  {column_in_words(column)}"
    if len(moves) > MOST_COLUMNS:
        yield f"  and {_counted(len(moves) - MOST_COLUMNS, 'other column')}; --json has all"
