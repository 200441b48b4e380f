"""What holds of the engine for any stream of records."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.records import InputRecord, ModelKey, WindowResult
from engine_records import CHURN, MINUTE, SECOND, SETTINGS, START, Sender, span

Told = tuple[int, list[InputRecord]]

END = START + 15 * MINUTE
PATIENT = replace(SETTINGS, lateness=15 * MINUTE)
"""Waits for everything that these streams hold."""

times = st.integers(1, 12 * 60).map(lambda second: START + second * SECOND)
ages = st.lists(st.floats(-100, 100), min_size=1, max_size=6)


@st.composite
def streams(draw: st.DrawFn, cumulative: bool | None = None) -> list[Told]:
    """What two processes and some spans say, in order of event time; each with the time at which it comes."""
    kind = draw(st.booleans()) if cumulative is None else cumulative
    senders = [Sender(process=name, cumulative=kind) for name in "ab"]
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


def counted(told: Sequence[Told], wanted: EngineSettings = SETTINGS) -> dict[ModelKey, float]:
    engine = Engine(wanted)
    finish(engine, told)
    return dict(engine.rows())


@given(streams(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_restart_in_mid_stream_changes_nothing(told: list[Told], data: st.DataObject) -> None:
    """From a snapshot on, a restored engine says what the one says that was not interrupted."""
    cut = data.draw(st.integers(0, len(told)))
    lasting, restored = Engine(SETTINGS), Engine(SETTINGS)
    run(lasting, told[:cut])
    states = [body for body in lasting.snapshot().values() if body is not None]
    restored.restore(states, told[cut - 1][0] if cut else START)

    assert described(finish(restored, told[cut:])) == described(finish(lasting, told[cut:]))
    assert restored.rows() == lasting.rows() == counted(told)


@given(streams(), st.data())
@settings(max_examples=60, deadline=None)
def test_items_that_come_again_in_other_batches_change_nothing(told: list[Told], data: st.DataObject) -> None:
    """The Collector merges and splits what it resends: each item counts once all the same."""
    once = finish(Engine(SETTINGS), told)
    resent: list[Told] = []
    seen: list[InputRecord] = []
    for time, records in told:
        seen += records
        again = data.draw(st.lists(st.sampled_from(seen), max_size=4))
        resent += [(time, records), (time, again)]

    assert described(finish(Engine(SETTINGS), resent)) == described(once)


@given(streams(cumulative=False), st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_what_comes_within_the_lateness_changes_nothing(told: list[Told], data: st.DataObject) -> None:
    """Spans and deltas in any order, in any batches: the same windows with the same content."""
    records = data.draw(st.permutations([record for _, batch in told for record in batch]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=4)))
    parts = [records[a:b] for a, b in zip([0, *cuts], [*cuts, len(records)], strict=True)]

    mixed = finish(Engine(PATIENT), [(END, list(part)) for part in parts])

    assert described(mixed) == described(finish(Engine(PATIENT), told))


@given(streams(cumulative=True), st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_cumulative_points_loses_no_row(told: list[Told], data: st.DataObject) -> None:
    """The newest point says everything, whichever comes first."""
    mixed = [(END, records) for _, records in data.draw(st.permutations(told))]

    assert counted(mixed, PATIENT) == counted(told, PATIENT)


@given(streams(), st.booleans(), st.data())
@settings(max_examples=100, deadline=None)
def test_each_row_is_in_exactly_one_pane_or_late(told: list[Told], shuffled: bool, data: st.DataObject) -> None:
    """In any order, rows in tumbling windows and late rows add up to what was sent."""
    engine = Engine(replace(SETTINGS, size=MINUTE))
    sent = counted(told, PATIENT)
    order = data.draw(st.permutations(told)) if shuffled else told
    late = 0.0
    results: list[WindowResult] = []
    for _, records in order:
        observed = engine.observe(records, END)
        late += sum(observed.late.values())
        results += engine.advance(END)
    results += engine.advance(START + 60 * MINUTE)
    accepted = engine.rows()[CHURN]

    assert {CHURN: accepted + late} == sent
    assert sum(result.rows for result in results) == accepted
    assert sum(c.rows for result in results for c in result.columns) == accepted
