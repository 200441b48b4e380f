"""The call scope: only the outermost call counts."""

import contextvars
import pickle

from driftline.runtime.call_scope import (
    CALL_SCOPE,
    PredictionIds,
    ScopedTask,
    assign_prediction_id,
    paused,
    prediction_id,
)


def is_inside() -> bool:
    """What every wrapper asks."""
    token = CALL_SCOPE.get()
    return token is not None and token[0]


def test_paused_ends() -> None:
    """Inside and after, also when an exception ends it."""
    assert not is_inside()
    try:
        with paused():
            assert is_inside()
            raise KeyError  # noqa: TRY301  # what is tested
    except KeyError:
        pass
    assert not is_inside()


def test_a_context_copied_inside_is_not_quiet_for_ever() -> None:
    """A task made inside a call and run later is outside."""
    with paused():
        later = contextvars.copy_context()
        assert later.run(is_inside)
    assert not later.run(is_inside)


def test_a_carried_function_is_inside() -> None:
    """In a thread it shares the token; in another process it is inside in any case."""
    token = [True]
    carried = ScopedTask(is_inside, token)
    assert carried()
    assert pickle.loads(pickle.dumps(carried))()
    token[0] = False
    assert not carried()
    assert not is_inside()


def test_before_any_call_there_is_no_id() -> None:
    """Nor within the first call, nor in a pause."""

    def ids() -> list[str | None]:
        found = [prediction_id()]
        with paused():
            found.append(prediction_id())
        CALL_SCOPE.set([True])
        return [*found, prediction_id()]

    assert contextvars.Context().run(ids) == [None, None, None]


def test_an_id_is_made_once() -> None:
    """Whoever asks for it. One that is given to a call is not also that of the call before it."""

    def ids() -> tuple[str | None, ...]:
        CALL_SCOPE.set([False])
        before = contextvars.copy_context()
        first = prediction_id()
        given = assign_prediction_id()
        assert before.run(prediction_id) == first == before.run(prediction_id)
        return first, given, prediction_id()

    first, given, last = contextvars.Context().run(ids)
    assert given == last != first is not None


def test_ids_of_a_child_are_not_its_parents() -> None:
    """They count on from another place."""
    ids = PredictionIds()
    before = ids.make()
    ids.renew()

    assert ids.make()[:24] != before[:24]
    assert len(before) == 32
