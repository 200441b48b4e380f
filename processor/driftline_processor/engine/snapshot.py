"""A model's state as bytes, and back: MessagePack of plain values, with the version of this form in front."""

from collections.abc import Mapping
from typing import Any, Final

import msgpack

from driftline_processor.engine import old_keys
from driftline_processor.engine.alarms import Alarm
from driftline_processor.engine.announcements import Announced, Announcements
from driftline_processor.engine.call_examples import CallExamples, pack_examples, unpack_examples
from driftline_processor.engine.checkpoints import Checkpoint, Checkpoints
from driftline_processor.engine.incidents import Incident
from driftline_processor.engine.model_state import ModelState
from driftline_processor.engine.pane import Pane
from driftline_processor.engine.pane_form import (
    pack_decimals,
    pack_pane,
    pack_span_rows,
    unpack_decimals,
    unpack_pane,
    unpack_span_rows,
)
from driftline_processor.engine.provisional_reference import ProvisionalData
from driftline_processor.engine.resting import Rest
from driftline_processor.engine.senders import Progress, Senders
from driftline_processor.engine.stream_deltas import StreamDeltas, pack_position, unpack_position
from driftline_processor.engine.summary_ops import pack_summary, unpack_summary
from driftline_processor.engine.windows import SlidingWindows
from driftline_processor.monitors.drift.history import calm_windows, trailing_windows
from driftline_processor.monitors.drift.history.trailing_windows import TrailingWindows
from driftline_processor.records import ColumnKey, ColumnSummary, ModelKey
from driftline_processor.verdicts import fields
from driftline_processor.verdicts.reasons import Reason, Stated
from driftline_processor.verdicts.verdict import State, Verdict

FORM: Final = 4

READABLE: Final = (2, 3, FORM)
"""Form 2 held the sentence of a verdict in the place of its reasons. Up to form 3 an alarm counted its quiet windows,
and a history held what they went by."""


class UnknownForm(ValueError):  # noqa: N818  (says what is wrong, as the others)
    """A snapshot that this version cannot read."""


def unpack_known(body: bytes) -> dict[str, Any]:
    """The named fields of a snapshot. Raises UnknownForm; and anything, where it is damaged."""
    state: dict[str, Any] = msgpack.unpackb(body, strict_map_key=False, use_list=False)
    if state["form"] not in READABLE:
        forms = " or ".join(map(str, READABLE))
        raise UnknownForm(f"snapshot: form must be {forms}, got {state['form']!r} (written by another version)")
    return state


def dump(model: ModelState) -> bytes:
    panes, provisional = model.panes, model.provisional
    state = {
        "form": FORM,
        "key": _pack_model_key(model.key),
        "times": (panes.step, panes.newest, panes.sealed),
        "panes": [(start, pack_pane(pane)) for start, pane in panes.by_start.items()],
        **_pack_span_rows(panes.by_start),
        **_pack_decimals(panes.by_start),
        "streams": [(key, pack_position(last)) for key, last in model.streams.cumulative.items()],
        "keys": list(model.streams.keys.items()),
        "columns": [(_pack_column(column), seen) for column, seen in model.columns.items()],
        "gathered": [(start, _pack_columns(held)) for start, held in provisional.panes.items()],
        "gathering": (provisional.step, provisional.rows, provisional.full),
        "alarms": [(_pack_column(column), _pack_alarm(alarm)) for column, alarm in model.alarms.items()],
        "trail": trailing_windows.pack(model.trailing),
        **({} if model.trailing.calm is None else {"calm": calm_windows.pack(model.trailing.calm)}),
        "rows": model.rows,
        "idle": model.idle,
    }
    if panes.retention:
        state["late"] = _pack_late(model)
    if model.rest.begun:
        state["resting"] = model.rest.begun
    if model.examples.panes:
        state["examples"] = pack_examples(model.examples.panes)
    if model.incident is not None:
        state["incident"] = _pack_incident(model.incident)
    return bytes(msgpack.packb(state))


