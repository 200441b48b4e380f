"""What `--json` writes: windows as they come, then alarms, incidents and choices. The same rows give the same bytes."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

from driftline_processor.encode.documents import column_document, column_name, named_columns, reason_documents
from driftline_processor.performance.measured import Measured, Metric
from driftline_processor.records import AlarmChange, AlarmEvent, IncidentEvent, WindowResult
from driftline_processor.replay.choices import Choices
from driftline_processor.replay.labelled_rows import WindowPerformance
from driftline_processor.replay.segment_report import SegmentEntries
from driftline_processor.replay.timeline import Timeline


class Document:
    """Writes a document window by window: only alarms and incidents are kept until its end."""

    def __init__(self, file: TextIO, timeline: Timeline) -> None:
        self._file, self._timeline = file, timeline
        self._alarms: dict[str, dict[str, Any]] = {}
        self._incidents: dict[str, dict[str, Any]] = {}
        self._segments = SegmentEntries(timeline)
        self._windows = 0
        file.write('{"windows": [')

    def add(self, result: WindowResult, rows: int, performance: WindowPerformance | None = None) -> None:
        """rows: of the data, that were read by now."""
        self._file.write(",\n" if self._windows else "\n")
        self._file.write(_json(_window(result, self._timeline, rows) | _performance(performance)))
        self._windows += 1
        self._segments.add(result, rows)
        for event in result.alarms:
            self._follow(event, rows)
        for incident in result.incidents:
            self._follow_incident(incident, rows)

    def _follow(self, event: AlarmEvent, rows: int) -> None:
        if event.change is AlarmChange.OPENED:
            self._alarms[event.id] = {
                "id": event.id,
                "column": event.column.name,
                "target": event.column.target,
                "incident": event.incident,
                "opened": self._timeline.name(event.opened, rows),
                "closed": None,
                "summary": event.summary,
                "reasons": reason_documents(event.verdict),
            }
        elif event.change is AlarmChange.CLOSED:
            self._alarms[event.id]["closed"] = self._timeline.name(event.time, rows)

    def _follow_incident(self, event: IncidentEvent, rows: int) -> None:
        """Its columns, in the order in which they joined; its sentence, as it opened."""
        opened: dict[str, Any] = {
            "id": event.id,
            "opened": self._timeline.name(event.opened, rows),
            "closed": None,
            "columns": [],
        }
        held = self._incidents.setdefault(event.id, {**opened, "summary": event.summary})
        columns = [{"column": column.name, "target": column.target} for column in event.columns]
        held["columns"] += [column for column in columns if column not in held["columns"]]
        if event.change is AlarmChange.CLOSED:
            held["closed"] = self._timeline.name(event.time, rows)

    def end(self, choices: Choices | None = None) -> None:
        self._file.write("\n]")
        for name, held in (("alarms", self._alarms), ("incidents", self._incidents)):
            lines = ",\n".join(map(_json, held.values()))
            self._file.write(f',\n"{name}": [\n{lines}\n]' if lines else f',\n"{name}": []')
        lines = ",\n".join(map(_json, self._segments.entries()))
        self._file.write(f',\n"segments": [\n{lines}\n]' if lines else ',\n"segments": []')
        if choices is not None:
            self._file.write(f',\n"choices": {_json(_choices(choices))}')
        self._file.write("}\n")


def _choices(choices: Choices) -> dict[str, Any]:
    moves = choices.smallest_moves()
    times = Counter(column.name for column in moves)
    return {
        "alarms": [choice._asdict() for choice in choices.table()],
        "smallest_moves": {column_name(column, times): move for column, move in moves.items()},
    }


def _window(result: WindowResult, timeline: Timeline, rows: int) -> dict[str, Any]:
    return {
        "start": timeline.name(result.window.start, rows),
        "end": timeline.name(result.window.end, rows),
        "rows": round(result.rows),
        "columns": {name: column_document(column) for name, column in named_columns(result.columns).items()},
    }


def _performance(found: WindowPerformance | None) -> dict[str, Any]:
    if found is None:
        return {}
    harm = found.harm
    does = {} if harm is None else {"harm": {**harm._asdict(), "now": harm.now.value}}
    doubt = {"selection": "unknown"} if found.selected else {}
    return {
        "performance": {
            name: _metric(each, found.labelled, found.basis(name)) | (doubt if name not in found.estimated else {})
            for name, each in found.metrics.items()
        },
        **does,
    }


def _metric(metric: Metric, labelled: float, basis: str) -> dict[str, Any]:
    """reason: why there is no value."""
    if isinstance(metric, Measured):
        return {**metric._asdict(), "basis": basis, "labelled": labelled}
    nothing = dict.fromkeys(Measured._fields)
    return {**nothing, "basis": basis, "labelled": labelled, "reason": metric.reason}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
