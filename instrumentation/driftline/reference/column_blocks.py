"""Columns that belong together in the user's words: a block's name, and names or patterns of its columns."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias

from driftline.reference.errors import ProfileError
from driftline.reference.tolerances import unmatched

FEWEST: Final = 4
"""Columns of a block: fewer are read one by one."""

Blocks: TypeAlias = Mapping[str, Sequence[str]]  # names or patterns of columns, by the block's name

_RULE: Final = "must be NAME=PATTERN, or several with commas, such as 'address=street*,zip'"


def block_of(name: str, blocks: Blocks) -> str | None:
    """The block that has the column's own name, else the first with a pattern that matches it; None without any.

    >>> block_of("zip", {"words": ["z*"], "address": ["street*", "zip"]})
    'address'
    """
    own = (block for block, patterns in blocks.items() if name in patterns)
    like = (block for block, patterns in blocks.items() if any(fnmatchcase(name, pattern) for pattern in patterns))
    return next(own, None) or next(like, None)


def checked_blocks(blocks: Mapping[Any, Any]) -> dict[str, list[str]]:
    """The same as lists. Raises ProfileError, which names the block, the rule and the value."""
    found: dict[str, list[str]] = {}
    for block, patterns in blocks.items():
        if not isinstance(block, str) or not block:
            raise ProfileError(f"blocks: must be by names of blocks (got {block!r})")
        listed = [patterns] if isinstance(patterns, str) else patterns
        if not isinstance(listed, (list, tuple)) or not listed or not all(isinstance(p, str) and p for p in listed):
            raise ProfileError(f"blocks: {block!r} must be names or patterns of columns (got {patterns!r})")
        found[block] = list(listed)
    return found


def parse_block(text: str) -> tuple[str, list[str]]:
    """`NAME=PATTERN,PATTERN`. Raises ProfileError."""
    name, _, patterns = (part.strip() for part in text.partition("="))
    listed = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    if not name or not listed:
        raise ProfileError(f"{_RULE} (got {text!r})")
    return name, listed


def block_notes(blocks: Blocks, names: Iterable[str]) -> list[str]:
    """How many columns each block has, and patterns and blocks that are of no use."""
    known = list(names)
    notes = []
    for block, patterns in blocks.items():
        members = [name for name in known if block_of(name, blocks) == block]
        few = "" if len(members) >= FEWEST else f", judged one by one: a block has at least {FEWEST}"
        notes.append(f"Block {block!r}: {len(members)} columns{few}")
        notes += [f"Block {block!r}: {pattern!r} matches no column" for pattern in unmatched(patterns, known)]
    return notes
