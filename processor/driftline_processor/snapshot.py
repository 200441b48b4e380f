"""A model's state as bytes, and back: MessagePack of plain values, with the version of this form in front."""

from typing import Any, Final

import msgpack

from driftline_processor import streams, tally
from driftline_processor.model import Gathering, Model
from driftline_processor.panes import Cell, Pane, Panes
from driftline_processor.records import ColumnKey, ModelKey
from driftline_processor.streams import Streams

FORM: Final = 1


class UnknownForm(ValueError):  # noqa: N818  (says what is wrong, as the others)
    """A snapshot that this version cannot read."""


def dump(model: Model) -> bytes:
    panes, gathering = model.panes, model.gathering
    state = {
        "form": FORM,
        "key": model.key,
        "times": (panes.step, panes.newest, panes.sealed, panes.first),
        "panes": [(start, _pack_pane(pane)) for start, pane in panes.by_start.items()],
        "streams": [(key, streams.pack(last)) for key, last in model.streams.cumulative.items()],
        "keys": list(model.streams.keys.items()),
        "columns": sorted(model.columns),
        "gathered": [(start, _pack_columns(held)) for start, held in gathering.panes.items()],
        "gathering": (gathering.rows, gathering.full),
        "rows": model.rows,
        "idle": model.idle,
    }
    return bytes(msgpack.packb(state))


def load(body: bytes, size: int, step: int, lateness: int) -> Model:
    """The model of a snapshot, under the window settings of now.

    With another step its panes cannot be used: they are left out, and the model goes on with the next one.

    Raises:
        UnknownForm: written by a newer version.

    """
    state = msgpack.unpackb(body, strict_map_key=False, use_list=False)
    if state["form"] != FORM:
        raise UnknownForm(f"snapshot: form must be {FORM}, got {state['form']!r} (written by another version)")
    old_step, newest, sealed, first = state["times"]
    panes = Panes(size, step, lateness, newest, sealed, first)
    if old_step == step:
        panes.by_start = {start: _unpack_pane(pane) for start, pane in state["panes"]}
    else:
        panes.sealed = -(-max(sealed, newest) // step) * step
    gathered = {start: _unpack_columns(held) for start, held in state["gathered"]}
    return Model(
        key=_model_key(state["key"]),
        panes=panes,
        streams=Streams({key: streams.unpack(last) for key, last in state["streams"]}, dict(state["keys"])),
        columns={ColumnKey(*column) for column in state["columns"]},
        gathering=Gathering(gathered, *state["gathering"]),
        rows=state["rows"],
        idle=state["idle"],
        changed=False,
    )


def _model_key(packed: tuple[Any, ...]) -> ModelKey:
    name, version, resource = packed
    return ModelKey(name, version, tuple((key, value) for key, value in resource))


def _pack_pane(pane: Pane) -> tuple[Any, ...]:
    return [(cell, tally.pack(held)) for cell, held in pane.tallies().items()], pane.rows


def _unpack_pane(packed: tuple[Any, ...]) -> Pane:
    parts, rows = packed
    return Pane({Cell(ColumnKey(*column), op): [tally.unpack(held)] for (column, op), held in parts}, dict(rows))


def _pack_columns(held: dict[ColumnKey, Any]) -> list[tuple[Any, ...]]:
    return [(column, tally.pack(each)) for column, each in held.items()]


def _unpack_columns(packed: tuple[Any, ...]) -> dict[ColumnKey, Any]:
    return {ColumnKey(*column): tally.unpack(each) for column, each in packed}
