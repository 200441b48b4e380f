"""Each outcome is joined with its rows once, whatever comes first, twice, late or never, and over crashes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from driftline.outcomes.event import LABEL, Outcome
from driftline.rows.batch import RowBatch
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.table import OUTPUT, RowColumn, RowTable
from driftline.sketch.time_units import DAY, SECOND
from driftline_processor.outcomes import join as join_module
from driftline_processor.outcomes import segments
from driftline_processor.outcomes.join import JoinLimits, OutcomeJoin, SavedJoin
from driftline_processor.outcomes.labelled_sample import LABEL_TEXT, LABEL_VALUE
from driftline_processor.outcomes.tables import SCORES, TEXT, VALUE, WEIGHT
from driftline_processor.records import ModelKey

T0 = 1_700_000_000 * SECOND
MODEL, OTHER = ModelKey("churn", "1"), ModelKey("fraud")
LIMITS = JoinLimits(30 * DAY, 1 << 30, DAY)


class Disk:
    """What saves have put on disk."""

    def __init__(self) -> None:
        self.segments: dict[int, bytes] = {}
        self.state: bytes | None = None

    def save(self, join: OutcomeJoin) -> None:
        saved: SavedJoin = join.changes()
        for gone in saved.segments.drop:
            del self.segments[gone]
        self.segments |= {segment.id: body for segment, body in saved.segments.put}
        self.state = saved.state
        join.committed()

    def opened(self, limits: JoinLimits = LIMITS) -> OutcomeJoin:
        join = OutcomeJoin(limits, self.segments.get)
        if self.state is not None:
            join.restore(self.state)
        return join


def batch(ids: Sequence[Any], predictions: Any = None, uid: str = "p.1", **given: Any) -> RowBatch:
    columns = {RowColumn(OUTPUT, "prediction"): np.arange(len(ids)) % 2 if predictions is None else predictions}
    if "score" in given:
        columns[RowColumn(OUTPUT, "score")] = np.asarray(given.pop("score"), np.float64)
    times = np.full(len(ids), given.pop("time", T0))
    table = RowTable(row_keys(hash_ids(np.asarray(ids)).hashes), times, columns)
    return RowBatch(uid, given.pop("threshold", 0), len(ids), table, **given)


def said(identity: Any, label: Any = 1, uid: str = "", **given: Any) -> Outcome:
    name = given.get("name", LABEL)
    value = {"label": label} if name == LABEL else {"value": label}
    return Outcome(uid=uid or f"{identity}.{name}.{label}", id=str(identity), time=T0 + DAY, **value, **given)


def labelled(join: OutcomeJoin, model: ModelKey = MODEL, name: str = LABEL) -> list[tuple[float, float]]:
    """Prediction and label of each labelled row, sorted."""
    if (model, name) not in join.samples:
        return []
    table = join.samples[model, name].table(0)
    return sorted(zip(table.columns[VALUE].tolist(), table.columns[LABEL_VALUE].tolist(), strict=True))


def states(join: OutcomeJoin) -> dict[str, int]:
    return {state: count for state, count in join.states().items() if count}


@pytest.mark.parametrize("rows_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_whatever_comes_first(rows_first: bool, together: bool) -> None:
    """Rows wait for outcomes, and outcomes for rows; what has no row waits on."""
    join = Disk().opened()
    steps: list[Any] = [
        lambda: join.add_rows(MODEL, "predict", batch(range(10))),
        lambda: join.add_outcomes([said(3, 1), said(4, 0), said(99, 1)], (), T0),
    ]
    for step in steps if rows_first else steps[::-1]:
        step()
        if not together:
            join.join(T0)
    join.join(T0)
    assert labelled(join) == [(0.0, 0.0), (1.0, 1.0)]
    assert states(join) == {"joined": 2, "waiting": 1}


def test_each_counts_once() -> None:
    """One that comes again is a duplicate, one that says something else a correction; the last that was said holds."""
    join = Disk().opened()
    join.add_rows(MODEL, "predict", batch(range(10)))
    first, again = said(3, 1, "a", observed=1), said(3, 0, "b", observed=2)
    join.add_outcomes([first, first, said(5, 1, "c")], (), T0)
    join.join(T0)
    assert states(join) == {"joined": 2, "duplicate": 1}
    join.add_outcomes([again, first, said(5, 1, "c")], (), T0 + 1)
    join.join(T0)
    assert labelled(join) == [(1.0, 0.0), (1.0, 1.0)]
    join.add_outcomes([first], (), T0 + 2)  # late, of before the correction
    join.join(T0)
    assert labelled(join) == [(1.0, 0.0), (1.0, 1.0)]
    assert states(join) == {"joined": 2, "duplicate": 4, "correction": 1}


def test_a_correction_of_one_that_waits() -> None:
    """It takes its place."""
    join = Disk().opened()
    join.add_outcomes([said(3, 1, "a", observed=1)], (), T0)
    join.join(T0)
    join.add_outcomes([said(3, 0, "b", observed=2)], (), T0)
    join.join(T0)
    join.add_rows(MODEL, "predict", batch(range(10)))
    join.join(T0)
    assert labelled(join) == [(1.0, 0.0)]
    assert states(join) == {"joined": 1, "correction": 1}


def test_figures_are_outcomes_of_their_own() -> None:
    """A label and two figures of one row are three, each by its name."""
    join = Disk().opened()
    join.add_rows(MODEL, "predict", batch(range(4)))
    join.add_outcomes([said(3), said(3, 9.5, name="revenue"), said(3, 1.0, name="clicked")], (), T0)
    join.join(T0)
    assert labelled(join, name="revenue") == [(1.0, 9.5)]
    assert labelled(join, name="clicked") == labelled(join) == [(1.0, 1.0)]
    assert states(join) == {"joined": 3}


def test_of_every_model_or_of_one() -> None:
    """One id may be of two models; an outcome that names one is of that one alone, and of its version."""
    join = Disk().opened()
    for key in (MODEL, OTHER):
        join.add_rows(key, "predict", batch(range(4)))
    join.add_outcomes([said(3), said(2, model="churn"), said(1, model="churn", version="7")], (), T0)
    join.join(T0)
    assert (len(labelled(join)), len(labelled(join, OTHER))) == (2, 1)
    assert states(join) == {"joined": 2, "waiting": 1}


def test_weights_and_scores() -> None:
    """A row stands for 1 / (sampling × probability) rows; the one of `predict_proba`, with a score, holds."""
    join = Disk().opened()
    plain, scored = batch(["a"], uid="p.1"), batch(["a"], uid="p.2", score=[0.25])
    join.add_rows(MODEL, "predict_proba", RowBatch("p.2", 1 << 55, 2, scored.table))
    join.add_rows(MODEL, "predict", RowBatch("p.1", 1 << 55, 2, plain.table))
    join.add_outcomes([said("a", "yes", probability=0.25, weight=3.0)], (), T0)
    join.join(T0)
    table = join.samples[MODEL, LABEL].table(0)
    assert table.columns[WEIGHT].tolist() == [2 / 0.25 * 3]
    assert table.columns[SCORES].tolist() == [0.25]
    assert (table.columns[LABEL_TEXT].tolist(), table.columns[TEXT].tolist()) == (["yes"], [""])


def test_one_that_brings_its_prediction_along_needs_no_row() -> None:
    """It is joined at once, counts once, and its model is known from then on."""
    join = Disk().opened()
    outcome = Outcome("u1", LABEL, 1, model="new", prediction=0, score=0.3, time=T0)
    join.add_outcomes([outcome, outcome], (("service.name", "shop"),), T0)
    join.join(T0)
    assert labelled(join, ModelKey("new", "", (("service.name", "shop"),))) == [(0.0, 1.0)]
    assert states(join) == {"joined": 1, "duplicate": 1}


def test_what_was_never_sent() -> None:
    """Of our own ids the batch of the call tells; of others, the least threshold of all. Those may yet come."""
    ids = [f"{'a' * 24}{number:08x}" for number in range(64)]
    keys = row_keys(hash_ids(ids).hashes)
    kept = keys >= np.uint64(1 << 63)
    join = Disk().opened()
    whole = batch(ids, first=ids[0], last=ids[-1])
    join.add_rows(MODEL, "predict", RowBatch("p.1", 1 << 55, 64, whole.table.chosen(kept), whole.first, whole.last))
    join.add_outcomes([said(each) for each in ids], (), T0)
    strangers = [each for each in range(40) if row_keys(hash_ids([each]).hashes)[0] < np.uint64(1 << 63)]
    join.add_outcomes([said(each) for each in strangers], (), T0)
    join.join(T0)
    assert states(join) == {"joined": int(kept.sum()), "not_sampled": int((~kept).sum()) + len(strangers)}
    join.add_rows(MODEL, "predict", batch([strangers[0]]))
    join.join(T0)
    assert states(join)["joined"] == int(kept.sum()) + 1


def test_what_waits_too_long() -> None:
    """Rows and outcomes are given up after the wait, and outcomes that are older than it come late."""
    disk = Disk()
    join = disk.opened()
    join.add_rows(MODEL, "predict", batch(range(4)))
    join.add_outcomes([said(77)], (), T0)
    join.join(T0)
    disk.save(join)
    later = T0 + 40 * DAY
    join.join(later)
    assert (join.waiting_rows, states(join)) == (0, {"orphan": 1})
    disk.save(join)
    assert not disk.segments
    join.add_outcomes([said(3)], (), later)
    join.join(later)
    assert states(join) == {"orphan": 1, "late": 1}


def test_what_there_is_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest rows are given up, and counted; so are the oldest outcomes that wait."""
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 100)
    disk = Disk()
    join = disk.opened(JoinLimits(30 * DAY, 6000, DAY))
    for part in range(10):
        join.add_rows(MODEL, "predict", batch(range(100 * part, 100 * part + 100), time=T0 + part * SECOND))
        join.join(T0)
        disk.save(join)
    join.join(T0)
    disk.save(join)
    assert 0 < join.waiting_rows < 1000
    assert join.waiting_rows + join.evicted_rows == 1000
    assert sum(map(len, disk.segments.values())) == join.size <= 6000
    join.add_outcomes([said(each) for each in range(5000, 5100)], (), T0)
    join.join(T0)
    assert states(join) == {"waiting": 60, "evicted": 40}