def load(body: bytes, size: int, step: int, lateness: int, retention: int = 0) -> ModelState:
    """The model of a snapshot, under the window settings of now.

    With another step its panes cannot be used: they are left out, and the model goes on with the next one.

    Raises:
        UnknownForm: written by a newer version.

    """
    state = unpack_known(body)
    if state["form"] < FORM:
        state = _upgraded(state)
    old_step, newest, sealed = state["times"]
    panes = SlidingWindows(size, step, lateness, newest, sealed, retention=retention)
    if old_step == step:
        panes.by_start = {start: unpack_pane(pane) for start, pane in state["panes"]}
        _unpack_span_rows(panes.by_start, state)
        _unpack_decimals(panes.by_start, state)
    else:
        panes.sealed = -(-max(sealed, newest) // step) * step
    model = ModelState(
        key=_model_key(state["key"]),
        panes=panes,
        examples=CallExamples(size, step, unpack_examples(state.get("examples", ())) if old_step == step else {}),
        streams=StreamDeltas({key: unpack_position(last) for key, last in state["streams"]}, dict(state["keys"])),
        columns={ColumnKey(*column): seen for column, seen in state["columns"]},
        provisional=_unpack_provisional(state, step),
        alarms={ColumnKey(*column): _unpack_alarm(alarm) for column, alarm in state.get("alarms", ())},
        incident=_unpack_incident(state["incident"]) if "incident" in state else None,
        trailing=_unpack_trailing(state),
        rows=state["rows"],
        idle=state["idle"],
        rest=Rest(begun=state.get("resting", 0)),
        changed=False,
    )
    if retention:
        _unpack_late(model, state.get("late") if old_step == step else None)
    return model


def _pack_late(model: ModelState) -> dict[str, Any]:
    """What late rows need: of the checkpoints the first one, from which all windows since can be judged again."""
    panes, checkpoints, base = model.panes, model.checkpoints, model.checkpoints.held[0]
    return {
        "reopened": (panes.released, panes.reopened, panes.woken, model.late_since),
        "judged": (list(checkpoints.judged.items()), checkpoints.replayed),
        "end": base.end,
        "alarms": [(_pack_column(column), _pack_alarm(alarm)) for column, alarm in base.alarms.items()],
        "incident": None if base.incident is None else _pack_incident(base.incident),
        "trail": trailing_windows.pack(base.trailing),
        "calm": None if base.trailing.calm is None else calm_windows.pack(base.trailing.calm),
        "gathered": None if base.provisional.full else _pack_gathered(base.provisional),
        "announced": [
            (subject and _pack_column(subject), [_pack_announced(each) for each in held])
            for subject, held in model.announced.by_subject.items()
        ],
        "events": list(model.announced.events.items()),
        "stored": list(panes.stored.items()),
        "old_keys": old_keys.pack(model.streams.old),
        "senders": [(key, each.newest) for key, each in model.senders.by_id.items()] if model.senders else [],
    }


def _unpack_late(model: ModelState, late: Mapping[str, Any] | None) -> None:
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
        {ColumnKey(*column): _unpack_alarm(alarm) for column, alarm in late["alarms"]},
        None if late["incident"] is None else _unpack_incident(late["incident"]),
        trailing,
        model.provisional if gathered is None else ProvisionalData(panes.step, *_unpack_gathered(gathered)),
    )
    judged, replayed = late["judged"]
    model.checkpoints = Checkpoints([base], dict(judged), replayed)
    by_subject = {
        subject and ColumnKey(*subject): [_unpack_announced(each) for each in held]
        for subject, held in late["announced"]
    }
    model.announced = Announcements(by_subject, dict(late["events"]))
    panes.stored = dict(late["stored"])
    model.streams.old = old_keys.unpack(late["old_keys"])
    model.senders.by_id = {key: Progress(newest, 0, 0, 0) for key, newest in late["senders"]}


def _upgraded(state: dict[str, Any]) -> dict[str, Any]:
    """Of an earlier form: no alarm is known to have done anything to the stream's history."""
    reference, begun, past, since, *learned = state.get("trail", ("", 0, (), ()))
    history = (*learned[0][:-1], (), False) if learned and learned[0] is not None else None
    return {**state, "trail": (reference, begun, past, since, history)}


def _pack_model_key(key: ModelKey) -> tuple[Any, ...]:
    return key.name, key.version, key.resource


def _model_key(packed: tuple[Any, ...]) -> ModelKey:
    name, version, resource = packed
    return ModelKey(name, version, tuple((key, value) for key, value in resource))


def _pack_column(column: ColumnKey) -> tuple[str, str]:
    return column.target, column.name


