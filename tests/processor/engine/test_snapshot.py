"""A model's state as bytes, and back."""

import msgpack
import pytest

from driftline_processor.engine.engine import Engine
from driftline_processor.engine.incidents import Incident
from driftline_processor.engine.pane import OperationColumn
from driftline_processor.engine.snapshot import UnknownForm, dump, load
from driftline_processor.records import ColumnKey
from engine_records import AGE, CHURN, MINUTE, SETTINGS, START, Sender, span


def busy() -> bytes:
    """The state of a model of which everything has something."""
    engine = Engine(SETTINGS)
    for minute in range(4):
        time = START + minute * MINUTE + 1
        engine.observe(Sender().predict({"age": [1.0, -2.0], "plan": ["a", "b"]}).tell(time), time)
        engine.observe([span(minute, time, {"age": None, "plan": "c"}, weight=3.0)], time)
        engine.advance(time)
    state = engine.snapshot()[CHURN]
    assert state is not None
    return state


def test_a_snapshot_read_and_written_again_is_the_same() -> None:
    """Nothing of a model is lost on the way."""
    state = busy()
    model = load(state, SETTINGS.size, SETTINGS.step, SETTINGS.lateness)

    assert dump(model) == state
    assert model.rows == 14
    assert sum(sum(pane.hours.values()) for pane in model.panes.by_start.values()) > 0.0


def test_an_incident_is_kept_and_may_be_absent() -> None:
    """Versions without incidents have written none: alarms that are open then open one with the next window."""
    model = load(busy(), SETTINGS.size, SETTINGS.step, SETTINGS.lateness)
    model.incident = Incident("2e", START, (AGE, ColumnKey("output", "score")), 1)

    assert load(dump(model), SETTINGS.size, SETTINGS.step, SETTINGS.lateness).incident == model.incident
    assert load(busy(), SETTINGS.size, SETTINGS.step, SETTINGS.lateness).incident is None


def test_decimals_are_kept_and_may_be_absent() -> None:
    """Versions that count none have written none; what they have counted is as before."""
    state = busy()
    engine = Engine(SETTINGS)
    time = START + 1
    engine.observe([span(1, time, {"age": 9.95}, weight=3.0), span(2, time, {"age": 4.0})], time)
    model = load(engine.snapshot()[CHURN] or b"", SETTINGS.size, SETTINGS.step, SETTINGS.lateness)
    (held,) = (pane.summaries()[OperationColumn(AGE, "predict")] for pane in model.panes.by_start.values())

    assert held.decimals == {"2": 3.0, "0": 1.0}
    assert "decimals" not in msgpack.unpackb(state, strict_map_key=False)


def test_a_snapshot_of_a_newer_version_is_refused_by_name() -> None:
    """It says which form was expected, and which one came."""
    state = msgpack.unpackb(busy(), strict_map_key=False)
    newer = msgpack.packb({**state, "form": 99})

    with pytest.raises(UnknownForm, match="form must be 2 or 3 or 4, got 99"):
        load(newer, SETTINGS.size, SETTINGS.step, SETTINGS.lateness)


def test_another_step_keeps_the_streams_and_drops_the_panes() -> None:
    """After a change of the window's settings no row is counted twice, and windows begin anew."""
    model = load(busy(), SETTINGS.size, 7 * MINUTE, SETTINGS.lateness)

    assert not model.panes.by_start
    assert model.panes.sealed % (7 * MINUTE) == 0
    assert model.panes.sealed >= model.panes.newest
    assert model.streams.cumulative


def test_what_stands_in_for_a_reference_keeps_the_panes_it_was_gathered_in() -> None:
    """With another step it is still the same data; what was not enough yet is gathered anew."""
    state = msgpack.unpackb(busy(), strict_map_key=False)
    for full in (True, False):
        packed = msgpack.packb({**state, "gathering": (MINUTE, 14.0, full)})
        provisional = load(packed, SETTINGS.size, 5 * MINUTE, SETTINGS.lateness).provisional

        assert bool(provisional.panes) is full
        assert provisional.step == (MINUTE if full else 5 * MINUTE)


def test_a_snapshot_from_before_there_were_alarms_has_none() -> None:
    """An upgrade goes on from the state that it finds."""
    state = msgpack.unpackb(busy(), strict_map_key=False)
    del state["alarms"]

    assert load(msgpack.packb(state), SETTINGS.size, SETTINGS.step, SETTINGS.lateness).alarms == {}
