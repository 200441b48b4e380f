"""Reversible patches on other libraries, applied when those are imported. Driftline imports none of them itself."""

import logging
import sys
from collections.abc import Callable
from typing import Any, Final

import wrapt

_logger = logging.getLogger("driftline")

Action = Callable[[Any], None]

# Import hooks cannot be removed: each module has one, which runs what this table holds at the time.
_ACTIONS: Final[dict[str, list[Action]]] = {}


def when_imported(module: str, action: Action) -> None:
    """Call `action(module)` once the module is imported, or now if it already is."""
    if module in _ACTIONS:
        _ACTIONS[module].append(action)
        if module in sys.modules:
            _run(action, sys.modules[module])
    else:
        _ACTIONS[module] = [action]
        wrapt.register_post_import_hook(_fire, module)


def cancel_when_imported(module: str, action: Action) -> None:
    """Undo `when_imported`."""
    if action in _ACTIONS.get(module, []):
        _ACTIONS[module].remove(action)


def _fire(module: Any) -> None:
    for action in list(_ACTIONS[module.__name__]):
        _run(action, module)


def _run(action: Action, module: Any) -> None:
    """Run an action; an error here would break the user's import."""
    try:
        action(module)
    except Exception:  # the library works without Driftline
        _logger.warning("Could not instrument %s", module.__name__, exc_info=True)


class Patches:
    """Replaces attributes of other libraries' objects until `remove`."""

    def __init__(self) -> None:
        self._applied: list[tuple[Any, str, Any, Any]] = []
        self._waiting: list[tuple[str, Action]] = []

    def add(self, module: str, path: str, wrap: Callable[[Any], Any]) -> None:
        """Replace `Class.attribute` or `attribute` of a module with `wrap(original)` once the module is imported."""
        owner_name, _, name = path.rpartition(".")

        def patch(imported: Any) -> None:
            self.replace(getattr(imported, owner_name) if owner_name else imported, name, wrap)

        self._waiting.append((module, patch))
        when_imported(module, patch)

    def replace(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        """Replace an existing attribute with `wrap(original)`, once."""
        original = vars(owner)[name]
        if any(original is new for _, _, _, new in self._applied):
            return
        new = wrap(original)
        setattr(owner, name, new)
        self._applied.append((owner, name, original, new))

    def remove(self) -> None:
        """Restore the originals, except where somebody else has patched over ours since."""
        for module, action in self._waiting:
            cancel_when_imported(module, action)
        for owner, name, original, new in reversed(self._applied):
            if vars(owner).get(name) is new:
                setattr(owner, name, original)
        self._waiting.clear()
        self._applied.clear()
