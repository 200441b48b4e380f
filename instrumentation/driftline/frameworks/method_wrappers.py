"""Wraps methods of every class below some roots, also of classes made later, and takes the wrappers off again.

The wrappers are plain functions in the classes: `inspect`, `pickle` and `hasattr` see what they saw before. (wrapt's
proxies refuse pickle, and joblib pickles bound methods.)
"""

import functools
import logging
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from driftline.runtime.call_scope import CALL_SCOPE
from driftline.runtime.import_hooks import Action, cancel_when_imported, when_imported

_logger = logging.getLogger("driftline")


class CallObserver(Protocol):
    """What is told of outermost calls. Neither method raises."""

    def begin(self, operation: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...

    def end(self, started: Any, output: Any, error: BaseException | None) -> None: ...

    def end_fit(self) -> None:
        """A model may be another one now."""


class NullObserver:
    """Records nothing: for methods that are only quiet, of models that nobody fits."""

    def begin(self, operation: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        pass

    def end(self, started: Any, output: Any, error: BaseException | None) -> None:
        pass

    def end_fit(self) -> None:
        pass


class Switch:
    """What a wrapper reaches: on or off, the guard, the observer. Pickled with a class by value it arrives inert."""

    def __init__(self, observer: CallObserver) -> None:
        self.on = True
        self.get = CALL_SCOPE.get
        self.set = CALL_SCOPE.set
        self.reset = CALL_SCOPE.reset
        self.observer = observer

    def __reduce__(self) -> tuple[Any, ...]:
        return types.SimpleNamespace, (), {"on": False}


def recording(operation: str, function: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
    """`function` with its outermost calls recorded. What it raises is raised, the same object."""

    @functools.wraps(function)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not switch.on or ((token := switch.get()) is not None and token[0]):
            return function(self, *args, **kwargs)
        token = [True]
        switch.set(token)  # and never reset: one that is over is as good as none
        started = switch.observer.begin(operation, self, args, kwargs)
        try:
            output = function(self, *args, **kwargs)
        except BaseException as error:
            token[0] = False
            switch.observer.end(started, None, error)
            raise
        token[0] = False
        switch.observer.end(started, output, None)
        return output

    return call


def quiet(function: Callable[..., Any], switch: Switch, *, fits: bool) -> Callable[..., Any]:
    """`function` within which no call is recorded: a transformation, a score, or a fit, which changes the model."""

    @functools.wraps(function)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not switch.on or ((token := switch.get()) is not None and token[0]):
            return function(self, *args, **kwargs)
        token = [True, None]
        reset = switch.set(token)
        try:
            return function(self, *args, **kwargs)
        finally:
            token[0] = False
            switch.reset(reset)
            if fits:
                switch.observer.end_fit()

    return call


class DescriptorWrapper:
    """Wraps what an unknown descriptor (partialmethod, a compiled method) gives when it is looked up."""

    def __init__(self, wrap: Callable[[Callable[..., Any]], Callable[..., Any]], raw: Any) -> None:
        self.wrap = wrap
        self.raw = raw

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        bound = self.raw.__get__(instance, owner)  # its AttributeError is hasattr's truth
        if instance is None or not callable(bound):
            return bound

        @functools.wraps(bound)
        def unbound(_: Any, /, *args: Any, **kwargs: Any) -> Any:
            return bound(*args, **kwargs)

        return types.MethodType(self.wrap(unbound), instance)


class _WeakClasses:
    """Classes, held weakly: one thread may add some while another goes through them, which a WeakSet refuses."""

    def __init__(self) -> None:
        self._references: weakref.WeakKeyDictionary[type, None] = weakref.WeakKeyDictionary()

    def __contains__(self, cls: type) -> bool:
        return cls in self._references

    def add(self, cls: type) -> None:
        self._references[cls] = None

    def now(self) -> list[type]:
        """Those that are there: of the references a copy is made in one step, in which no other thread runs."""
        found = (reference() for reference in self._references.keyrefs())
        return [cls for cls in found if cls is not None]

    def clear(self) -> None:
        self._references.clear()


class MethodWrappers:
    """The methods `calls` (recorded), `fits` and `others` (quiet) of the classes below roots, until `remove`.

    Classes are held weakly. A wrapper is known by its identity, never by a mark on it: `functools.wraps` copies marks.
    """

    def __init__(
        self, calls: Iterable[str], fits: Iterable[str], others: Iterable[str], observer: CallObserver
    ) -> None:
        self.switch = switch = Switch(observer)
        self._wraps: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
            **{name: functools.partial(recording, name, switch=switch) for name in calls},
            **{name: functools.partial(quiet, switch=switch, fits=True) for name in fits},
            **{name: functools.partial(quiet, switch=switch, fits=False) for name in others},
        }
        self._waiting: list[tuple[str, Action]] = []
        self._roots = _WeakClasses()
        self._owners = _WeakClasses()
        self._ours: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def add(self, module: str, name: str) -> None:
        """Wrap a class of a module once that is imported, and all below it, those that exist and those to come."""

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
        """Wrap what is not wrapped yet: a class whose `__init_subclass__` tells nobody, a method assigned later."""
        for root in self._roots.now():
            for cls in _family(root):
                self.wrap_class(cls)

    def wrap_class(self, cls: type) -> None:
        for owner in cls.__mro__[:-1]:
            for name, wrap in self._wraps.items():
                raw = vars(owner).get(name)
                if raw is not None and not self._is_ours(raw) and not _is_left_alone(raw):
                    self._put(owner, name, raw, _wrapped(wrap, raw))

    def remove(self) -> None:
        """The same objects as before, where nobody has put anything over ours since."""
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

    def _put(self, owner: type, name: str, raw: Any, new: Any) -> None:
        try:
            # The original hangs on the wrapper and nowhere else: it may hold its class, which must be able to go.
            carrier = _carrier(new)
            carrier.driftline_original = raw
            setattr(owner, name, new)
        except (AttributeError, TypeError):  # a compiled class cannot be changed
            return
        self._ours[id(carrier)] = carrier
        self._owners.add(owner)

    def _hook(self, root: type) -> None:
        methods = weakref.ref(self)

        def __init_subclass__(cls: type, **kwargs: Any) -> None:  # noqa: N807  # Python's name
            # First scikit-learn's own: metadata routing reads the original methods.
            super(root, cls).__init_subclass__(**kwargs)  # type: ignore[arg-type]  # mypy takes cls for an instance
            _safely(methods, cls)

        raw = vars(root).get("__init_subclass__")
        self._put(
            root, "__init_subclass__", raw, classmethod(__init_subclass__ if raw is None else _after(raw, methods))
        )

    def _watch_unpickling(self, root: type) -> None:
        """A server loads its model: a good moment to look at its class again."""
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
    """An error here would break the user's class statement."""
    found = methods()
    if found is None or not found.switch.on:
        return
    try:
        found.wrap_class(cls)
    except Exception:  # the class works without us
        _logger.warning("Could not instrument %s", cls, exc_info=True)


def _wrapped(wrap: Callable[[Callable[..., Any]], Callable[..., Any]], raw: Any) -> Any:
    if isinstance(raw, types.FunctionType):
        return wrap(raw)
    if hasattr(raw, "check") and hasattr(raw, "fn"):  # scikit-learn's available_if
        from sklearn.utils.metaestimators import available_if

        return available_if(raw.check)(wrap(raw.fn))
    return DescriptorWrapper(wrap, raw)


def _is_left_alone(raw: Any) -> bool:
    unfit = isinstance(raw, (staticmethod, classmethod, property)) or getattr(raw, "__isabstractmethod__", False)
    return bool(unfit) or not hasattr(type(raw), "__get__")


def _carrier(value: Any) -> Any:
    """What carries the original, and can be referenced weakly: of a classmethod the function inside."""
    return value.__func__ if isinstance(value, classmethod) else value


def _restore(owner: type, name: str, raw: Any) -> None:
    if raw is None:
        delattr(owner, name)
    else:
        setattr(owner, name, raw)


def _family(root: type) -> Iterator[type]:
    """A class and all below it, each once."""
    seen: set[type] = set()
    waiting = [root]
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen.add(cls)
            waiting += type.__subclasses__(cls)
            yield cls
