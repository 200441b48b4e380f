"""The guard that lets only the outermost call count."""

import contextvars
import pickle

from driftline.guard import INSIDE, Carried, paused


def is_inside() -> bool:
    """What every wrapper asks."""
    token = INSIDE.get()
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
    carried = Carried(is_inside, token)
    assert carried()
    assert pickle.loads(pickle.dumps(carried))()
    token[0] = False
    assert not carried()
    assert not is_inside()
