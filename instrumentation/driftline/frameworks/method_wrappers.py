"""Wraps methods of all subclasses of some root classes, including classes defined later, and unwraps them again.

The wrappers are plain functions, not wrapt proxies: those refuse pickle, and joblib pickles bound methods.
"""

import functools
import logging
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from driftline.frameworks.call_wrappers import CallObserver, Switch, record_calls, silence_calls
from driftline.runtime.import_hooks import Action, cancel_when_imported, when_imported

_logger = logging.getLogger("driftline")

WrapFunction: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes the wrapper of a function."""


class DescriptorWrapper:
    """Wraps what an arbitrary descriptor (partialmethod, a compiled method) returns on lookup."""

    def __init__(self, wrap: WrapFunction, raw: Any) -> None:
        self.wrap = wrap
        self.raw = raw

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        bound = self.raw.__get__(instance, owner)  # an AttributeError here is what hasattr relies on
        if instance is None or not callable(bound):
            return bound

        @functools.wraps(bound)
        def unbound(_: Any, /, *args: Any, **kwargs: Any) -> Any:
            return bound(*args, **kwargs)

        return types.MethodType(self.wrap(unbound), instance)


class _WeakClasses:
    """Weakly held classes that one thread may add to while another iterates, unlike a WeakSet."""

    def __init__(self) -> None:
        self._references: weakref.WeakKeyDictionary[type, None] = weakref.WeakKeyDictionary()

    def __contains__(self, cls: type) -> bool:
        return cls in self._references

    def add(self, cls: type) -> None:
        self._references[cls] = None

    def now(self) -> list[type]:
        """The live classes, from an atomic copy of the references."""
        found = (reference() for reference in self._references.keyrefs())
        return [cls for cls in found if cls is not None]

    def clear(self) -> None:
        self._references.clear()


class MethodWrappers:
    """Wraps methods of the classes below some roots until `remove`.

    calls: methods to record. fits, others: methods to silence. wrap_descriptor: wraps a method that is no function.
    Classes are held weakly. A wrapper is recognised by identity, not by an attribute: `functools.wraps` copies those.
    """

    def __init__(
        self,
        calls: Iterable[str],
        fits: Iterable[str],
        others: Iterable[str],
        observer: CallObserver,
        wrap_descriptor: Callable[[WrapFunction, Any], Any] = DescriptorWrapper,
    ) -> None:
        self.switch = switch = Switch(observer)
        self._wrap_descriptor = wrap_descriptor
        self._wraps: dict[str, WrapFunction] = {
            **{name: functools.partial(record_calls, name, switch=switch) for name in calls},
            **{name: functools.partial(silence_calls, switch=switch, fits=True) for name in fits},
            **{name: functools.partial(silence_calls, switch=switch, fits=False) for name in others},
        }
        self._waiting: list[tuple[str, Action]] = []
        self._roots = _WeakClasses()
        self._owners = _WeakClasses()
        self._ours: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def add(self, module: str, name: str) -> None:
        """Once a module is imported, wrap one of its classes and all its present and future subclasses."""

        def add_root(imported: Any) -> None:
            self._add_root(getattr(imported, name))

        self._waiting.append((module, add_root))
        when_imported(module, add_root)

    def _add_root(self, root: type) -> None:
        if root not in self._roots:
            self._roots.add(root)
            self._hook(root)
            self._watch_unpickling(root)
        self.walk()

    def walk(self) -> None:
        """Wrap what was missed: classes that bypass `__init_subclass__`, methods assigned later."""
        for root in self._roots.now():
            for cls in _family(root):
                self.wrap_class(cls)

    def wrap_class(self, cls: type) -> None:
        for owner in cls.__mro__[:-1]:
            for name, wrap in self._wraps.items():
                raw = vars(owner).get(name)
                if raw is not None and not self._is_ours(raw) and not _is_left_alone(raw):
                    self._put(owner, name, raw, self._wrapped(wrap, raw))

    def remove(self) -> None:
        """Restore the originals, except where somebody else has patched over ours since."""
        self.switch.on = False
        for module, action in self._waiting:
            cancel_when_imported(module, action)
        for owner in self._owners.now():
            for name, value in list(vars(owner).items()):
                if self._is_ours(value):
                    _restore(owner, name, _carrier(value).driftline_original)
        self._waiting.clear()
        self._owners.clear()
        self._roots.clear()

    def _is_ours(self, value: Any) -> bool:
        carrier = _carrier(value)
        return carrier is not None and self._ours.get(id(carrier)) is carrier

    def _wrapped(self, wrap: WrapFunction, raw: Any) -> Any:
        return wrap(raw) if isinstance(raw, types.FunctionType) else self._wrap_descriptor(wrap, raw)

    def _put(self, owner: type, name: str, raw: Any, new: Any) -> None:
        try:
            # Only the wrapper holds the original: that may reference its class, which must stay collectable.
            carrier = _carrier(new)
            carrier.driftline_original = raw
            setattr(owner, name, new)
        except (AttributeError, TypeError):  # a compiled class is immutable
            return
        self._ours[id(carrier)] = carrier
        self._owners.add(owner)

    def _hook(self, root: type) -> None:
        methods = weakref.ref(self)

        def __init_subclass__(cls: type, **kwargs: Any) -> None:  # noqa: N807  # Python's name
            # scikit-learn's own hook goes first: metadata routing reads the original methods.
            super(root, cls).__init_subclass__(**kwargs)  # type: ignore[arg-type]  # mypy takes cls for an instance
            _safely(methods, cls)

        raw = vars(root).get("__init_subclass__")
        self._put(
            root, "__init_subclass__", raw, classmethod(__init_subclass__ if raw is None else _after(raw, methods))
        )

    def _watch_unpickling(self, root: type) -> None:
        """Check a class again when a model of it is unpickled, as a server does on loading."""
        raw = vars(root).get("__setstate__")
        if not isinstance(raw, types.FunctionType):
            return
        methods = weakref.ref(self)

        @functools.wraps(raw)
        def __setstate__(self: Any, state: Any) -> Any:  # noqa: N807  # Python's name
            _safely(methods, type(self))
            return raw(self, state)

        self._put(root, "__setstate__", raw, __setstate__)


def _after(raw: Any, methods: "weakref.ref[MethodWrappers]") -> Callable[..., None]:
    @functools.wraps(raw.__func__)
    def __init_subclass__(cls: type, **kwargs: Any) -> None:  # noqa: N807  # Python's name
        raw.__get__(None, cls)(**kwargs)
        _safely(methods, cls)

    return __init_subclass__


def _safely(methods: "weakref.ref[MethodWrappers]", cls: type) -> None:
    """Wrap a class; an error here would break the user's class statement."""
    found = methods()
    if found is None or not found.switch.on:
        return
    try:
        found.wrap_class(cls)
    except Exception:  # the class works without Driftline
        _logger.warning("Could not instrument %s", cls, exc_info=True)


def _is_left_alone(raw: Any) -> bool:
    unfit = isinstance(raw, (staticmethod, classmethod, property)) or getattr(raw, "__isabstractmethod__", False)
    return bool(unfit) or not hasattr(type(raw), "__get__")


def _carrier(value: Any) -> Any:
    """What holds the original and can be weakly referenced: for a classmethod, its function."""
    return value.__func__ if isinstance(value, classmethod) else value


def _restore(owner: type, name: str, raw: Any) -> None:
    if raw is None:
        delattr(owner, name)
    else:
        setattr(owner, name, raw)


def _family(root: type) -> Iterator[type]:
    """A class and all its subclasses, each once."""
    seen: set[type] = set()
    waiting = [root]
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen.add(cls)
            waiting += type.__subclasses__(cls)
            yield cls
