"""Which columns are judged together: those that the user names, that are numbered alike, and all other inputs.

Of the latter also those that the training data shows to be correlated: a part of them that may move alone.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from driftline.reference.column_blocks import FEWEST as FEWEST_NAMED
from driftline.semconv import TARGET_BLOCK, TARGET_INPUT, TARGET_OUTPUT
from driftline_processor.records import ColumnKey

FEWEST: Final = 8
"""Columns of a block: of fewer, each can be read by itself."""

MOST_PARTS: Final = 8
"""Clusters of correlated columns in a block, at most: each takes its part of the budget."""

DIMENSIONS: Final = 64
"""Columns that nobody reads one by one, whatever their names."""

UNNAMED: Final = "x"
"""Inputs x0, x1, … are the features of an array, which have no names."""

OTHERS: Final = "inputs"
"""The block of all inputs that are in no other one."""

_NUMBERED: Final = re.compile(r"^(?P<stem>.*?)[\s_.:/#\-]*[\[(]?(?P<number>\d+)[\])]?$")


class Block(NamedTuple):
    """Columns that are judged together, by their places in the reference.

    dimensions: its columns mean nothing by themselves, or the user has named it; one that moves as the block does is
    not told apart. part_of: the block that holds all of its columns and more, whose alarm tells of it.
    """

    key: ColumnKey
    members: tuple[int, ...]
    dimensions: bool
    part_of: ColumnKey | None = None


def find_blocks(
    keys: Sequence[ColumnKey],
    eligible: Sequence[bool],
    named: Sequence[str | None] = (),
    clusters: Sequence[str | None] = (),
) -> list[Block]:
    """The blocks of a reference.

    Args:
        keys: Its columns.
        eligible: Which of them have a level that may be compared, [columns].
        named: The block that each belongs to in the user's words, if any does, [columns].
        clusters: The first of the columns that each is correlated with, if they are many, [columns].

    >>> keys = [ColumnKey("input", f"emb_{i}") for i in range(8)]
    >>> [(block.key.name, len(block.members)) for block in find_blocks(keys, [True] * 8)]
    [('emb', 8)]

    """
    declared = _named(named, eligible)
    own = {i for members in declared.values() for i in members}
    free = [each and i not in own for i, each in enumerate(eligible)]
    stems: dict[tuple[str, str], list[int]] = {}
    for i, (target, name) in enumerate(keys):
        found = _NUMBERED.match(name)
        if free[i] and found and target in {TARGET_INPUT, TARGET_OUTPUT}:
            stems.setdefault((target, found["stem"]), []).append(i)
    numbered = {stem: members for stem, members in stems.items() if len(members) >= FEWEST}
    taken = {i for members in numbered.values() for i in members}
    others = [i for i, key in enumerate(keys) if free[i] and key.target == TARGET_INPUT and i not in taken]
    blocks = [
        Block(ColumnKey(TARGET_BLOCK, name), tuple(members), dimensions=True) for name, members in declared.items()
    ]
    for (target, stem), members in numbered.items():
        name = _name(stem, target, stems)
        blocks.append(_block(f"{target} {name}" if name in declared else name, members, stem))
    if len(others) >= FEWEST:
        block = _block(f"other {OTHERS}" if OTHERS in declared else OTHERS, others, UNNAMED)
        blocks += [block, *_parts(block, clusters)]
    return blocks


def _parts(block: Block, clusters: Sequence[str | None]) -> Iterator[Block]:
    """The largest clusters of the columns of a block; none that is all of it."""
    found: dict[str, list[int]] = {}
    for i in block.members if clusters else ():
        cluster = clusters[i]
        if cluster is not None:
            found.setdefault(cluster, []).append(i)
    largest = sorted(found.items(), key=lambda item: -len(item[1]))[:MOST_PARTS]
    for first, members in largest:
        if FEWEST <= len(members) < len(block.members):
            part = _block(f"{first} and {len(members) - 1} correlated", members, UNNAMED)
            yield part._replace(part_of=block.key)


def _named(named: Sequence[str | None], eligible: Sequence[bool]) -> dict[str, list[int]]:
    """The columns of blocks that the user names, of those that have enough of them."""
    found: dict[str, list[int]] = {}
    for i, name in enumerate(named):
        if name is not None and eligible[i]:
            found.setdefault(name, []).append(i)
    return {name: members for name, members in found.items() if len(members) >= FEWEST_NAMED}


def _name(stem: str, target: str, stems: dict[tuple[str, str], list[int]]) -> str:
    """Of numbers alone the target; an input and an output of one name are told apart."""
    alike = sum(other == stem for _, other in stems) > 1
    return f"{target} {stem}" if alike and stem else stem or f"{target}s"


def _block(name: str, members: Sequence[int], stem: str) -> Block:
    dimensions = stem != UNNAMED or len(members) >= DIMENSIONS
    return Block(ColumnKey(TARGET_BLOCK, name), tuple(members), dimensions)
