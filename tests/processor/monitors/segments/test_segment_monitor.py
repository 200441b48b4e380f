"""Segments that stand out, found among all cells and pairs of cells."""

from collections.abc import Callable

import numpy as np
import pytest

from driftline.segments.lattice import CODES
from driftline.segments.training import SegmentTraining
from driftline_processor.monitors.segments.candidate import COLD, DRIFT, GROWING, UNSERVED, UNTRAINED, WEAK
from driftline_processor.monitors.segments.monitor import SegmentMonitor, Update
from driftline_processor.monitors.segments.results import key_of, results
from driftline_processor.monitors.segments.spans import BUDGET, Pace
from driftline_processor.records import Window
from driftline_processor.verdicts.reasons import SegmentStandsOut
from driftline_processor.verdicts.verdict import State
from segment_traffic import Rows, training_of

COLUMNS = 8
ROWS = 1000
PACE = Pace(720.0, BUDGET, 1.0)

Change = Callable[[Rows], None]


@pytest.fixture(scope="module")
def training() -> SegmentTraining:
    rows = Rows(np.random.default_rng(1), 50_000, COLUMNS)
    return training_of(rows.codes, rows.status())


def watch(
    training: SegmentTraining, change: Change, windows: int, monitor: SegmentMonitor | None = None, seed: int = 7
) -> Update:
    """What is known after so many windows of changed rows, or as soon as anything is open."""
    monitor = monitor or SegmentMonitor(training, PACE)
    rng = np.random.default_rng(seed)
    update = monitor.observe(np.zeros((0, COLUMNS), np.uint8), np.zeros(0, np.int64))
    for _ in range(windows):
        rows = Rows(rng, ROWS, COLUMNS)
        change(rows)
        update = monitor.observe(rows.codes, rows.status())
        if update.open:
            break
    return update


def in_segment(rows: Rows) -> np.ndarray:
    """Some 2 % of the rows."""
    return (rows.codes[:, 1] == 1) & (rows.codes[:, 6] == 4)


def test_healthy_rows_say_nothing(training: SegmentTraining) -> None:
    """Over a hundred windows of thousands of cells."""
    update = watch(training, lambda rows: None, 100)
    assert not update.open
    assert not update.undated


def test_a_segment_with_five_times_the_errors_is_named_alone(training: SegmentTraining) -> None:
    """By both of its columns; what overlaps with it is counted with it."""

    def change(rows: Rows) -> None:
        rows.error[in_segment(rows)] *= 5

    (finding,) = watch(training, change, 40).open
    assert finding.candidate.kind == WEAK
    assert training.lattice.where(finding.candidate.cell) == {1: 1, 6: 4}
    assert finding.candidate.told.low > finding.candidate.told.elsewhere


def test_a_segment_that_grew_and_is_weak_is_cold(training: SegmentTraining) -> None:
    """Some thirty rows more, five times as many of them wrong; more than 5 % of the rows would be the column's."""

    def change(rows: Rows) -> None:
        moved = np.flatnonzero(rows.codes[:, 3] == 0)[:30]
        rows.codes[moved, 3] = 7
        rows.error[rows.codes[:, 3] == 7] *= 5

    update = SegmentMonitor(training, PACE)
    found = set()
    rng = np.random.default_rng(3)
    for _ in range(30):
        rows = Rows(rng, ROWS, COLUMNS)
        change(rows)
        for each in update.observe(rows.codes, rows.status()).open:
            if training.lattice.where(each.candidate.cell) == {3: 7}:
                found.add(each.candidate.kind)
    assert COLD in found


def test_rows_that_training_never_had_are_told(training: SegmentTraining) -> None:
    """A code that no row of training has; and one that no row has any more."""

    def new(rows: Rows) -> None:
        rows.codes[:50, 3] = CODES - 1

    def gone(rows: Rows) -> None:
        lost = rows.codes[:, 3] == 5
        rows.codes[lost] = rows.codes[~lost][: lost.sum()]

    for change, kind, code in ((new, UNTRAINED, CODES - 1), (gone, UNSERVED, 5)):
        update = watch(training, change, 24)
        assert [(each.candidate.kind, training.lattice.where(each.candidate.cell)) for each in update.open] == [
            (kind, {3: code})
        ]


