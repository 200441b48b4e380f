"""The life of an alarm: when it opens, is updated and closes, and what stays of it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_processor.engine.alarms import Alarm, follow
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnKey, ColumnResult, ModelKey, Window, WindowResult
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import State, Verdict

TOLERANCE = 0.05
MINUTE = 60 * 10**9
MODEL = ModelKey("churn", "7", (("service.name", "shop"),))
AGE, PLAN, SCORE = ColumnKey("input", "age"), ColumnKey("input", "plan"), ColumnKey("output", "score")

ALARM = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, (Stated("share above 3: 20 % → 40 %"),), 0.15)
HEALTHY = Verdict("value", State.HEALTHY, 0.01, 0.0, 0.05, 0.1, (Stated("share above 3: 20 % → 21 %"),), 0.0)
LINGERING = replace(HEALTHY, base_bound=0.03)
NO_DATA = Verdict("value", State.INSUFFICIENT_DATA, 0.0, 0.0, 0.05, 0.0, (Stated("no rows"),))

Verdicts = dict[ColumnKey, Verdict | None]


def window(number: int, verdicts: Verdicts, reference: str | None = "abc") -> WindowResult:
    columns = tuple(ColumnResult(key, 9.0, 9.0, 9.0, {}, {}, {}, verdict) for key, verdict in verdicts.items())
    return WindowResult(MODEL, Window((number - 1) * MINUTE, number * MINUTE), 9.0, reference, False, columns)


def live(windows: Sequence[WindowResult]) -> tuple[dict[ColumnKey, Alarm], list[WindowResult]]:
    """What a model goes through: its alarms in the end, and the results on the way."""
    alarms: dict[ColumnKey, Alarm] = {}
    results = []
    for each in windows:
        alarms, result = follow(alarms, each, TOLERANCE)
        results.append(result)
    return alarms, results


def events(*verdicts: Verdict | None) -> list[tuple[int, str]]:
    """What happens to the alarm of a column with these verdicts, and in which window."""
    _, results = live([window(i, {AGE: verdict}) for i, verdict in enumerate(verdicts, 1)])
    return [(i, event.change.value) for i, result in enumerate(results, 1) for event in result.alarms]


def test_opens_once_and_closes_after_three_quiet_windows() -> None:
    """An alarm opens with the first verdict, stays open in silence, and closes with the third quiet window in a row."""
    assert events(HEALTHY, ALARM, ALARM, HEALTHY, HEALTHY, HEALTHY, HEALTHY) == [(2, "opened"), (6, "closed")]


@pytest.mark.parametrize("between", [ALARM, LINGERING])
def test_quiet_windows_count_in_a_row(between: Verdict) -> None:
    """A window in between that is not quiet begins the count anew, be its verdict healthy."""
    assert events(ALARM, HEALTHY, HEALTHY, between, HEALTHY, HEALTHY) == [(1, "opened")]


def test_silence_is_no_recovery() -> None:
    """Windows with too little data neither count as quiet nor break the row of those that are."""
    assert events(ALARM, *[NO_DATA] * 10) == [(1, "opened")]
    assert events(ALARM, HEALTHY, NO_DATA, HEALTHY, NO_DATA, HEALTHY) == [(1, "opened"), (6, "closed")]


def test_a_base_window_that_is_quiet_counts_whatever_older_data_says() -> None:
    """A verdict over a longer span may still be in alarm for what is over: the base window decides."""
    assert events(ALARM, *[replace(ALARM, base_bound=0.01)] * 3) == [(1, "opened"), (4, "closed")]


def test_updated_when_another_aspect_moves() -> None:
    """Another aspect is told once, however often the two take turns."""
    missing = replace(ALARM, aspect="missing", reasons=(Stated("missing: 1 % → 20 %"),))

    assert events(ALARM, missing, ALARM, missing, ALARM) == [(1, "opened"), (2, "updated")]


def test_updated_when_the_distance_has_surely_grown() -> None:
    """Growth counts from the largest distance told, by more than the tolerance, and beyond the sampling error."""
    nearly = replace(ALARM, distance=0.4, lower_bound=0.25)
    more = replace(ALARM, distance=0.5, lower_bound=0.26)

    assert events(ALARM, nearly, more, ALARM, more) == [(1, "opened"), (3, "updated")]


def test_a_column_without_rows_keeps_its_alarm_and_one_that_is_not_judged_loses_it() -> None:
    """An empty column is one that is judged; a reference that does not know the column judges it no more."""
    _, results = live([window(1, {AGE: ALARM, PLAN: ALARM}), window(2, {AGE: NO_DATA, PLAN: None}), window(3, {})])

    assert [(event.column, event.change.value, event.time) for result in results for event in result.alarms] == [
        (AGE, "opened", MINUTE),
        (PLAN, "opened", MINUTE),
        (PLAN, "closed", 2 * MINUTE),
        (AGE, "closed", 3 * MINUTE),
    ]
    assert results[1].alarms[0].summary == "model churn 7 (shop): input plan is no longer judged, after 1m"
    assert results[1].alarms[0].verdict == ALARM


def test_another_reference_closes_and_may_open_anew() -> None:
    """An alarm is about a reference: what is said of another one is another alarm."""
    _, results = live([window(1, {AGE: ALARM}), window(2, {AGE: ALARM}, "def"), window(3, {AGE: ALARM}, "def")])
    first, closed, second = [event for result in results for event in result.alarms]

    assert [each.change for each in (first, closed, second)] == [
        AlarmChange.OPENED,
        AlarmChange.CLOSED,
        AlarmChange.OPENED,
    ]
    assert first.id == closed.id != second.id
    assert closed.summary == "model churn 7 (shop): input age is compared with another reference, after 1m"


def test_events_say_it_in_one_sentence() -> None:
    """What moved, by how much, and what became of the model's other columns."""
    louder = replace(ALARM, distance=0.6, lower_bound=0.5, reasons=(Stated("share above 3: 20 % → 80 %"),))
    verdicts = [{AGE: ALARM}, {AGE: louder}, *[{AGE: HEALTHY}] * 3]
    _, results = live([window(i, {**each, PLAN: HEALTHY, SCORE: HEALTHY}) for i, each in enumerate(verdicts, 1)])

    others = "1 of 2 inputs moved; outputs did not"
    assert [event.summary for result in results for event in result.alarms] == [
        f"model churn 7 (shop): input age moved: share above 3: 20 % → 40 % ({others})",
        f"model churn 7 (shop): input age moved further: share above 3: 20 % → 80 % ({others})",
        "model churn 7 (shop): input age is back within the tolerance after 4m",
    ]


