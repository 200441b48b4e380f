"""Tensors: what is copied of them, and what is known of the modules that take and return them.

torch is never imported: where there is a tensor, it is there already. Nor is numpy before there is a module to look at.
"""

from typing import Any

from driftline.records import ModelFacts
from driftline.settings import Settings


def look(settings: Settings, module: Any) -> ModelFacts:
    """The facts of a module, or of anything else that was described and is called."""
    from driftline.features.tensors.module_facts import facts_of

    return facts_of(settings, module)
