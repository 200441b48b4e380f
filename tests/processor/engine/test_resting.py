"""A model in alarm whose rows stop: its alarms are repeated, so that silence does not look healthy, and end in time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricsData

from driftline.sketch.time_units import DAY
from driftline_processor.encode.gauges import encode_gauges
from driftline_processor.encode.metrics import METRICS
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.resting import REPEAT_FOR, REPLACED_AFTER
from driftline_processor.records import AlarmChange, ModelKey, RowsPoint, WindowResult
from golden.processor_files import RECOVERY, REQUESTS, SECOND, START, answer, new_engine, observe, read

STEP = 5 * SECOND
LAST = START + RECOVERY * SECOND
"""When the rows stop: their alarm is open."""

REST = LAST + 60 * SECOND
LASTING = {row.name for row in METRICS if row.lasting}


def broken() -> list[dict[str, Any]]:
    return [request for request in read(REQUESTS) if int(request["received"]) <= LAST]


def at_rest() -> Engine:
    """A model whose rows have stopped while its alarm is open."""
    engine = new_engine()
    for request in broken():
        answer(engine, request)
    engine.advance(REST)
    return engine


def restarted(engine: Engine, now: int) -> Engine:
    other = new_engine()
    other.restore([state for state in engine.snapshot().values() if state is not None], now)
    return other


def values(data: MetricsData) -> dict[str, list[tuple[int, float]]]:
    """Time and value of each point."""
    return {
        metric.name: [(point.time_unix_nano, point.value) for point in metric.data.data_points]
        for held in data.resource_metrics
        for scope in held.scope_metrics
        for metric in scope.metrics
    }


def repeated(engine: Engine, *times: int) -> list[WindowResult]:
    return [result for time in times for result in engine.repeat_alarms(time)]


def test_open_alarms_are_repeated_once_a_step() -> None:
    """However often it is asked: the last judged window, and the alarms with what was last said of them."""
    engine = at_rest()
    results = repeated(engine, *range(REST, REST + 3 * STEP, SECOND))

    assert [result.time for result in results] == [REST, REST + STEP, REST + 2 * STEP]
    assert {result.window.end for result in results} == {LAST}
    for result in results:
        (age,) = result.columns
        assert (age.column.name, age.alarm is not None) == ("age", True)
        assert not result.alarms


def test_what_lasts_is_sent_again_and_nothing_else() -> None:
    """The gauges that one alerts on, at the time of the repetition; the end of the last window tells how old it is."""
    (data,) = encode_gauges(repeated(at_rest(), REST))
    found = values(data)

    assert found.keys() == LASTING
    assert found["ml.incident.open"] == found["ml.drift.alarm"] == found["ml.incident.column.count"] == [(REST, 1)]
    assert found["ml.drift.window.end"] == [(REST, LAST / 1e9)]


def test_series_are_those_of_judged_windows() -> None:
    """The same attributes: another label would be another series, and the first one would be stale."""
    engine = new_engine()
    judged = [result for request in broken() for result in answer(engine, request)][-1]
    engine.advance(REST)
    (resting,) = engine.repeat_alarms(REST)

    def attributes(result: WindowResult) -> set[tuple[object, ...]]:
        (data,) = encode_gauges([replace(result, columns=tuple(c for c in result.columns if c.alarm))])
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics if m.name in LASTING]
        return {(m.name, *sorted((p.attributes or {}).items())) for m in metrics for p in m.data.data_points}

    assert attributes(resting) == attributes(judged)
    assert (resting.reference, resting.provisional) == (judged.reference, judged.provisional)


@pytest.mark.parametrize("until", [STEP * 2, LAST - START + STEP])
def test_nothing_is_repeated_without_rest_or_alarm(until: int) -> None:
    """While rows come the windows say it; a healthy model at rest has nothing to repeat."""
    engine, requests = new_engine(), [r for r in read(REQUESTS) if int(r["received"]) <= START + until]
    for request in requests:
        answer(engine, request)
        assert not engine.repeat_alarms(int(request["received"]))
    if until < LAST - START:
        engine.advance(REST)

        assert not repeated(engine, REST, REST + DAY)


def test_a_restart_goes_on_with_it() -> None:
    """At rest before or after it, and never at a time that an earlier run may have covered."""
    engine = at_rest()
    repeated(engine, REST)
    later = REST + 10 * STEP
    other = restarted(engine, later)

    assert not other.repeat_alarms(later)
    assert [result.time for result in repeated(other, later + STEP)] == [later + STEP]


def test_rows_end_the_rest() -> None:
    """The next windows say what is."""
    engine = at_rest()
    repeated(engine, REST)
    request = read(REQUESTS)[-2]
    late = {**request, "received": str(REST + STEP)}
    observe(engine, late)

    assert not repeated(engine, REST + STEP)


def test_windows_that_a_repetition_overtook_leave_out_what_lasts() -> None:
    """An outage's rows come late: a backend that has a later point of a series refuses an older one and its request."""
    engine = at_rest()
    repeated(engine, LAST + 20 * SECOND)
    rest = [request for request in read(REQUESTS) if int(request["received"]) > LAST]
    judged = [result for request in rest for result in answer(engine, request)]
    sent = {time: values(data) for data in encode_gauges(judged) for time in (data_time(data),)}

    assert [result.overtaken for result in judged] == [result.window.end <= LAST + 20 * SECOND for result in judged]
    assert {result.overtaken for result in judged} == {True, False}
    for result in judged:
        found = sent[result.window.end]
        assert "ml.drift.state" in found
        assert bool(found.keys() & LASTING) is not result.overtaken