def test_a_verdict_over_a_longer_span_says_so() -> None:
    """A slow drift is proved by several windows together: the sentence names the time that they cover."""
    _, result = follow({}, window(1, {AGE: replace(ALARM, duration=8 * MINUTE)}), TOLERANCE)

    assert "input age moved over the last 8m: share above 3" in result.alarms[0].summary


def test_columns_say_which_alarm_is_open() -> None:
    """A column has the id of its alarm from the window that opens it to the one before it closes."""
    _, results = live([window(i, {AGE: v}) for i, v in enumerate((HEALTHY, ALARM, HEALTHY, HEALTHY, HEALTHY), 1)])
    identity = results[1].alarms[0].id

    assert [result.columns[0].alarm for result in results] == [None, identity, identity, identity, None]


def test_ids_are_of_model_column_and_time() -> None:
    """They differ as soon as one of the three does, and never by chance alone."""
    base = window(1, {AGE: ALARM, PLAN: ALARM})
    others = [replace(base, model=ModelKey("churn", "8")), replace(base, window=Window(0, 2 * MINUTE))]
    ids = [event.id for result in (base, *others) for event in follow({}, result, TOLERANCE)[1].alarms]

    assert len(set(ids)) == len(ids) == 6
    assert ids[:2] == [event.id for event in follow({}, base, TOLERANCE)[1].alarms]


verdicts = st.sampled_from(
    [None, NO_DATA, HEALTHY, LINGERING, ALARM, replace(ALARM, aspect="missing"), replace(ALARM, lower_bound=0.9)]
)
windows = st.lists(
    st.tuples(st.dictionaries(st.sampled_from([AGE, PLAN, SCORE]), verdicts), st.sampled_from(["abc", "def", None])),
    max_size=40,
).map(lambda steps: [window(i, columns, reference) for i, (columns, reference) in enumerate(steps, 1)])


def of_column(results: Sequence[WindowResult], key: ColumnKey) -> list[AlarmEvent]:
    return [event for result in results for event in result.alarms if event.column == key]


@given(windows)
def test_an_alarm_opens_and_closes_in_turns(stream: list[WindowResult]) -> None:
    """Never two opens without a close between, every update within one alarm, and each alarm has an id of its own."""
    alarms, results = live(stream)
    opened = [event.id for result in results for event in result.alarms if event.change is AlarmChange.OPENED]

    assert len(set(opened)) == len(opened)
    for key in (AGE, PLAN, SCORE):
        current: str | None = None
        for event in of_column(results, key):
            assert (current is None) is (event.change is AlarmChange.OPENED)
            assert event.change is AlarmChange.OPENED or event.id == current
            current = None if event.change is AlarmChange.CLOSED else event.id
        assert (alarms[key].id if key in alarms else None) == current


@given(windows)
def test_updates_are_few(stream: list[WindowResult]) -> None:
    """However long it lives, an alarm is updated once for each further aspect, and so often as a distance can grow."""
    _, results = live(stream)
    updates = [event.id for result in results for event in result.alarms if event.change is AlarmChange.UPDATED]

    assert all(updates.count(identity) <= 1 + 1.6 / TOLERANCE for identity in updates)


@given(windows, st.integers(0, 40))
def test_alarms_can_be_followed_in_parts(stream: list[WindowResult], cut: int) -> None:
    """The state is all that there is: going on from it gives what the whole gives."""
    alarms, before = live(stream[:cut])
    after = []
    for each in stream[cut:]:
        alarms, result = follow(alarms, each, TOLERANCE)
        after.append(result)

    assert (alarms, before + after) == live(stream)