def test_a_pair_is_judged_given_its_columns(training: SegmentTraining) -> None:
    """A column that moves takes its pairs along, and only it is told."""

    def change(rows: Rows) -> None:
        more = np.flatnonzero(rows.codes[:, 3] == 6)
        rows.latent[:30] = rows.latent[np.resize(more, 30)]
        rows.codes = rows.coded()

    update = watch(training, change, 24)
    assert [training.lattice.where(each.candidate.cell) for each in update.open] == [{3: 6}]
    assert update.open[0].candidate.kind == GROWING


def test_a_column_that_moves_inside_one_segment_is_told_with_it(training: SegmentTraining) -> None:
    """One standard deviation in a twelfth of the rows: a tenth of what the whole column would have to move by."""

    def change(rows: Rows) -> None:
        inside = rows.codes[:, 1] == 2
        rows.latent[inside, 6] += 1.0
        rows.codes = rows.coded()

    (finding,) = watch(training, change, 24).open
    assert finding.candidate.kind == DRIFT
    assert training.lattice.where(finding.candidate.cell) == {1: 2}
    assert finding.candidate.aspect == 6
    assert key_of(training, finding.candidate).name.startswith("c6 where c1")


def _more_errors(rows: Rows) -> None:
    rows.error[in_segment(rows)] *= 5


def _less_sure(rows: Rows) -> None:
    rows.confidence[rows.codes[:, 0] == 3] -= 1.0


def _a_sure_one_less_sure(rows: Rows) -> None:
    """The surest tenth, which stays surer than the others."""
    rows.confidence[rows.codes[:, 0] == 9] -= 0.7


def _new(rows: Rows) -> None:
    rows.codes[:50, 3] = CODES - 1


def _gone(rows: Rows) -> None:
    lost = rows.codes[:, 3] == 5
    rows.codes[lost] = rows.codes[~lost][: lost.sum()]


def _grown(rows: Rows) -> None:
    rows.codes[np.flatnonzero(rows.codes[:, 3] == 0)[:40], 3] = 7


def _paired(rows: Rows) -> None:
    """Two columns go together as never before, each as it was."""
    first, second = np.flatnonzero(rows.codes[:, 3] == 5), np.flatnonzero(rows.codes[:, 7] == 5)
    rows.codes[first, 7], rows.codes[second, 7] = 5, rows.codes[second, 7]


def _moved_inside(rows: Rows) -> None:
    rows.latent[rows.codes[:, 1] == 2, 6] += 1.0
    rows.codes = rows.coded()


@pytest.mark.parametrize(
    "change", [_more_errors, _less_sure, _a_sure_one_less_sure, _new, _gone, _grown, _paired, _moved_inside]
)
def test_a_reader_can_subtract_what_is_told(training: SegmentTraining, change: Change) -> None:
    """What moved is the difference of the two shares, what is sure lies between it and what is tolerated."""
    monitor, rng = SegmentMonitor(training, PACE), np.random.default_rng(11)
    told = 0
    for number in range(40):
        rows = Rows(rng, ROWS, COLUMNS)
        change(rows)
        update = monitor.observe(rows.codes, rows.status())
        for found in results(training, update, Window(number, number + 1), 1):
            verdict = found.verdict
            assert verdict is not None
            if verdict.closing is not None:
                continue
            (reason,) = verdict.reasons
            assert isinstance(reason, SegmentStandsOut)
            if verdict.state is State.ALARM:
                told += 1
                assert verdict.distance == pytest.approx(abs(reason.value - reason.elsewhere))
                assert verdict.tolerance <= verdict.lower_bound <= verdict.distance + 1e-9
                assert reason.low <= reason.value <= reason.high
            less = reason.segment == UNSERVED
            assert (
                (reason.value < reason.elsewhere)
                if less
                else (reason.measure == "inside") or (reason.value > reason.elsewhere)
            )
    assert told


