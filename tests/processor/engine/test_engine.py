"""The engine: records in, judged windows out."""

from dataclasses import replace

import numpy as np
import pytest

from driftline_processor.engine import engine as module
from driftline_processor.engine import model_state as model_module
from driftline_processor.engine.accumulator import Accumulator
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.provisional_reference import provisional_reference
from driftline_processor.records import (
    ColumnKey,
    ColumnSummary,
    InputRecord,
    ModelKey,
    Reference,
    Rejection,
    Window,
    WindowResult,
)
from driftline_processor.verdicts.verdict import State
from engine_records import AGE, CHURN, MINUTE, SECOND, SETTINGS, START, Sender, column, span


def training(seed: int = 0, rows: int = 20_000, **describe_model: str) -> Reference:
    """A reference of N(40, 10) ages, in a hundred chunks."""
    ages = np.random.default_rng(seed).normal(40, 10, rows)
    chunks = np.array_split(ages, 100)
    panes = {i * MINUTE: {AGE: counted(chunk)} for i, chunk in enumerate(chunks)}
    reference = provisional_reference(CHURN, panes, MINUTE)
    return replace(reference, id="training", provisional=False, has_timestamps=False, **describe_model)


def counted(ages: np.ndarray) -> ColumnSummary:
    held = Accumulator()
    held.add_values(ages, np.ones(len(ages)))
    return held.summary()


def drive(engine: Engine, sender: Sender, ages: list[np.ndarray], first: int = 0) -> list[WindowResult]:
    """A minute of event time for each array; results as they come."""
    results = []
    for minute, values in enumerate(ages, first):
        time = START + (minute + 1) * MINUTE
        records = sender.predict({"age": values.tolist()}).tell(time)
        engine.observe(records, time)
        results += engine.advance(time)
    return results


def healthy(minutes: int, seed: int = 1, rows: int = 400) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(40, 10, rows) for _ in range(minutes)]


def test_a_column_may_have_a_tolerance_of_its_own() -> None:
    """By its name or a pattern in the settings, before that of the reference; a useless pattern is told once."""
    moved = [ages + 12.0 for ages in healthy(12)]  # 45 points of share
    own = replace(training(), columns={AGE: replace(training().columns[AGE], tolerance=0.8)})
    for reference, tolerances, tolerated in (
        (training(), {}, 0.05),
        (training(), {"a*": 0.8, "years": 0.1}, 0.8),
        (own, {}, 0.8),
        (own, {"*": 0.05}, 0.05),
    ):
        engine = Engine(replace(SETTINGS, tolerances=tolerances))
        engine.put_reference(reference)
        verdict = drive(engine, Sender(), moved)[-1].columns[0].verdict
        assert verdict is not None
        assert verdict.asked == tolerated
        assert (verdict.state is State.ALARM) == (tolerated == 0.05)
        told = ["verdict.tolerances: 'years' matches no column of a reference"]
        assert engine.notices() == (told if "years" in tolerances else [])


def test_a_healthy_stream_is_silent_and_a_broken_one_alarms() -> None:
    """With a reference, ages as in training raise no alarm; ages in months do, in the first window."""
    engine = Engine(SETTINGS)
    engine.put_reference(training())
    sender = Sender()
    quiet = drive(engine, sender, healthy(10))
    loud = drive(engine, sender, [12 * ages for ages in healthy(3, seed=2)], first=10)

    verdicts = [each.verdict for result in quiet for each in result.columns]
    assert len(verdicts) == 9
    assert all(v is not None and v.state is not State.ALARM for v in verdicts)
    assert any(each.verdict and each.verdict.state is State.ALARM for result in loud for each in result.columns)
    assert {result.reference for result in quiet + loud} == {"training"}
    assert not any(result.provisional for result in quiet + loud)


def test_every_row_is_in_the_windows_and_in_the_count() -> None:
    """Tumbling windows, added up, hold what was sent; so does the count of rows."""
    engine = Engine(replace(SETTINGS, size=MINUTE))
    results = drive(engine, Sender(), healthy(8, rows=50))
    results += engine.advance(START + 20 * MINUTE)

    assert sum(result.rows for result in results) == 400
    assert sum(column(result, "age") for result in results) == 400
    assert engine.rows() == {CHURN: 400}