def test_a_crash_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the last save and the requests since then all comes to the same as without any crash, at whatever ticks."""
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 500)
    random = np.random.default_rng(5)
    ids = np.arange(3000)
    given = random.choice(ids, 900, replace=False)
    outcomes = [said(each, int(each) % 3 % 2) for each in [*given.tolist(), *range(10_000, 10_009)]]
    outcomes += [outcomes[place] for place in random.choice(900, 18, replace=False)]
    requests: list[Any] = [("rows", batch(part, uid=f"p.{n}")) for n, part in enumerate(np.split(ids, 30))]
    requests += [("said", outcomes[at : at + 40]) for at in range(0, len(outcomes), 40)]
    random.shuffle(requests)

    def play(join: OutcomeJoin, request: Any) -> None:
        kind, what = request
        if kind == "rows":
            join.add_rows(MODEL, "predict", what)
        else:
            join.add_outcomes(what, (), T0)

    disk, journal, crashes = Disk(), [], 0
    join = disk.opened()
    for request in requests:
        journal.append(request)
        play(join, request)
        chance = random.random()
        if chance < 0.3:
            join.join(T0)
        elif chance < 0.5:
            join.join(T0)
            disk.save(join)
            journal = []
        elif chance < 0.7:
            join, crashes = disk.opened(), crashes + 1
            for each in journal:
                play(join, each)
    join.join(T0)
    assert crashes > 5
    assert states(join) == {"joined": 900, "duplicate": 18, "waiting": 9}
    assert labelled(join) == sorted((float(each % 100 % 2), float(each % 3 % 2)) for each in given.tolist())


def test_a_row_that_waits_takes_few_bytes() -> None:
    """At most 29 on disk, with a class and a score."""
    disk, random = Disk(), np.random.default_rng(1)
    join = disk.opened()
    ids = np.arange(50_000)
    rows = batch(ids, (ids % 2).astype(np.int64), score=random.random(len(ids)).astype(np.float32))
    table = RowTable(rows.table.keys, T0 + np.sort(random.integers(0, 3600, len(ids))) * SECOND, rows.table.columns)
    join.add_rows(MODEL, "predict", RowBatch("p.1", 0, len(ids), table))
    join.join(T0)
    disk.save(join)
    assert 10 < join.size / len(ids) <= 29


def test_those_that_were_never_sent_make_room_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of outcomes that wait, beyond what may: they are no loss."""
    monkeypatch.setattr(join_module, "MOST_WAITING", 50)
    join = Disk().opened()
    keys = row_keys(hash_ids(np.arange(100)).hashes)
    rare = batch(["x"])
    join.add_rows(MODEL, "predict", RowBatch("p.1", 1 << 55, 2, rare.table))
    join.add_outcomes([said(each) for each in range(100)], (), T0)
    join.join(T0)
    hidden = int((keys < np.uint64(1 << 63)).sum())
    evicted = max(100 - hidden - 50, 0)
    expected = {"not_sampled": hidden, "waiting": 100 - hidden - evicted, "evicted": evicted}
    assert states(join) == {state: count for state, count in expected.items() if count}
