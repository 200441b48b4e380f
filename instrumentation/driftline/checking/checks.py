"""Which models are checked, against what, and what happens to a call whose rows break a rule."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from driftline.capture.buffer_pool import BufferPool
from driftline.capture.copies import capture
from driftline.checking.failures import CannotCheck, RuleFailure
from driftline.checking.given import GIVEN, Given, listeners
from driftline.checking.input_check import Bounds, InputCheck
from driftline.checking.own_rules import read_rules
from driftline.features.blocks import ColumnBlock
from driftline.features.columns import input_names, joined, whole_rows
from driftline.features.models import WeakIdMap
from driftline.records import LOST, Capture, ModelFacts, SmallArray, as_capture
from driftline.reference.errors import InvalidReference, ProfileError
from driftline.reference.profile import Profile
from driftline.reference.read import read_file
from driftline.settings import OBSERVE, REJECT, WARN, Settings, check_mode

_logger = logging.getLogger("driftline")

_EVERY: Final = 60.0
"""Seconds between two warnings of one rule."""

_REFERENCE: Final = "DRIFTLINE_REFERENCE"
_UNBOUNDED: Final = 2**62

Profiles: TypeAlias = dict[tuple[str, str], Profile]
"""By model and version."""


class ModelCheck:
    """The check of one model. Its calls may come from several threads."""

    def __init__(self, rules: InputCheck, mode: str) -> None:
        self.rules = rules
        self.mode = mode
        self._known: tuple[ModelFacts, int, Bounds | None] | None = None
        self._warned: dict[tuple[str, str], float] = {}

    @property
    def warns(self) -> bool:
        return self.mode == WARN

    @property
    def rejects(self) -> bool:
        return self.mode == REJECT

    def failures(
        self,
        model: ModelFacts,
        value: Any,
        captured: Capture | SmallArray | None,
        shown: Callable[[str], bool],
        called: Any = None,
    ) -> list[RuleFailure]:
        """The rules that the rows of a call break.

        Args:
            model: facts of what is called.
            value: the rows as the caller gave them; read, not kept.
            captured: the copy of them.
            shown: whether values of a column may be shown.
            called: the model itself.

        """
        if type(value) is np.ndarray and value.ndim == 2 and value.dtype.kind in "fiub":
            bounds = self._bounds(model, value.shape[1])
            if bounds is not None and bounds.hold(value):
                return []
        if captured is None:
            return []
        blocks = _blocks(model, value, as_capture(captured))
        return self.rules.failures(blocks, shown, ordered=_goes_by_place(called, model, value))

    def _bounds(self, model: ModelFacts, width: int) -> Bounds | None:
        known = self._known
        if known is not None and known[0] is model and known[1] == width:
            return known[2]
        names = input_names(model, None, width)
        bounds = None if names is None else self.rules.bounds(names)
        self._known = model, width, bounds
        return bounds

    def warn(self, model: ModelFacts, failures: Sequence[RuleFailure]) -> None:
        """Log each rule that failed, once a minute."""
        now = time.monotonic()
        for failure in failures:
            key = failure.column, failure.rule
            if now - self._warned.get(key, -_EVERY) >= _EVERY:
                self._warned[key] = now
                _logger.warning("Input of model %r: %s, in %d of its rows", model.name, failure, failure.row_count)


def _goes_by_place(called: Any, model: ModelFacts, value: Any) -> bool:
    """Whether the columns of a frame in another order reach the model as other features.

    A model that was trained on arrays takes them by place; one that was trained on a frame may refuse the order itself.
    Only where columns are selected first is it by name, and of other models nothing is known.
    """
    if not hasattr(value, "columns") or (model.features is None and model.width is None):
        return False
    while hasattr(called, "best_estimator_"):
        called = called.best_estimator_
    while getattr(called, "steps", None):
        called = called.steps[0][1]
    return not any(each.__name__ == "ColumnTransformer" for each in type(called).__mro__)


def _blocks(model: ModelFacts, value: Any, captured: Capture) -> list[ColumnBlock]:
    if captured.kind == LOST:  # the buffer of rows to count is full, which is no reason to let bad ones through
        captured = capture(value, BufferPool(_UNBOUNDED))
    return [block for parts in whole_rows(model, [captured]) if (block := joined(parts)) is not None]


def check(
    model: Any,
    *,
    reference: "Profile | str | os.PathLike[str] | None" = None,
    mode: str = OBSERVE,
    rules: "Iterable[Any] | str | os.PathLike[str]" = (),
) -> None:
    """Check the input of a model before each of its calls, against its training profile and rules of your own.

    Rules from the profile: no column is absent, no value missing where none was, none of another type, none outside the
    range that healthy rows leave less than once in 100,000 rows over all columns, no category that training rules out.
    It applies to calls that Driftline records, see `driftline.instrument`; a repeated call replaces the check.

    Args:
        model: the object whose methods are called, as for `driftline.describe`.
        reference: a profile, or the file or folder that holds it; default `DRIFTLINE_REFERENCE`.
        mode: "observe" puts the rules that failed on the span and counts them; "warn" logs them as well; "reject"
            raises `driftline.InputRejected` before the model is called.
        rules: conditions on columns (`"start <= end"`), functions of the columns, and mappings (see the guide); or a
            YAML file with a list of them.

    Raises:
        ValueError: unknown mode, an invalid rule, or neither a reference nor a rule.
        ProfileError: the reference cannot be read.
        TypeError: the object cannot be weakly referenced.

    Example:
        >>> import driftline
        >>> class Model:
        ...     def predict(self, X): ...
        >>> driftline.check(Model(), rules=["age >= 18"], mode="reject")

    """
    mode = check_mode(mode)
    own = read_rules(rules if not isinstance(rules, os.PathLike) else Path(rules))
    if reference is None:
        reference = os.environ.get(_REFERENCE, "").strip() or None
    if reference is None and not own:
        raise ValueError(f"reference: must be a training profile, as there are no rules (set it, or {_REFERENCE})")
    # Now, where the caller sees the error.
    found = reference if reference is None or isinstance(reference, Profile) else _read(Path(reference))
    try:
        GIVEN.set(model, Given(found, own, mode))
    except TypeError as error:
        raise TypeError(f"cannot check an object of type {type(model).__qualname__}: {error}") from None
    for listener in listeners:
        listener()


class Checks:
    """The checks of a process: of models given to `check`, and of all others where the settings say so."""

    def __init__(self, settings: Settings) -> None:
        self._mode = settings.check
        self._path = None if settings.reference is None else Path(settings.reference)
        self._own = () if settings.check_rules is None else read_rules(settings.check_rules)
        self._read: Profiles | None = None
        self._models: dict[tuple[str, str | None], ModelCheck | None] = {}
        self._explicit = WeakIdMap()  # (what was given, the check made of it)

    def of(self, model: Any, facts: ModelFacts) -> ModelCheck | None:
        """The check of a model, None if it has none."""
        given = GIVEN.get(model)
        if given is not None:
            made = self._explicit.get(model)
            if made is None or made[0] is not given:
                made = given, ModelCheck(InputCheck.of(_profile(given.reference, facts), given.rules), given.mode)
                self._explicit.set(model, made)
            found: ModelCheck = made[1]
            return found
        if self._mode is None:
            return None
        key = facts.name, facts.version
        if key not in self._models:
            self._models[key] = self._from_settings(facts)
        return self._models[key]

    def _from_settings(self, facts: ModelFacts) -> ModelCheck | None:
        assert self._mode is not None
        profile = _profile(self._profiles(), facts)
        if profile is None and not self._own:
            return None
        return ModelCheck(InputCheck.of(profile, self._own), self._mode)

    def _profiles(self) -> Profiles:
        """Those of the settings, read once."""
        if self._read is None:
            try:
                self._read = {} if self._path is None else _read(self._path)
            except (ProfileError, OSError) as error:
                _logger.warning("%s; no input is checked against it", error)
                self._read = {}
        return self._read


def _profile(reference: Profile | Profiles | None, facts: ModelFacts) -> Profile | None:
    if isinstance(reference, Profile):
        return reference
    found = reference or {}
    for version in (facts.version or "", ""):
        if (facts.name, version) in found:
            return found[facts.name, version]
    _logger.warning("There is no training profile of model %r: its input is not checked against any.", facts.name)
    return None


def require_profiles(settings: Settings) -> None:
    """Refuse to start where calls are to be rejected and there is nothing to check them against.

    Raises:
        CannotCheck: there is neither a reference nor a rule, or one cannot be read; the message names it.
        ValueError: there are rules, and they are not valid, in another mode.

    """
    error = _obstacle(settings)
    if error is not None:
        raise (CannotCheck if settings.check == REJECT else ValueError)(error)


def _obstacle(settings: Settings) -> str | None:
    if settings.check_rules is not None:
        try:
            read_rules(settings.check_rules)
        except (OSError, ValueError) as error:
            reason = f"{settings.check_rules}: {error.strerror}" if isinstance(error, OSError) else str(error)
            return f"check_rules: {reason}"
    if settings.check != REJECT:
        return None
    if settings.reference is None:
        if settings.check_rules is None:
            return f"check: {REJECT!r} needs a training profile ({_REFERENCE}) or rules to check against"
        return None
    try:
        _read(Path(settings.reference))
    except ProfileError as error:
        return f"check: {REJECT!r} needs a training profile: {error}"
    return None


def _read(path: Path) -> Profiles:
    """The profiles of a file or of the files `*.json` of a folder."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InvalidReference(f"{path}: must hold training profiles named *.json")
    profiles = [read_file(each).profile for each in files]
    return {(profile.model, profile.version): profile for profile in profiles}
