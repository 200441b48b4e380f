"""A model's state as bytes, and back: MessagePack of plain values, with the version of this form in front."""

from collections.abc import Mapping
from typing import Any, Final

import msgpack

from driftline_processor.engine import watched_segments
from driftline_processor.engine.alarm_form import pack_alarm, pack_column, pack_incident, unpack_alarm, unpack_incident
from driftline_processor.engine.call_examples import CallExamples, pack_examples, unpack_examples
from driftline_processor.engine.late_form import pack_columns, pack_late, unpack_columns, unpack_late
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
from driftline_processor.engine.received_batches import ReceivedBatches
from driftline_processor.engine.resting import Rest
from driftline_processor.engine.stream_deltas import StreamDeltas, pack_position, unpack_position
from driftline_processor.engine.windows import SlidingWindows
from driftline_processor.monitors.drift.history import calm_windows, trailing_windows
from driftline_processor.monitors.drift.history.trailing_windows import TrailingWindows
from driftline_processor.monitors.outputs import past as outputs_past
from driftline_processor.records import ColumnKey, ModelKey

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
        "panes": [(start, pack_pane(pane, pane.summaries())) for start, pane in panes.by_start.items()],
        **_pack_span_rows(panes.by_start),
        **_pack_decimals(panes.by_start),
        "streams": [(key, pack_position(last)) for key, last in model.streams.cumulative.items()],
        "keys": list(model.streams.keys.items()),
        "columns": [(pack_column(column), seen) for column, seen in model.columns.items()],
        "gathered": [(start, pack_columns(held)) for start, held in provisional.panes.items()],
        "gathering": (provisional.step, provisional.rows, provisional.full),
        "alarms": [(pack_column(column), pack_alarm(alarm)) for column, alarm in model.alarms.items()],
        "trail": trailing_windows.pack(model.trailing),
        **({} if model.trailing.calm is None else {"calm": calm_windows.pack(model.trailing.calm)}),
        "rows": model.rows,
        "idle": model.idle,
    }
    if panes.retention:
        state["late"] = pack_late(model)
    if model.outputs.columns:
        state["outputs"] = outputs_past.pack(model.outputs)
    if model.rest.begun:
        state["resting"] = model.rest.begun
    if model.batches.runs:
        state["batches"] = model.batches.pack()
    if model.examples.panes:
        state["examples"] = pack_examples(model.examples.panes)
    if model.incident is not None:
        state["incident"] = pack_incident(model.incident)
    if model.segments is not None:
        state["segments"] = watched_segments.pack(model.segments)
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
        alarms={ColumnKey(*column): unpack_alarm(alarm) for column, alarm in state.get("alarms", ())},
        incident=unpack_incident(state["incident"]) if "incident" in state else None,
        trailing=_unpack_trailing(state),
        outputs=outputs_past.unpack(state.get("outputs", ())),
        rows=state["rows"],
        batches=ReceivedBatches.unpack(state["batches"]) if "batches" in state else ReceivedBatches(),
        idle=state["idle"],
        rest=Rest(begun=state.get("resting", 0)),
        changed=False,
        segments=watched_segments.unpack(state["segments"]) if "segments" in state else None,
    )
    if retention:
        unpack_late(model, state.get("late") if old_step == step else None)
    return model


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
    held = [(start, packed) for start, pane in panes.items() if (packed := pack_decimals(pane.summaries()))]
    return {"decimals": held} if held else {}


def _unpack_decimals(panes: Mapping[int, Pane], state: Mapping[str, Any]) -> None:
    for start, packed in state.get("decimals", ()):
        unpack_decimals(panes[start], packed)


def _unpack_provisional(state: dict[str, Any], step: int) -> ProvisionalData:
    """What is enough stays, in the panes it was gathered in; what is not begins anew with panes of another length."""
    old_step, rows, full = state["gathering"]
    if old_step != step and not full:
        return ProvisionalData(step)
    return ProvisionalData(old_step, {start: unpack_columns(held) for start, held in state["gathered"]}, rows, full)


def _unpack_trailing(state: Mapping[str, Any]) -> TrailingWindows:
    trailing = trailing_windows.unpack(state["trail"]) if "trail" in state else TrailingWindows()
    trailing.calm = calm_windows.unpack(state["calm"]) if "calm" in state else None
    return trailing