def data_time(data: MetricsData) -> int:
    (time,) = {time for points in values(data).values() for time, _ in points}
    return time


def ended(engine: Engine, start: int, rest: int) -> list[WindowResult]:
    return repeated(engine, *range(start, start + rest + 2 * STEP, rest // 4 // STEP * STEP), start + rest + STEP)


def test_alarms_of_a_model_that_nobody_serves_end() -> None:
    """After a week: once, with the ids of those that opened, and what is sent says so; then there is silence."""
    engine = at_rest()
    results = ended(engine, REST, REPEAT_FOR)
    (last,) = [result for result in results if result.alarms]
    (alarm,), (incident,) = last.alarms, last.incidents

    assert results[-1] == last
    assert (alarm.change, incident.change) == (AlarmChange.CLOSED, AlarmChange.CLOSED)
    assert alarm.incident == incident.id
    assert "input age has had no rows for 7d, after 7d" in alarm.summary
    assert values(encode_gauges([last])[0])["ml.incident.open"] == [(last.time, 0)]
    assert not repeated(engine, REST + 8 * DAY)


def test_an_end_is_the_same_whenever_it_is_noticed() -> None:
    """Its time is event time: after a crash it comes again with the same uid."""
    first, second = ended(at_rest(), REST, REPEAT_FOR)[-1], ended(at_rest(), REST + 777 * STEP, REPEAT_FOR)[-1]

    assert first.alarms == second.alarms
    assert first.incidents == second.incidents


def test_a_version_that_was_replaced_ends_sooner() -> None:
    """After a day, where another version of the same model and origin has rows."""
    engine = at_rest()
    (resting,) = engine.repeat_alarms(REST)
    model = resting.model
    serve(engine, [replace_version(model, "4")], REST + REPLACED_AFTER)

    assert [result.model for result in ended(engine, REST + STEP, REPLACED_AFTER) if result.alarms] == [model]


def test_another_model_does_not_replace_it() -> None:
    """Nor the same one in another environment."""
    engine = at_rest()
    (resting,) = engine.repeat_alarms(REST)
    name, version, resource = resting.model
    serve(engine, [ModelKey("rent", version, resource), ModelKey(name, "4", ())], REST + REPLACED_AFTER)

    assert not [result for result in ended(engine, REST + STEP, REPLACED_AFTER) if result.alarms]


def replace_version(model: ModelKey, version: str) -> ModelKey:
    return ModelKey(model.name, version, model.resource)


def serve(engine: Engine, models: Sequence[ModelKey], time: int) -> None:
    """Rows of other models."""
    for i, model in enumerate(models):
        point = RowsPoint(b"%d" % i, model, ("", ""), "predict", START, time, True, 10.0)  # type: ignore[arg-type]
        engine.observe([point], time)
