"""Alarms, incidents and verdicts as plain values for MessagePack, and back."""

from collections.abc import Mapping
from typing import Any

from driftline_processor.engine.alarms import Alarm
from driftline_processor.engine.incidents import Incident
from driftline_processor.records import ColumnKey
from driftline_processor.verdicts import fields
from driftline_processor.verdicts.reasons import Reason, Stated
from driftline_processor.verdicts.verdict import State, Verdict


def pack_column(column: ColumnKey) -> tuple[str, str]:
    return column.target, column.name


def pack_alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.id,
        "opened": alarm.opened,
        "reference": alarm.reference,
        "told": _pack_verdict(alarm.reported),
        "aspects": alarm.aspects,
        "distance": alarm.distance,
        "largest_bound": alarm.largest_bound,
    }


def unpack_alarm(packed: Mapping[str, Any]) -> Alarm:
    return Alarm(
        id=packed["id"],
        opened=packed["opened"],
        reference=packed["reference"],
        reported=_unpack_verdict(packed["told"]),
        aspects=packed["aspects"],
        distance=packed["distance"],
        largest_bound=packed.get("largest_bound", packed["told"]["lower_bound"]),
    )


def pack_incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "opened": incident.opened,
        "columns": [pack_column(column) for column in incident.columns],
        "reported": incident.reported,
    }


def unpack_incident(packed: Mapping[str, Any]) -> Incident:
    columns = tuple(ColumnKey(*column) for column in packed["columns"])
    return Incident(packed["id"], packed["opened"], columns, packed["reported"])


def _pack_verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "aspect": verdict.aspect,
        "state": verdict.state.value,
        "distance": verdict.distance,
        "lower_bound": verdict.lower_bound,
        "tolerance": verdict.tolerance,
        "score": verdict.score,
        "reasons": [fields.pack(reason) for reason in verdict.reasons],
        "duration": verdict.duration,
    }


def _unpack_verdict(packed: Mapping[str, Any]) -> Verdict:
    return Verdict(
        aspect=packed["aspect"],
        state=State(packed["state"]),
        distance=packed["distance"],
        lower_bound=packed["lower_bound"],
        tolerance=packed["tolerance"],
        score=packed["score"],
        reasons=_unpack_reasons(packed),
        duration=packed["duration"],
    )


def _unpack_reasons(packed: Mapping[str, Any]) -> tuple[Reason, ...]:
    if "reasons" in packed:
        return tuple(fields.unpack(reason) for reason in packed["reasons"])
    return (Stated(packed["event"]),) if packed["event"] else ()  # form 2
