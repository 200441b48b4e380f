"""The history of a model: a step a window, fewer the older they are, and never more than may be."""

from pathlib import Path

import numpy as np
import pytest

from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, Window, WindowResult
from driftline_processor.service.store import StepChanges, Store
from driftline_processor.verdicts.reasons import Moved, Region
from driftline_processor.verdicts.verdict import State, Verdict
from driftline_processor.web.board import Board
from driftline_processor.web.history import History
from driftline_processor.web.step_form import UnknownStepError, pack_step, unpack_step

MINUTE = 60 * 10**9
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
AGE = ColumnKey("input", "age")


def result(end: int, bound: float = 0.01, state: State = State.HEALTHY) -> WindowResult:
    verdict = Verdict("value", state, bound + 0.01, bound, 0.05, bound / 0.05, (Moved(Region.ABOVE, 0.2, 0.2 + bound),))
    column = ColumnResult(AGE, 500.0, 500.0, 9e3, {}, {}, {}, verdict, "a" if state is State.ALARM else None)
    return WindowResult(ModelKey("churn"), Window(end - HOUR, end), 500.0, "r1", False, (column,))


def history(ends: range, **changed: float) -> History:
    found = History()
    for end in ends:
        found = found.add(result(end, **changed))
    return found


def test_a_point_says_what_the_verdict_said() -> None:
    """State, figures, and the share of the event."""
    (point,) = history(range(DAY, DAY + 1)).of(AGE)
    assert (point.end, point.state, point.alarm) == (DAY, State.HEALTHY, False)
    assert (point.distance, point.bound, point.tolerance, point.share) == pytest.approx((0.02, 0.01, 0.05, 0.21))
    assert point.ratio == pytest.approx(0.2)


def test_a_window_that_is_judged_again_replaces_itself() -> None:
    """Late rows have changed it."""
    found = history(range(HOUR, 4 * HOUR, HOUR)).add(result(3 * HOUR, 0.1, State.ALARM))
    assert [point.end for point in found.of(AGE)] == [HOUR, 2 * HOUR, 3 * HOUR]
    assert found.of(AGE)[-1].alarm
    assert found.bytes == sum(step.bytes for step in found.steps)


def test_old_steps_become_fewer_and_keep_the_worst() -> None:
    """Of an alarm of one hour eight days ago, six hours are left; of one 100 days ago, its day."""
    now = 200 * DAY
    found = History()
    for end in range(99 * DAY, now + HOUR, HOUR):
        alarmed = end in (100 * DAY, now - 8 * DAY)
        found = found.add(result(end, *((0.1, State.ALARM) if alarmed else ())))
    rolled = found.rolled_up(now)
    ages = np.array([now - step.end for step in rolled.steps])
    assert len(rolled.steps) < len(found.steps) // 3
    assert (np.diff([step.end for step in rolled.steps]) > 0).all()
    assert (ages <= 7 * DAY).sum() == 7 * 24 + 1
    assert sum(point.alarm for point in rolled.of(AGE)) == 2
    assert max(point.bound for point in rolled.of(AGE)) == pytest.approx(0.1)
    assert sum(step.rows for step in rolled.steps) == sum(step.rows for step in found.steps)
    again = rolled.rolled_up(now)
    assert [step.end for step in again.steps] == [step.end for step in rolled.steps]


def test_its_size_is_bounded() -> None:
    """The oldest steps go first."""
    found = history(range(HOUR, 101 * HOUR, HOUR))
    bounded = found.within(found.bytes // 4)
    assert bounded.bytes <= found.bytes // 4
    assert [step.end for step in bounded.steps] == [step.end for step in found.steps][-len(bounded.steps) :]
    assert found.within(found.bytes) is found


def test_a_step_comes_back_from_the_store() -> None:
    """As it was; broken bytes are no step."""
    (step,) = history(range(DAY, DAY + 1)).steps
    key = ModelKey("churn", "2", (("service.name", "shop"),))
    model, again = unpack_step(pack_step(key, step))
    assert model == key
    assert History.of_steps([again]).of(AGE) == History.of_steps([step]).of(AGE)
    for broken in (b"", b"x", pack_step(key, step)[:-4]):
        with pytest.raises(UnknownStepError):
            unpack_step(broken)


def test_a_restart_goes_on_with_the_steps_that_were_stored(tmp_path: Path) -> None:
    """What was saved is saved once; what was rolled up or cut is gone; the next window follows the last one."""
    store = Store(f"sqlite:///{tmp_path}/driftline.db")
    board = Board(1 << 20)
    for end in range(HOUR, 6 * HOUR, HOUR):
        board.publish([result(end)])
        changes = {model: StepChanges(*each) for model, each in board.changes().items()}
        assert [len(each.added) for each in changes.values()] == [1]
        store.save({}, history=changes)
        board.saved()
    assert board.changes() == {}
    store.close()

    store, again = Store(f"sqlite:///{tmp_path}/driftline.db"), Board(1 << 20)
    again.restore([*store.steps(), b"broken"])
    again.publish([result(5 * HOUR, 0.1, State.ALARM)])
    again.publish([result(6 * HOUR)])
    points = again.models[ModelKey("churn")].history.of(AGE)
    assert [point.end for point in points] == list(range(HOUR, 7 * HOUR, HOUR))
    assert [point.alarm for point in points] == [False] * 4 + [True, False]
    (changed,) = again.changes().values()
    assert (changed[0], set(changed[1])) == ((), {5 * HOUR, 6 * HOUR})
    store.close()


def test_a_timeline_has_few_ends_and_every_alarm() -> None:
    """Neighbours become one, with the worst of them; a step of other columns is a gap."""
    found = History()
    for end in range(HOUR, 1_001 * HOUR, HOUR):
        alarmed = end == 500 * HOUR
        found = found.add(result(end, *((0.1, State.ALARM) if alarmed else ())))
    timeline = found.timeline(most=100)
    assert (len(timeline.ends), timeline.ends[-1], sum(timeline.rows)) == (100, 1_000 * HOUR, 500_000.0)
    assert timeline.columns == (AGE,)
    assert timeline.ratios.max() == pytest.approx(2.0)
    assert (timeline.severities == 3).sum() == 1
    assert timeline.worst.count(None) == 0
    assert found.timeline(since=990 * HOUR).ends == list(range(990 * HOUR, 1_001 * HOUR, HOUR))
    assert History().timeline().ends == []
