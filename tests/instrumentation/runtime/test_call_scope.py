"""The call scope: only the outermost call counts."""

import contextvars
import pickle

from driftline.runtime.call_scope import (
    CALL_SCOPE,
    PREDICTION_IDS,
    PredictionIds,
    RowIds,
    ScopedTask,
    paused,
    prediction_id,
    row_ids_of,
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
        token = [False]
        CALL_SCOPE.set(token)
        given = f"{PREDICTION_IDS.of(token):032x}"
        assert before.run(prediction_id) == first == before.run(prediction_id)
        return first, given, prediction_id()

    first, given, last = contextvars.Context().run(ids)
    assert given == last != first is not None


def test_ids_of_a_child_are_not_its_parents() -> None:
    """They count on from another place."""
    ids = PredictionIds()
    before = ids.of([False])
    ids.renew()

    assert ids.of([False]) >> 32 != before >> 32
    assert len(f"{before:032x}") == 32


def test_ids_of_rows_know_of_their_calls() -> None:
    """While they are open; a task that outlives them calls without ids."""
    ids = RowIds("order-7")
    token = [ids]
    assert row_ids_of(token) is ids
    assert ids.call is token

    ids.is_open = False
    late = [ids]
    assert row_ids_of(late) is None
    assert late == [False]
    assert ids.call is token
