"""Wrappers around one function: the outermost calls are recorded, or everything inside is ignored.

What is wrapped stays a plain function, so that `inspect`, `pickle` and `hasattr` see what they saw before.
"""

import functools
import types
from collections.abc import Callable
from typing import Any, Protocol

from driftline.runtime.call_scope import CALL_SCOPE, ScopeToken


class CallObserver(Protocol):
    """Observes outermost calls. No method raises."""

    def begin(self, operation: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...

    def end(self, started: Any, output: Any, error: BaseException | None, token: ScopeToken) -> None: ...

    def end_fit(self) -> None:
        """A model may have changed."""


class NullObserver:
    """Ignores every call: for methods that are only ever silenced."""

    def begin(self, operation: str, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        pass

    def end(self, started: Any, output: Any, error: BaseException | None, token: ScopeToken) -> None:
        pass

    def end_fit(self) -> None:
        pass


class Switch:
    """State shared by wrappers: on or off, scope, observer. Unpickled, with a class pickled by value, it is off."""

    def __init__(self, observer: CallObserver) -> None:
        self.on = True
        self.get = CALL_SCOPE.get
        self.set = CALL_SCOPE.set
        self.reset = CALL_SCOPE.reset
        self.observer = observer

    def __reduce__(self) -> tuple[Any, ...]:
        return types.SimpleNamespace, (), {"on": False}


def record_calls(operation: str, function: Callable[..., Any], switch: Switch) -> Callable[..., Any]:
    """Wrap `function` to record its outermost calls. Its exceptions are re-raised unmodified."""

    @functools.wraps(function)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not switch.on or (outer := (token := switch.get()) is not None and token[0]) is True:
            return function(self, *args, **kwargs)
        token = [True]
        switch.set(token)  # never reset: a finished scope is as good as none
        started = switch.observer.begin(operation, self, args, kwargs)
        try:
            output = function(self, *args, **kwargs)
        except BaseException as error:
            token[0] = outer
            switch.observer.end(started, None, error, token)
            raise
        token[0] = outer
        switch.observer.end(started, output, None, token)
        return output

    return call


def silence_calls(function: Callable[..., Any], switch: Switch, *, fits: bool) -> Callable[..., Any]:
    """Wrap `function` to record no call inside it: a transformation, a score, or a fit, which changes the model."""

    @functools.wraps(function)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not switch.on or ((token := switch.get()) is not None and token[0] is True):
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
