"""What late rows need of a model as plain values for MessagePack, and back.

Of the checkpoints the first one is enough: all windows since can be judged again from there.
"""

from collections.abc import Mapping
from typing import Any

from driftline_processor.engine import old_keys
from driftline_processor.engine.alarm_form import (
    pack_alarm,
    pack_column,
    pack_incident,
    unpack_alarm,
    unpack_incident,
)
from driftline_processor.engine.alarms import Alarm
from driftline_processor.engine.announcements import Announced, Announcements
from driftline_processor.engine.checkpoints import Checkpoint, Checkpoints
from driftline_processor.engine.model_state import ModelState
from driftline_processor.engine.provisional_reference import ProvisionalData
from driftline_processor.engine.senders import Progress, Senders
from driftline_processor.engine.summary_ops import pack_summary, unpack_summary
from driftline_processor.monitors.drift.history import calm_windows, trailing_windows
from driftline_processor.monitors.outputs import past as outputs_past
from driftline_processor.records import ColumnKey, ColumnSummary


def pack_late(model: ModelState) -> dict[str, Any]:
    panes, checkpoints, base = model.panes, model.checkpoints, model.checkpoints.held[0]
    return {
        "reopened": (panes.released, panes.reopened, panes.woken, model.late_since),
        "judged": (list(checkpoints.judged.items()), panes.replayed),
        "end": base.end,
        "alarms": [(pack_column(column), pack_alarm(alarm)) for column, alarm in base.alarms.items()],
        "incident": None if base.incident is None else pack_incident(base.incident),
        "trail": trailing_windows.pack(base.trailing),
        "calm": None if base.trailing.calm is None else calm_windows.pack(base.trailing.calm),
        "outputs": outputs_past.pack(base.outputs),
        "gathered": None if base.provisional.full else _pack_gathered(base.provisional),
        "announced": [
            (subject and pack_column(subject), [_pack_announced(each) for each in held])
            for subject, held in model.announced.by_subject.items()
        ],
        "events": list(model.announced.events.items()),
        "stored": list(panes.stored.items()),
        "old_keys": old_keys.pack(model.streams.old),
        "senders": [(key, each.newest) for key, each in model.senders.by_id.items()] if model.senders else [],
    }


def unpack_late(model: ModelState, late: Mapping[str, Any] | None) -> None:
    """Without it, as of an earlier version, panes that have been judged stay closed."""
    panes = model.panes
    model.senders = Senders(panes.lateness, panes.step)
    if late is None:
        panes.released = panes.sealed
        model.checkpoints = Checkpoints([model.checkpoint(panes.sealed)])
        return
    panes.released, panes.reopened, panes.woken, model.late_since = late["reopened"]
    trailing = trailing_windows.unpack(late["trail"])
    trailing.calm = None if late["calm"] is None else calm_windows.unpack(late["calm"])
    gathered = late["gathered"]
    base = Checkpoint(
        late["end"],
        {ColumnKey(*column): unpack_alarm(alarm) for column, alarm in late["alarms"]},
        None if late["incident"] is None else unpack_incident(late["incident"]),
        trailing,
        model.provisional if gathered is None else ProvisionalData(panes.step, *_unpack_gathered(gathered)),
        outputs_past.unpack(late.get("outputs", ())),
    )
    judged, panes.replayed = late["judged"]
    model.checkpoints = Checkpoints([base], dict(judged))
    by_subject = {
        subject and ColumnKey(*subject): [_unpack_announced(each) for each in held]
        for subject, held in late["announced"]
    }
    model.announced = Announcements(by_subject, dict(late["events"]))
    panes.stored = dict(late["stored"])
    model.streams.old = old_keys.unpack(late["old_keys"])
    model.senders.by_id = {key: Progress(newest, 0, 0, 0) for key, newest in late["senders"]}


def _pack_gathered(data: ProvisionalData) -> tuple[Any, ...]:
    return [(start, pack_columns(held)) for start, held in data.panes.items()], data.rows


def _unpack_gathered(packed: tuple[Any, ...]) -> tuple[dict[int, Mapping[ColumnKey, ColumnSummary]], float]:
    panes, rows = packed
    return {start: unpack_columns(held) for start, held in panes}, rows


def pack_columns(held: Mapping[ColumnKey, ColumnSummary]) -> list[tuple[Any, ...]]:
    return [(pack_column(column), pack_summary(each)) for column, each in held.items()]


def unpack_columns(packed: tuple[Any, ...]) -> dict[ColumnKey, ColumnSummary]:
    return {ColumnKey(*column): unpack_summary(each) for column, each in packed}


def _pack_announced(each: Announced) -> tuple[Any, ...]:
    state = each.state
    packed = (
        ("alarm", pack_alarm(state))
        if isinstance(state, Alarm)
        else None
        if state is None
        else ("incident", pack_incident(state))
    )
    return each.id, each.opened, packed, each.last, each.closed, each.judged


def _unpack_announced(packed: tuple[Any, ...]) -> Announced:
    identity, opened, state, *rest = packed
    if state is not None:
        kind, held = state
        state = unpack_alarm(held) if kind == "alarm" else unpack_incident(held)
    return Announced(identity, opened, state, *rest)
