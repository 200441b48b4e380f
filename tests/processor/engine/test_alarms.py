"""The life of an alarm: when it opens, is updated and closes, and what stays of it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_processor.engine.alarm_summary import statement
from driftline_processor.engine.alarms import Alarm, follow
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnKey, ColumnResult, ModelKey, Window, WindowResult
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import ClosingEvidence, State, Verdict

TOLERANCE = 0.05
MINUTE = 60 * 10**9
MODEL = ModelKey("churn", "7", (("service.name", "shop"),))
AGE, PLAN, SCORE = ColumnKey("input", "age"), ColumnKey("input", "plan"), ColumnKey("output", "score")

ALARM = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, (Stated("share above 3: 20% → 40%"),))
HEALTHY = Verdict("value", State.HEALTHY, 0.01, 0.0, 0.05, 0.1, ())
BACK = replace(HEALTHY, closing=ClosingEvidence(MINUTE, 0.0))
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


def test_opens_once_and_closes_on_evidence() -> None:
    """An alarm opens with the first verdict in alarm, and closes with the first that proves it over, however soon."""
    assert events(HEALTHY, ALARM, ALARM, HEALTHY, BACK, HEALTHY) == [(2, "opened"), (5, "closed")]
    assert events(ALARM, BACK, ALARM) == [(1, "opened"), (2, "closed"), (3, "opened")]


@pytest.mark.parametrize("unproven", [HEALTHY, NO_DATA])
def test_silence_is_no_recovery(unproven: Verdict) -> None:
    """However many windows in a row are healthy or have too little data: nothing surely moved is not surely back."""
    assert events(ALARM, *[unproven] * 10) == [(1, "opened")]


def test_an_alarm_remembers_its_largest_lower_bound() -> None:
    """What was surely there at any time, reported or not, is what its closing is measured by."""
    bounds = (0.15, 0.19, 0.12)
    alarms, _ = live([window(i, {AGE: replace(ALARM, largest_bound=bound)}) for i, bound in enumerate(bounds, 1)])

    assert alarms[AGE].largest_bound == 0.19


def test_a_verdict_that_does_not_show_the_open_alarm_says_that_it_is_open() -> None:
    """Of the column, and of the model where it is the foremost one."""
    start = 1_700_000_000 // 60 * 10**9 * 60
    at = [
        replace(window(i, {AGE: v, PLAN: ALARM}), window=Window(start, start + MINUTE))
        for i, v in ((1, ALARM), (2, NO_DATA))
    ]
    _, (_, second) = live(at)
    age, plan = (each.verdict for each in second.columns)

    assert age is not None
    assert age.sentence == "alarm still open since 2023-11-14 22:14 UTC; no rows"
    assert plan == ALARM
    assert statement(second.columns).endswith("first: plan, share above 3: 20% → 40%")
    assert statement(second.columns[:1] * 2).endswith(
        "first: age, alarm still open since 2023-11-14 22:14 UTC; no rows"
    )


def test_updated_when_another_aspect_moves() -> None:
    """Another aspect is told once, however often the two take turns."""
    missing = replace(ALARM, aspect="missing", reasons=(Stated("missing: 1% → 20%"),))

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
    louder = replace(ALARM, distance=0.6, lower_bound=0.5, reasons=(Stated("share above 3: 20% → 80%"),))
    verdicts = [{AGE: ALARM}, {AGE: louder}, {AGE: BACK}]
    _, results = live([window(i, {**each, PLAN: HEALTHY, SCORE: HEALTHY}) for i, each in enumerate(verdicts, 1)])

    others = "1 of 2 inputs moved; outputs did not"
    assert [event.summary for result in results for event in result.alarms] == [
        f"model churn 7 (shop): input age moved: share above 3: 20% → 40% ({others})",
        f"model churn 7 (shop): input age moved further: share above 3: 20% → 80% ({others})",
        "model churn 7 (shop): input age is back within the tolerance after 2m",
    ]


def test_what_may_be_left_is_said() -> None:
    """An alarm may close before few rows can tell that all is within the tolerance: the sentence claims no more."""
    _, results = live([window(1, {AGE: ALARM}), window(2, {AGE: replace(BACK, closing=ClosingEvidence(MINUTE, 0.07))})])

    (closed,) = results[1].alarms
    said = "input age is back after 1m: at most 7% of the rows may still be off"
    assert closed.summary == f"model churn 7 (shop): {said}"


def test_a_verdict_over_a_longer_span_says_so() -> None:
    """A slow drift is proved by several windows together: the sentence names the time that they cover."""
    _, result = follow({}, window(1, {AGE: replace(ALARM, duration=8 * MINUTE)}), TOLERANCE)

    assert "input age moved over the last 8m: share above 3" in result.alarms[0].summary


def test_columns_say_which_alarm_is_open() -> None:
    """A column has the id of its alarm from the window that opens it to the one before it closes."""
    _, results = live([window(i, {AGE: v}) for i, v in enumerate((HEALTHY, ALARM, HEALTHY, HEALTHY, BACK), 1)])
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
    [None, NO_DATA, HEALTHY, BACK, ALARM, replace(ALARM, aspect="missing"), replace(ALARM, lower_bound=0.9)]
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