def _pack_span_rows(panes: Mapping[int, Pane]) -> dict[str, Any]:
    """What panes hold of spans that no sketch counts; nothing where there are none."""
    held = [(start, packed) for start, pane in panes.items() if (packed := pack_span_rows(pane)) is not None]
    if not held:
        return {}
    return {
        "span_rows": [(start, rows) for start, (rows, _) in held],
        "span_columns": [(start, columns) for start, (_, columns) in held],
    }


def _unpack_span_rows(panes: Mapping[int, Pane], state: Mapping[str, Any]) -> None:
    columns = dict(state.get("span_columns", ()))
    for start, rows in state.get("span_rows", ()):
        unpack_span_rows(panes[start], rows, columns.get(start, ()))


def _pack_decimals(panes: Mapping[int, Pane]) -> dict[str, Any]:
    """Rows by decimals of the columns in panes; nothing where there are none."""
    held = [(start, packed) for start, pane in panes.items() if (packed := pack_decimals(pane))]
    return {"decimals": held} if held else {}


def _unpack_decimals(panes: Mapping[int, Pane], state: Mapping[str, Any]) -> None:
    for start, packed in state.get("decimals", ()):
        unpack_decimals(panes[start], packed)


def _unpack_provisional(state: dict[str, Any], step: int) -> ProvisionalData:
    """What is enough stays, in the panes it was gathered in; what is not begins anew with panes of another length."""
    old_step, rows, full = state["gathering"]
    if old_step != step and not full:
        return ProvisionalData(step)
    return ProvisionalData(old_step, {start: _unpack_columns(held) for start, held in state["gathered"]}, rows, full)


def _unpack_trailing(state: Mapping[str, Any]) -> TrailingWindows:
    trailing = trailing_windows.unpack(state["trail"]) if "trail" in state else TrailingWindows()
    trailing.calm = calm_windows.unpack(state["calm"]) if "calm" in state else None
    return trailing


def _pack_gathered(data: ProvisionalData) -> tuple[Any, ...]:
    return [(start, _pack_columns(held)) for start, held in data.panes.items()], data.rows


def _unpack_gathered(packed: tuple[Any, ...]) -> tuple[dict[int, Mapping[ColumnKey, ColumnSummary]], float]:
    panes, rows = packed
    return {start: _unpack_columns(held) for start, held in panes}, rows


def _pack_columns(held: Mapping[ColumnKey, ColumnSummary]) -> list[tuple[Any, ...]]:
    return [(_pack_column(column), pack_summary(each)) for column, each in held.items()]


def _unpack_columns(packed: tuple[Any, ...]) -> dict[ColumnKey, ColumnSummary]:
    return {ColumnKey(*column): unpack_summary(each) for column, each in packed}


def _pack_alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.id,
        "opened": alarm.opened,
        "reference": alarm.reference,
        "told": _pack_verdict(alarm.reported),
        "aspects": alarm.aspects,
        "distance": alarm.distance,
        "largest_bound": alarm.largest_bound,
    }


def _unpack_alarm(packed: Mapping[str, Any]) -> Alarm:
    return Alarm(
        id=packed["id"],
        opened=packed["opened"],
        reference=packed["reference"],
        reported=_unpack_verdict(packed["told"]),
        aspects=packed["aspects"],
        distance=packed["distance"],
        largest_bound=packed.get("largest_bound", packed["told"]["lower_bound"]),
    )


def _pack_incident(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "opened": incident.opened,
        "columns": [_pack_column(column) for column in incident.columns],
        "reported": incident.reported,
    }


def _unpack_incident(packed: Mapping[str, Any]) -> Incident:
    columns = tuple(ColumnKey(*column) for column in packed["columns"])
    return Incident(packed["id"], packed["opened"], columns, packed["reported"])


def _pack_announced(each: Announced) -> tuple[Any, ...]:
    state = each.state
    packed = (
        ("alarm", _pack_alarm(state))
        if isinstance(state, Alarm)
        else None
        if state is None
        else ("incident", _pack_incident(state))
    )
    return each.id, each.opened, packed, each.last, each.closed, each.judged


def _unpack_announced(packed: tuple[Any, ...]) -> Announced:
    identity, opened, state, *rest = packed
    if state is not None:
        kind, held = state
        state = _unpack_alarm(held) if kind == "alarm" else _unpack_incident(held)
    return Announced(identity, opened, state, *rest)


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
