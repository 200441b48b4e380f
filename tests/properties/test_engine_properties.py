"""What holds of the engine for any stream of records."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_processor.engine import Engine
from driftline_processor.records import Record, WindowResult
from engine_records import CHURN, MINUTE, SECOND, SETTINGS, START, Sender, span

Told = tuple[int, list[Record]]

times = st.integers(1, 12 * 60).map(lambda second: START + second * SECOND)
ages = st.lists(st.floats(-100, 100), min_size=1, max_size=6)


@st.composite
def streams(draw: st.DrawFn) -> list[Told]:
    """What two processes and some spans say, in order of event time; each with the time at which it comes."""
    cumulative = draw(st.booleans())
    senders = [Sender(process=name, cumulative=cumulative) for name in "ab"]
    told: list[Told] = []
    for number, time in enumerate(sorted(draw(st.lists(times, min_size=1, max_size=12, unique=True)))):
        if draw(st.booleans()):
            told.append((time, [span(number, time, {"age": draw(st.floats(-100, 100))})]))
        else:
            sender = draw(st.sampled_from(senders))
            told.append((time, sender.predict({"age": draw(ages)}).tell(time)))
    return told


def run(engine: Engine, told: Sequence[Told]) -> list[WindowResult]:
    results = []
    for time, records in told:
        engine.observe(records, time)
        results += engine.advance(time)
    return results


def finish(engine: Engine, told: Sequence[Told]) -> list[WindowResult]:
    return run(engine, told) + engine.advance(START + 60 * MINUTE)


def described(results: list[WindowResult]) -> list[tuple[object, ...]]:
    """What a result says, without what only tells objects apart."""
    return [
        (
            r.model,
            r.window,
            r.rows,
            r.provisional,
            [(c.column, c.rows, c.distribution, c.statistics) for c in r.columns],
        )
        for r in results
    ]


@given(streams(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_restart_in_mid_stream_changes_nothing(told: list[Told], data: st.DataObject) -> None:
    """Snapshot, restore and go on: the results are those of the uninterrupted run."""
    cut = data.draw(st.integers(0, len(told)))
    whole = finish(Engine(SETTINGS), told)

    before, after = Engine(SETTINGS), Engine(SETTINGS)
    results = run(before, told[:cut])
    after.restore(before.snapshot().values(), told[cut - 1][0] if cut else START)
    results += finish(after, told[cut:])

    assert described(results) == described(whole)
    assert after.rows() == counted(told)


def counted(told: Sequence[Told]) -> dict[object, float]:
    engine = Engine(SETTINGS)
    finish(engine, told)
    return dict(engine.rows())


@given(streams(), st.data())
@settings(max_examples=60, deadline=None)
def test_items_that_come_again_in_other_batches_change_nothing(told: list[Told], data: st.DataObject) -> None:
    """The Collector merges and splits what it resends: each item counts once all the same."""
    once = finish(Engine(SETTINGS), told)
    resent: list[Told] = []
    seen: list[Record] = []
    for time, records in told:
        seen += records
        again = data.draw(st.lists(st.sampled_from(seen), max_size=4))
        resent += [(time, records), (time, again)]

    assert described(finish(Engine(SETTINGS), resent)) == described(once)


@given(st.lists(st.tuples(times, st.floats(-100, 100)), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_each_row_is_in_exactly_one_pane_or_late(rows: list[tuple[int, float]]) -> None:
    """In any order, rows in tumbling windows and late rows add up to what was sent."""
    engine = Engine(SETTINGS.__class__(**{**_fields(), "size": MINUTE}))
    late = counted = 0.0
    results: list[WindowResult] = []
    newest = START
    for number, (time, age) in enumerate(rows):
        newest = max(newest, time)
        observed = engine.observe([span(number, time, {"age": age})], newest)
        late += sum(observed.late.values())
        counted += observed.counted
        results += engine.advance(newest)
    results += engine.advance(newest + 60 * MINUTE)

    assert counted + late == len(rows)
    assert sum(result.rows for result in results) == counted == engine.rows().get(CHURN, 0.0)


def _fields() -> dict[str, float]:
    return {name: getattr(SETTINGS, name) for name in SETTINGS.__slots__}