def test_what_the_alarm_of_a_column_tells_is_not_told_again(training: SegmentTraining) -> None:
    """Its shares and what moves with it: the column is named already."""
    monitor, rng = SegmentMonitor(training, PACE), np.random.default_rng(5)
    for _ in range(24):
        rows = Rows(rng, ROWS, COLUMNS)
        rows.codes[rows.codes[:, 3] == 3, 3] = 0
        update = monitor.observe(rows.codes, rows.status(), alarmed={"c3"})
    assert not update.open


def test_a_finding_closes_when_the_segment_is_as_elsewhere_again(training: SegmentTraining) -> None:
    """By rows that came after it was found."""
    monitor, rng = SegmentMonitor(training, PACE), np.random.default_rng(9)
    closed: list[str] = []
    for window in range(120):
        rows = Rows(rng, ROWS, COLUMNS)
        if window < 24:
            rows.error[rows.codes[:, 3] == 2] *= 4
        update = monitor.observe(rows.codes, rows.status())
        assert window != 23 or update.open
        closed += [each.candidate.kind for each in update.closed]
    assert closed == [WEAK]
    assert not update.open


def test_small_segments_are_private(training: SegmentTraining) -> None:
    """No segment with fewer rows than were asked for is told, however weak."""
    monitor = SegmentMonitor(training, PACE, min_rows=1e6)

    def change(rows: Rows) -> None:
        rows.error[in_segment(rows)] *= 5

    assert not watch(training, change, 20, monitor).open


def test_sampled_rows_count_as_many_but_say_no_more(training: SegmentTraining) -> None:
    """A constant weight changes no count; unequal ones count as the fewer rows that tell as much."""
    rows = Rows(np.random.default_rng(4), ROWS, COLUMNS)
    counted = SegmentMonitor(training, PACE)._counter  # what it says of rows is all there is to see
    status = rows.status()
    plain, heavy = (counted.count(rows.codes, status, weights) for weights in (None, np.full(ROWS, 20.0)))
    assert (plain.sums == heavy.sums).all()
    assert (plain.weight, heavy.weight) == (ROWS, 20 * ROWS)
    unequal = counted.count(rows.codes, status, np.where(np.arange(ROWS) % 2, 1.0, 9.0))
    assert unequal.sums[0, :CODES].sum() == pytest.approx(25_000_000 / 41_000, rel=1e-5)


def _told(training: SegmentTraining, change: Change, alarmed: tuple[str, ...] = (), unsure: bool = False) -> set[str]:
    """Names of what is open after a while, while alarms of columns are open from the beginning."""
    monitor, rng = SegmentMonitor(training, PACE), np.random.default_rng(13)
    names: set[str] = set()
    for _ in range(30):
        rows = Rows(rng, ROWS, COLUMNS)
        change(rows)
        update = monitor.observe(rows.codes, rows.status(), alarmed=alarmed, unsure=unsure)
        names |= {key_of(training, finding.candidate).name for finding in update.open}
    return names


def test_what_fell_with_the_confidence_of_all_is_not_told_beside_its_alarm(training: SegmentTraining) -> None:
    """A sure segment that is as unsure as all others is news only while these are as ever; a weaker one always is."""
    assert _told(training, _a_sure_one_less_sure)
    assert not _told(training, _a_sure_one_less_sure, unsure=True)
    assert _told(training, _less_sure, unsure=True)


def test_a_column_in_alarm_is_not_told_as_an_unsure_segment_but_as_a_wrong_one(training: SegmentTraining) -> None:
    """Where its values moved the model may well be less sure; that it is wrong there, its alarm does not say."""
    alarmed = tuple(f"c{i}" for i in range(COLUMNS))
    assert not _told(training, _less_sure, alarmed)
    assert _told(training, _more_errors, alarmed)