def test_without_a_reference_the_first_full_window_stands_in() -> None:
    """Results before it are not judged; those after say that they are provisional."""
    engine = Engine(SETTINGS)
    results = drive(engine, Sender(), healthy(12))

    assert [result.provisional for result in results] == [False] * 5 + [True] * 6
    assert all(each.verdict is None for result in results[:5] for each in result.columns)
    assert all(each.verdict is not None for result in results[5:] for each in result.columns)
    assert engine.notices() == [
        (
            "model 'churn' version '1': no reference, falling back to its first full window (2000 rows): from the next "
            "one on, sudden moves of most rows alarm; all else needs a training profile (driftline profile)"
        )
    ]
    assert engine.notices() == []


def test_a_stand_in_waits_for_enough_rows() -> None:
    """A model with ten rows a minute needs ten minutes to stand in for a reference."""
    engine = Engine(SETTINGS)
    results = drive(engine, Sender(), healthy(14, rows=10))

    assert [result.provisional for result in results] == [False] * 10 + [True] * 3


def test_a_reference_replaces_the_stand_in_at_once() -> None:
    """The next window after a reference came is compared with it."""
    engine, sender = Engine(SETTINGS), Sender()
    drive(engine, sender, healthy(8))
    engine.put_reference(training())
    results = drive(engine, sender, healthy(1, seed=3), first=8)

    assert [result.reference for result in results] == ["training"]


def test_a_reference_for_another_version_is_not_used_and_said() -> None:
    """Comparing a model with the training data of another version would alarm for no reason."""
    engine = Engine(SETTINGS)
    engine.put_reference(training(version="2"))
    results = drive(engine, Sender(), healthy(8))

    assert "training" not in {result.reference for result in results}
    assert [result.provisional for result in results] == [False] * 5 + [True] * 2
    notices = engine.notices()
    assert [notice for notice in notices if "only for" in notice] == [
        (
            "model 'churn' version '1': no reference for this version, only for '2': profile its training data, set "
            "DRIFTLINE_MODEL_VERSION where it is served, or profile without --version for all"
        )
    ]
    assert "falling back" in notices[1]


def test_a_reference_without_a_version_serves_all() -> None:
    """Whoever names no version means every one that has no reference of its own."""
    engine = Engine(SETTINGS)
    engine.put_reference(training(version=""))
    results = drive(engine, Sender(), healthy(3))

    assert {result.reference for result in results} == {"training"}


def test_a_dropped_reference_is_not_used_again() -> None:
    """A removed file leaves the model without a reference."""
    engine, sender = Engine(SETTINGS), Sender()
    engine.put_reference(training())
    drive(engine, sender, healthy(3))
    engine.drop_reference("training")
    results = drive(engine, sender, healthy(2, seed=4), first=3)

    assert {result.reference for result in results} == {None}


