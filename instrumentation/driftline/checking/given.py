"""The models that were given a check, held weakly. Light: every process with a recorder imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from driftline.features.models import WeakIdMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.checking.own_rules import OwnRule
    from driftline.reference.profile import Profile


class Given(NamedTuple):
    """What `driftline.check` was given for a model. reference: a profile, or several by model and version."""

    reference: Profile | dict[tuple[str, str], Profile] | None
    rules: tuple[OwnRule, ...]
    mode: str


GIVEN: Final = WeakIdMap()

listeners: Final[list[Callable[[], None]]] = []
"""Called after each model that is given a check, so that recorders begin to look for them."""
