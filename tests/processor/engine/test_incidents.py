"""The life of an incident: one for all alarms of a model that are open together."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_processor.engine.alarms import Alarm, follow
from driftline_processor.engine.incidents import Incident, follow_incident
from driftline_processor.records import (
    AlarmChange,
    ColumnKey,
    ColumnResult,
    IncidentEvent,
    ModelKey,
    Window,
    WindowResult,
)
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import ClosingEvidence, State, Verdict

MINUTE = 60 * 10**9
START = 1_700_000_040 * 10**9
MODEL = ModelKey("churn", "7", (("deployment.environment.name", "prod"), ("service.name", "shop")))
COLUMNS = [ColumnKey("input", f"x{i}") for i in range(30)] + [ColumnKey("output", "score")]

HEALTHY = Verdict("value", State.HEALTHY, 0.01, 0.0, 0.05, 0.1, ())
BACK = replace(HEALTHY, closing=ClosingEvidence(START, 0.0))


def alarm(score: float = 3.0) -> Verdict:
    return Verdict("value", State.ALARM, 0.2, 0.15, 0.05, score, (Stated("share above 3: 20% → 40%"),))


def window(number: int, verdicts: dict[ColumnKey, Verdict], reference: str = "abc") -> WindowResult:
    columns = tuple(ColumnResult(key, 9.0, 9.0, 9.0, {}, {}, {}, verdict) for key, verdict in verdicts.items())
    end = START + number * MINUTE
    return WindowResult(MODEL, Window(end - MINUTE, end), 9.0, reference, False, columns)


def live(windows: Sequence[WindowResult]) -> list[WindowResult]:
    alarms: dict[ColumnKey, Alarm] = {}
    incident: Incident | None = None
    results = []
    for each in windows:
        alarms, result = follow(alarms, each, 0.05)
        incident, result = follow_incident(incident, result)
        results.append(result)
        assert (incident is None) is (not alarms)
    return results


def events(*verdicts: dict[ColumnKey, Verdict]) -> list[IncidentEvent]:
    return [
        event for result in live([window(i, each) for i, each in enumerate(verdicts, 1)]) for event in result.incidents
    ]


def changes(*verdicts: dict[ColumnKey, Verdict]) -> list[tuple[int, str]]:
    """What happens, and with which window."""
    return [((event.time - START) // MINUTE, event.change.value) for event in events(*verdicts)]


def all_of(verdict: Verdict, columns: Sequence[ColumnKey] = COLUMNS) -> dict[ColumnKey, Verdict]:
    return dict.fromkeys(COLUMNS, HEALTHY) | dict.fromkeys(columns, verdict)


def test_a_pipeline_that_breaks_is_one_incident() -> None:
    """However many columns move at once: one event opens it, and one closes it when all are back."""
    assert changes(all_of(HEALTHY), all_of(alarm()), all_of(alarm()), all_of(HEALTHY), all_of(BACK)) == [
        (2, "opened"),
        (5, "closed"),
    ]


def test_columns_that_join_are_told_once_each() -> None:
    """A column that comes and goes is told with its first alarm."""
    one, two = all_of(alarm(), COLUMNS[:1]), all_of(alarm(), COLUMNS[:2])
    leaves = {**one, COLUMNS[1]: BACK}

    assert changes(one, two, two)[1:] == [(2, "updated")]
    assert [kind for _, kind in changes(one, two, leaves, two, leaves, two, leaves)] == ["opened", "updated", "updated"]


def test_columns_that_leave_are_told_when_half_of_them_have() -> None:
    """Not one by one."""
    steps = [all_of(BACK) | dict.fromkeys(COLUMNS[:n], alarm()) for n in (16, 15, 9, 8, 5, 4, 2, 1)]

    assert changes(*steps) == [(1, "opened"), (4, "updated"), (6, "updated"), (7, "updated"), (8, "updated")]


def test_columns_are_in_order_of_evidence() -> None:
    """The strongest first: there one begins to look."""
    first, second, third = COLUMNS[5], COLUMNS[-1], COLUMNS[0]
    (event,) = events({**all_of(HEALTHY), third: alarm(1.5), first: alarm(9.0), second: alarm(4.0)})

    assert event.columns == (first, second, third)


def test_the_sentences() -> None:
    """Where, how many, which first, what moved in it and since when; in the end how long it was."""
    opened, updated, closed = events(
        {**all_of(HEALTHY), COLUMNS[0]: alarm(5.0), COLUMNS[-1]: alarm(4.0)},
        {**all_of(HEALTHY), COLUMNS[0]: alarm(5.0), COLUMNS[-1]: alarm(4.0), COLUMNS[1]: alarm(6.0)},
        all_of(BACK),
    )

    assert opened.summary == (
        "model churn 7 (shop, prod): 1 of 30 inputs and 1 of 1 outputs moved since 2023-11-14 22:14 UTC: "
        "input x0: share above 3: 20% → 40%; then output score"
    )
    assert updated.summary == (
        "model churn 7 (shop, prod): 2 of 30 inputs and 1 of 1 outputs now in alarm, "
        "the first since 2023-11-14 22:15 UTC: "
        "input x1: share above 3: 20% → 40%; then input x0, output score"
    )
    assert closed.summary == (
        "model churn 7 (shop, prod): no alarm is open any more after 2m: input x0, output score, input x1 had moved"
    )


def test_a_sentence_names_few_columns_and_counts_the_others() -> None:
    """A pager shows a line."""
    (event,) = events(all_of(alarm()))

    assert event.summary.endswith("; then input x1, input x10, input x11, input x12, input x13 and 25 more")
    assert len(event.columns) == len(COLUMNS)


def test_alarms_say_which_incident_they_are_part_of() -> None:
    """From the first to the last: also the one that ends it."""
    results = live([window(1, all_of(alarm(), COLUMNS[:2])), window(2, all_of(BACK))])
    ids = {event.incident for result in results for event in result.alarms}

    assert ids == {event.id for result in results for event in result.incidents}
    assert len(ids) == 1


def test_ids_are_of_model_and_time() -> None:
    """The same in every replay; another of another model, version, resource or time, and none is that of an alarm."""
    base = window(1, all_of(alarm(), COLUMNS[:1]))
    models = [ModelKey("churn", "8", MODEL.resource), ModelKey("rent", "7", MODEL.resource), ModelKey("churn", "7")]
    others = [replace(base, model=model) for model in models] + [window(2, all_of(alarm(), COLUMNS[:1]))]
    ids = [event.id for each in (base, *others) for event in live([each])[0].incidents]

    assert len({*ids}) == len(ids) == 5
    assert not {*ids} & {event.id for event in live([base])[0].alarms}


def test_another_reference_that_alarms_at_once_is_the_same_incident() -> None:
    """Its alarms are others; nobody is paged twice for what goes on."""
    results = live([window(1, all_of(alarm())), window(2, all_of(alarm()), "def"), window(3, all_of(BACK), "def")])

    assert [event.change.value for result in results for event in result.incidents] == ["opened", "closed"]


def test_traces_are_of_the_column_with_the_strongest_evidence() -> None:
    """Of those whose alarm has just changed: the others have none."""
    _, result = follow({}, window(1, {COLUMNS[0]: alarm(1.0), COLUMNS[1]: alarm(2.0)}), 0.05)
    known = {COLUMNS[0]: ("a",), COLUMNS[1]: ("b",)}
    events = tuple(replace(event, traces=known[event.column]) for event in result.alarms)
    _, result = follow_incident(None, replace(result, alarms=events))

    assert result.incidents[0].traces == ("b",)


verdicts = st.sampled_from([HEALTHY, BACK, alarm(), alarm(9.0)])
streams = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(COLUMNS[:6]), verdicts), st.sampled_from(["abc", "def"])), max_size=40
).map(lambda steps: [window(i, *step) for i, step in enumerate(steps, 1)])


@given(streams)
def test_it_is_open_exactly_while_an_alarm_is(stream: list[WindowResult]) -> None:
    """It opens and closes in turns, with ids of its own, and updates are few: columns, and halvings of their number."""
    found = [event for result in live(stream) for event in result.incidents]
    opened = [event.id for event in found if event.change is AlarmChange.OPENED]
    current: str | None = None

    assert len({*opened}) == len(opened)
    for event in found:
        assert (current is None) is (event.change is AlarmChange.OPENED)
        assert event.change is AlarmChange.OPENED or event.id == current
        current = None if event.change is AlarmChange.CLOSED else event.id
    for identity in opened:
        updates = [event for event in found if event.id == identity and event.change is AlarmChange.UPDATED]
        assert len(updates) <= 6 * 4


@pytest.mark.parametrize("change", AlarmChange)
def test_an_event_is_of_its_window(change: AlarmChange) -> None:
    """Its time is the end of the window that changed it, and of the one that opened it."""
    found = {event.change: event for event in events(all_of(alarm(), COLUMNS[:1]), all_of(alarm()), all_of(BACK))}

    assert found[change].opened == START + MINUTE
    assert found[change].time == START + (1 + list(AlarmChange).index(change)) * MINUTE