def test_rows_given_to_two_operations_are_counted_once_in_a_window() -> None:
    """`predict` and `predict_proba` on the same rows are one observation of them."""
    engine = Engine(SETTINGS)
    ages = healthy(1)[0].tolist()
    for operation in ("predict", "predict_proba"):
        engine.observe(Sender(operation=operation).predict({"age": ages}).tell(START + 1), START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    assert result.rows == column(result, "age") == 400


def test_two_processes_add_up() -> None:
    """Workers of one server are streams of their own, and their rows are all counted."""
    engine = Engine(SETTINGS)
    for process in "abc":
        engine.observe(Sender(process=process).predict({"age": [1.0, 2.0]}).tell(START + 1), START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    assert result.rows == column(result, "age") == 6


def test_examples_are_weighted_by_how_they_were_sampled() -> None:
    """A span that stands for twenty rows counts as twenty, and as one in what it proves."""
    engine = Engine(SETTINGS)
    engine.observe([span(i, START + 1, {"age": float(i)}, weight=20.0) for i in range(50)], START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    assert result.rows == 1000
    assert result.columns[0].rows == 1000
    assert result.columns[0].effective_rows == pytest.approx(50)


def test_repeated_spans_are_counted_once() -> None:
    """A span that comes again, in whatever company, is known."""
    engine = Engine(SETTINGS)
    first = [span(i, START + 1, {"age": 1.0}) for i in range(5)]
    engine.observe(first, START + 1)
    observed = engine.observe([*first[2:], span(9, START + 2, {"age": 2.0})], START + 2)

    assert (observed.counted, observed.duplicates) == (1, 3)
    assert engine.rows() == {CHURN: 6}


def test_late_rows_are_rejected_and_told() -> None:
    """An hour behind is late: counted, named, and nothing else is lost."""
    engine = Engine(SETTINGS)
    engine.observe(Sender().predict({"age": [1.0]}).tell(START + 60 * MINUTE), START + 60 * MINUTE)
    slow = Sender(process="slow").predict({"age": [1.0] * 7}).tell(START + MINUTE)
    observed = engine.observe(slow, START + 60 * MINUTE)

    assert observed.late == {CHURN: 7}
    assert observed.rejections == (
        Rejection(
            len(slow),
            "model 'churn' version '1': beyond the allowed lateness of 60 s (3540 s behind the newest); "
            "is a sender's clock slow?",
        ),
    )
    assert engine.rows() == {CHURN: 1}


def test_of_a_cumulative_stream_only_the_new_rows_are_late() -> None:
    """What its earlier points said is counted, and stays so."""
    engine, sender = Engine(SETTINGS), Sender()
    engine.observe(sender.predict({"age": [1.0] * 5}).tell(START + 1), START + 1)
    engine.observe([span(1, START + 9 * MINUTE, {"age": 1.0})], START + 9 * MINUTE)
    observed = engine.observe(sender.predict({"age": [1.0] * 2}).tell(START + 2), START + 9 * MINUTE)

    assert observed.late == {CHURN: 2}
    assert engine.rows() == {CHURN: 6}


def test_late_items_of_a_batch_are_told_once() -> None:
    """A thousand late spans make one sentence, with the worst of them."""
    engine = Engine(SETTINGS)
    engine.observe([span(0, START + 60 * MINUTE, {"age": 1.0})], START + 60 * MINUTE)
    late: list[InputRecord] = [span(i, START + i * SECOND, {"age": 1.0}) for i in range(1, 1001)]
    observed = engine.observe(late, START + 60 * MINUTE)

    assert [rejection.items for rejection in observed.rejections] == [1000]
    assert "3599 s behind" in observed.rejections[0].reason
    assert observed.late == {CHURN: 1000}


def test_rows_of_a_clock_that_is_ahead_count_on_arrival() -> None:
    """An hour ahead: the rows count now, others are not made late by them, and the operator is told."""
    engine = Engine(SETTINGS)
    observed = engine.observe(Sender().predict({"age": [1.0]}).tell(START + 60 * MINUTE), START)
    after = engine.observe(Sender(process="b").predict({"age": [1.0]}).tell(START + SECOND), START + SECOND)

    assert observed.notices == ("model 'churn' version '1': a sender's clock is 3600 s ahead; using time of receipt",)
    assert observed.counted == 2
    assert not after.rejections
    assert engine.rows() == {CHURN: 2}


def test_a_repetition_from_a_clock_that_is_ahead_makes_nobody_late() -> None:
    """What comes again changes nothing, also not how far event time has come."""
    engine = Engine(SETTINGS)
    ahead = Sender(process="ahead").predict({"age": [1.0]}).tell(START + 90 * MINUTE)
    engine.observe(ahead, START)
    again = engine.observe(ahead, START + 60 * MINUTE)
    queued = engine.observe([span(1, START + SECOND, {"age": 1.0})], START + 60 * MINUTE)

    assert again.duplicates == len(ahead)
    assert not queued.late


def test_a_stream_that_began_long_ago_only_sets_a_baseline() -> None:
    """A processor that comes new into the line does not take hours of rows for one minute, and says so."""
    engine, sender = Engine(SETTINGS), Sender()
    time = START + 120 * MINUTE
    first = engine.observe(sender.predict({"age": [1.0] * 9}).tell(time), time)
    second = engine.observe(sender.predict({"age": [1.0] * 2}).tell(time + SECOND), time + SECOND)

    assert (first.counted, second.counted) == (2, 2)
    assert "counting from now on" in first.notices[0]
    assert engine.rows() == {CHURN: 2}


def test_a_model_that_falls_silent_is_closed_after_a_while() -> None:
    """The last window is told once nothing came for lateness and a step, and then no more."""
    engine = Engine(SETTINGS)
    engine.observe(Sender().predict({"age": [1.0]}).tell(START + SECOND), START + SECOND)

    assert not engine.advance(START + 2 * MINUTE)
    assert len(engine.advance(START + 2 * MINUTE + 2 * SECOND)) == 1
    assert not engine.advance(START + 60 * MINUTE)


def test_a_reference_column_that_is_gone_is_reported() -> None:
    """A feature that no longer arrives has no rows and says insufficient data."""
    engine = Engine(SETTINGS)
    engine.put_reference(training())
    engine.observe(Sender().predict({"income": [1.0] * 500}).tell(START + 1), START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    gone = next(each for each in result.columns if each.column == AGE)
    assert gone.rows == 0
    assert gone.verdict is not None
    assert gone.verdict.state is State.INSUFFICIENT_DATA


def test_an_empty_batch_changes_nothing() -> None:
    """No records, no model, no result."""
    engine = Engine(SETTINGS)
    observed = engine.observe([], START)

    assert observed.counted == 0
    assert not engine.rows()
    assert not engine.snapshot()


def test_more_columns_than_the_bound_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are counted, the others named."""
    monkeypatch.setattr(model_module, "MAX_COLUMNS", 3)
    engine = Engine(SETTINGS)
    records = Sender().predict({f"x{i}": [1.0] for i in range(5)}).tell(START + 1)
    observed = engine.observe(records, START + 1)

    assert [rejection.items for rejection in observed.rejections] == [2]
    assert "columns" in observed.rejections[0].reason


def test_five_thousand_features_are_counted() -> None:
    """Wide models are slow to look at, but nothing of them is lost."""
    engine = Engine(SETTINGS)
    records = Sender().predict({f"x{i}": [1.0] for i in range(5000)}).tell(START + 1)
    observed = engine.observe(records, START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    assert not observed.rejections
    assert len(result.columns) == 5000


def test_more_models_than_the_bound_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that change with every process cannot fill the memory."""
    monkeypatch.setattr(module, "MAX_MODELS", 2)
    engine = Engine(SETTINGS)
    records: list[InputRecord] = [span(i, START + 1, {"age": 1.0}, model=ModelKey(f"m{i}")) for i in range(3)]
    observed = engine.observe(records, START + 1)

    assert len(engine.rows()) == 2
    assert "'m2'" in observed.rejections[0].reason


def test_a_snapshot_holds_only_what_has_changed() -> None:
    """A model that said nothing since is not written again."""
    engine = Engine(SETTINGS)
    engine.observe([span(1, START + 1, {"age": 1.0}), span(2, START + 1, {"age": 1.0}, model=ModelKey("b"))], START)

    assert set(engine.snapshot()) == {CHURN, ModelKey("b")}
    assert not engine.snapshot()
    engine.observe([span(3, START + 2, {"age": 1.0})], START + 2)
    assert set(engine.snapshot()) == {CHURN}


def test_a_span_with_too_many_columns_counts_with_those_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row is counted, and the operator is told."""
    monkeypatch.setattr(model_module, "MAX_COLUMNS", 3)
    engine = Engine(SETTINGS)
    observed = engine.observe([span(1, START + 1, {f"x{i}": 1.0 for i in range(5)})], START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    assert (engine.rows()[CHURN], result.rows, len(result.columns)) == (1, 1, 3)
    assert "columns; the others are not counted" in observed.notices[0]


def test_names_of_columns_make_room_when_they_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is on columns at a time, not over the life of a model."""
    monkeypatch.setattr(model_module, "MAX_COLUMNS", 3)
    engine = Engine(SETTINGS)
    for day in (0, 2, 4):
        time = START + day * 24 * 60 * MINUTE
        engine.advance(time)
        assert not engine.observe([span(day, time, {f"{day}.{i}": 1.0 for i in range(3)})], time).notices

    for minute in range(0, 181, 20):  # the last names are still in use for an hour, and then others come
        later = time + minute * MINUTE
        names = ["4.0"] if minute < 180 else ["4.0", "other", "another"]
        observed = engine.observe([span(minute + 10, later, dict.fromkeys(names, 1.0))], later)
        engine.advance(later)
        assert not observed.notices


@pytest.mark.parametrize("bound", ["MAX_STREAMS", "MAX_KEYS"])
def test_more_streams_and_keys_than_the_bound_are_rejected(monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """The known ones go on; the new ones are told why they cannot."""
    monkeypatch.setattr(model_module, bound, 2)
    engine, cumulative = Engine(SETTINGS), bound == "MAX_STREAMS"
    records = Sender(cumulative=cumulative).predict({f"x{i}": [1.0] for i in range(5)}).tell(START + 1)
    observed = engine.observe(records, START + 1)

    assert observed.counted == 2
    assert [rejection.items for rejection in observed.rejections] == [4]
    assert "more than" in observed.rejections[0].reason


def test_models_of_last_week_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every deployment is a new version; the store is told which ones are gone."""
    monkeypatch.setattr(module, "MAX_MODELS", 2)
    engine = Engine(SETTINGS)
    for day in range(3):
        time = START + 6 * day * 86_400 * SECOND
        engine.observe([span(day, time, {"age": 1.0}, model=ModelKey("churn", str(day)))], time)
        engine.advance(time)
    states = engine.snapshot()

    assert set(engine.rows()) == {ModelKey("churn", "1"), ModelKey("churn", "2")}
    assert states[ModelKey("churn", "0")] is None
    assert not engine.snapshot()


def test_a_model_that_is_silent_for_a_day_lets_go() -> None:
    """Its count stays; panes and streams of processes that are gone do not fill the memory."""
    engine = Engine(SETTINGS)
    engine.put_reference(training())
    drive(engine, Sender(), healthy(4))
    busy = engine.snapshot()[CHURN] or b""
    engine.advance(START + 60 * MINUTE)
    engine.advance(START + 48 * 60 * MINUTE)
    rested = engine.snapshot()[CHURN] or b""

    assert len(rested) < 300 < len(busy)
    assert engine.rows() == {CHURN: 1600}
    assert not engine.advance(START + 72 * 60 * MINUTE)
    assert not engine.snapshot()


def test_a_window_that_cannot_be_judged_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is logged with its model, and every other result still comes; it is not tried again for ever."""
    engine, good = Engine(SETTINGS), ModelKey("good")
    judge = Engine._judge

    def faulty(self: Engine, model: model_module.ModelState, window: Window) -> WindowResult:
        if model.key == CHURN:
            raise ZeroDivisionError
        return judge(self, model, window)

    monkeypatch.setattr(Engine, "_judge", faulty)
    engine.observe([span(1, START + 1, {"age": 1.0}), span(2, START + 1, {"age": 1.0}, model=good)], START + 1)

    assert [result.model for result in engine.advance(START + 10 * MINUTE)] == [good]
    assert "model 'churn' version '1': failed to judge the window ending at" in caplog.text
    assert not engine.advance(START + 11 * MINUTE)


def test_two_references_for_one_model() -> None:
    """The one that was put last is used, also when it was put before."""
    engine, sender = Engine(SETTINGS), Sender()
    first, second = training(), replace(training(), id="second")
    for reference in (first, second, first):
        engine.put_reference(reference)
    results = drive(engine, sender, healthy(3))

    assert {result.reference for result in results} == {"training"}


def test_a_column_that_changes_from_numbers_to_words_is_counted_and_judged() -> None:
    """A feature of another type is drift, not an error."""
    engine = Engine(SETTINGS)
    engine.put_reference(training())
    engine.observe([span(i, START + 1, {"age": "forty"}) for i in range(500)], START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    (age,) = result.columns
    assert (age.column, age.rows) == (AGE, 500)
    assert age.verdict is not None
    assert age.verdict.state is State.ALARM


def test_a_column_without_a_value_is_counted_as_missing() -> None:
    """All values missing: rows are counted, and the missing rate alarms."""
    engine = Engine(SETTINGS)
    engine.put_reference(training())
    engine.observe([span(i, START + 1, {"age": None}) for i in range(500)], START + 1)
    (result,) = engine.advance(START + 10 * MINUTE)

    assert result.rows == 500
    assert result.columns[0].verdict is not None
    assert result.columns[0].verdict.state is State.ALARM
    assert not result.columns[0].distribution


def test_columns_come_in_one_order() -> None:
    """Whichever batch comes first."""
    orders = []
    for names in (["b", "a", "c"], ["c", "b", "a"]):
        engine = Engine(SETTINGS)
        engine.observe([span(i, START + 1, {name: 1.0}) for i, name in enumerate(names)], START + 1)
        (result,) = engine.advance(START + 10 * MINUTE)
        orders.append([each.column for each in result.columns])

    assert orders == [[ColumnKey("input", name) for name in "abc"]] * 2


def test_a_restart_emits_no_window_twice_and_keeps_the_stand_in() -> None:
    """After a clean restart the next window is the next one, compared with the same live data."""
    before, after, sender = Engine(SETTINGS), Engine(SETTINGS), Sender()
    told = drive(before, sender, healthy(9))
    after.restore([body for body in before.snapshot().values() if body], START + 9 * MINUTE)
    went_on = drive(after, sender, healthy(3, seed=5), first=9)

    ends = [result.window.end for result in told + went_on]
    assert ends == sorted(set(ends))
    assert went_on[0].window.end == told[-1].window.end + MINUTE
    assert {result.reference for result in went_on} == {told[-1].reference}
    assert all(result.provisional for result in went_on)


def test_after_a_restart_silence_is_measured_anew() -> None:
    """The senders have to find back first: a minute without input after a restart closes no window."""
    before, after = Engine(SETTINGS), Engine(SETTINGS)
    before.observe([span(1, START + 1, {"age": 1.0})], START + 1)
    after.restore([body for body in before.snapshot().values() if body], START + 60 * MINUTE)

    assert not after.advance(START + 61 * MINUTE)
    assert len(after.advance(START + 63 * MINUTE)) == 1


def test_windows_that_are_judged_in_parts_are_the_same() -> None:
    """Models take turns, no window is left out, and none comes twice."""
    whole, parts = Engine(SETTINGS), Engine(SETTINGS)
    models = [ModelKey(f"m{i}") for i in range(4)]
    for engine in (whole, parts):
        for number, model in enumerate(models):
            for minute in range(3):
                time = START + minute * MINUTE + SECOND
                engine.observe([span(number * 10 + minute, time, {"age": 1.0}, model=model)], time)
    now = START + 60 * MINUTE
    expected = [(result.model, result.window) for result in whole.advance(now)]
    first = parts.advance(now, most=4)
    told = [(result.model, result.window) for result in first]
    while more := parts.advance(now, most=4):
        told += [(result.model, result.window) for result in more]

    assert len(first) == 4
    assert sorted(told) == sorted(expected)
    assert len(expected) == len(set(expected)) == 12


def test_no_model_waits_for_ever_for_its_turn() -> None:
    """When there is always more to judge than there is time for, every model is judged now and then."""
    engine = Engine(SETTINGS)
    models = [ModelKey(f"m{i}") for i in range(3)]
    judged = []
    for minute in range(6):
        time = START + minute * MINUTE + SECOND
        engine.observe([span(minute * 10 + i, time, {"age": 1.0}, model=m) for i, m in enumerate(models)], time)
        judged += [result.model for result in engine.advance(time, most=1)]

    assert set(judged) == set(models)


def test_a_category_without_new_rows_keeps_its_name_in_the_window() -> None:
    """What a sender has once named it counts by name: none of its rows are among the unnamed."""
    engine, sender = Engine(SETTINGS), Sender()
    engine.observe(sender.predict({"plan": ["gold", "free"]}).tell(START + SECOND), START + SECOND)
    later = START + 7 * MINUTE
    engine.observe(sender.predict({"plan": ["free"] * 3}).tell(later), later)
    model = engine._models[CHURN]
    column = ColumnKey("input", "plan")

    assert model.panes.contents(Window(START + 5 * MINUTE, START + 10 * MINUTE)).columns[column].categories == {
        "free": 3.0,
        "gold": 0.0,
    }


def test_a_category_without_new_rows_makes_no_window() -> None:
    """A model that is told of again and again, and predicts nothing, is not judged."""
    engine, sender = Engine(SETTINGS), Sender()
    engine.observe(sender.predict({"plan": ["gold"]}).tell(START + SECOND), START + SECOND)
    engine.observe(sender.tell(START + 30 * MINUTE), START + 30 * MINUTE)

    assert list(engine._models[CHURN].panes.by_start) == [START]
