"""One name, one model: the second of two that would share a name keeps one of its own, and it is said once."""

import logging
import weakref
from collections.abc import Hashable, Sequence
from typing import Any, Final, NamedTuple

from driftline.features.models import invalidate_facts

_logger = logging.getLogger("driftline")

_MOST: Final = 16
"""Models of one class with a name each. More are taken for many small models, whose rows are one series."""


class _Holder(NamedTuple):
    """A model with a name. kind: what copies of it have in common."""

    model: "weakref.ref[Any]"
    kind: Hashable


class ModelNames:
    """Who has which name, held weakly: a name is free when its model is gone, as when a server loads another one."""

    def __init__(self) -> None:
        self._holders: dict[str, _Holder] = {}
        self._reported: set[str] = set()

    def of(self, model: Any, wanted: Sequence[str | None], kind: Hashable, *, comparable: bool = False) -> str:
        """The first name that is free, or that the same model has.

        A pipeline goes by its final estimator, which is the same model when it is called alone; copies of a model, as
        threads have them, are the same one as well.

        Args:
            model: What predicts.
            wanted: Names by preference, the last one of its own class.
            kind: Class, features and whatever else copies have in common.
            comparable: Whether models of one kind are told apart by what they have learned.

        """
        names = list(dict.fromkeys(name for name in wanted if name))
        try:
            reference = weakref.ref(model)
        except TypeError:  # it cannot be held weakly: nobody would notice its end
            return names[0]
        for name in (*names, *(f"{names[-1]}-{number}" for number in range(2, _MOST + 1))):
            holder = self._holders.get(name)
            held = None if holder is None else holder.model()
            if holder is None or held is None:
                self._take(name, _Holder(reference, kind))
            elif held is not model and (holder.kind != kind or (comparable and _differ(held, model))):
                self._report(name, held, model)
                continue
            return name
        return names[0]

    def _take(self, name: str, holder: _Holder) -> None:
        def released(_: object) -> None:
            if self._holders.get(name) is holder:
                del self._holders[name]
                invalidate_facts()

        self._holders[name] = holder
        weakref.finalize(holder.model(), released, None).atexit = False

    def _report(self, name: str, first: Any, second: Any) -> None:
        if name in self._reported:
            return
        self._reported.add(name)
        _logger.warning(
            "Two models would be %r: %s has that name, and %s keeps one of its own. Name each of them by "
            "driftline.describe(model, name=...).",
            *(name, type(first).__name__, type(second).__name__),
        )


def _differ(one: Any, other: Any) -> bool:
    """Whether two models have learned different things, as far as can be told."""
    from driftline.features.learned import learned_alike  # here: numpy is loaded with the first row

    try:
        return not learned_alike(one, other)
    except Exception:  # noqa: BLE001  # models may hold anything
        return False


_names = ModelNames()


def forget_names() -> None:
    """A new recorder names models anew."""
    global _names  # noqa: PLW0603  # one for all frameworks of the process, as the recorder is
    _names = ModelNames()


def name_of(model: Any, wanted: Sequence[str | None], kind: Hashable, *, comparable: bool = False) -> str:
    """As `ModelNames.of`, for all frameworks together."""
    return _names.of(model, wanted, kind, comparable=comparable)
