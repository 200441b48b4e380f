"""Patches on other libraries, put on when these are imported, and taken off again. Nothing is imported by us."""

import logging
import sys
from collections.abc import Callable
from typing import Any, Final

import wrapt

_logger = logging.getLogger("driftline")

Action = Callable[[Any], None]

# Hooks on imports cannot be taken back: there is one a module, which does what is in this table at the time.
_ACTIONS: Final[dict[str, list[Action]]] = {}


def when_imported(module: str, action: Action) -> None:
    """Call `action(module)` when the module has been imported, or now if it is."""
    if module in _ACTIONS:
        _ACTIONS[module].append(action)
        if module in sys.modules:
            _act(action, sys.modules[module])
    else:
        _ACTIONS[module] = [action]
        wrapt.register_post_import_hook(_fire, module)


def forget(module: str, action: Action) -> None:
    """No longer call `action`."""
    if action in _ACTIONS.get(module, []):
        _ACTIONS[module].remove(action)


def _fire(module: Any) -> None:
    for action in list(_ACTIONS[module.__name__]):
        _act(action, module)


def _act(action: Action, module: Any) -> None:
    """An error here would fail the user's import."""
    try:
        action(module)
    except Exception:  # the library works without us
        _logger.warning("%s is not instrumented", module.__name__, exc_info=True)


class Patches:
    """Attributes of other libraries' objects, replaced until `remove`."""

    def __init__(self) -> None:
        self._put: list[tuple[Any, str, Any, Any]] = []
        self._waiting: list[tuple[str, Action]] = []

    def add(self, module: str, path: str, wrap: Callable[[Any], Any]) -> None:
        """Replace `Class.attribute`, or `attribute`, of a module by `wrap(original)` once the module is imported."""
        owner_name, _, name = path.rpartition(".")

        def patch(imported: Any) -> None:
            self.replace(getattr(imported, owner_name) if owner_name else imported, name, wrap)

        self._waiting.append((module, patch))
        when_imported(module, patch)

    def replace(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        """Replace an attribute that is there by `wrap(original)`, once."""
        original = vars(owner)[name]
        if any(original is new for _, _, _, new in self._put):
            return
        new = wrap(original)
        setattr(owner, name, new)
        self._put.append((owner, name, original, new))

    def remove(self) -> None:
        """The same objects as before, where nobody has put anything over ours since."""
        for module, action in self._waiting:
            forget(module, action)
        for owner, name, original, new in reversed(self._put):
            if vars(owner).get(name) is new:
                setattr(owner, name, original)
        self._waiting.clear()
        self._put.clear()
