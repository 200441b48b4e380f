"""Which columns are judged together."""

import pytest

from driftline_processor.monitors.drift.joint.blocks import FEWEST, find_blocks
from driftline_processor.records import ColumnKey


def blocks(*names: str, target: str = "input") -> dict[str, int]:
    """Columns of each block, by its name."""
    keys = [ColumnKey(target, name) for name in names]
    return {block.key.name: len(block.members) for block in find_blocks(keys, [True] * len(keys))}


@pytest.mark.parametrize(
    "pattern", ["embedding_{}", "embedding.{}", "embedding[{}]", "embedding-{}", "embedding {}", "embedding{}"]
)
def test_columns_that_are_numbered_alike_are_a_block(pattern: str) -> None:
    """However the number is set apart; the block has the name that is left."""
    assert blocks(*(pattern.format(i) for i in range(128))) == {"embedding": 128}


def test_numbers_with_leading_zeros_are_numbers() -> None:
    """As are those of which some are lacking."""
    assert blocks(*(f"pixel{i:03}" for i in range(0, 64, 2))) == {"pixel": 32}


def test_all_other_inputs_are_a_block() -> None:
    """Beside the numbered ones, and where there are none."""
    named = [f"{letter}_rate" for letter in "abcdefghij"]

    assert blocks(*named) == {"inputs": 10}
    assert blocks(*named, *(f"emb_{i}" for i in range(16))) == {"emb": 16, "inputs": 10}


def test_few_columns_are_read_one_by_one() -> None:
    """Numbered ones that are too few go with the other inputs; these may be too few as well."""
    few = [f"lag_{i}" for i in range(FEWEST - 1)]

    assert blocks(*few) == {}
    assert blocks(*few, "age") == {"inputs": FEWEST}


def test_columns_that_are_numbers_alone() -> None:
    """A frame without names: the block is that of all inputs."""
    assert blocks(*map(str, range(10))) == {"inputs": 10}


def test_an_input_and_an_output_of_one_name() -> None:
    """Are two blocks, with names of their own."""
    keys = [ColumnKey(target, f"p_{i}") for target in ("input", "output") for i in range(FEWEST)]

    assert [block.key.name for block in find_blocks(keys, [True] * len(keys))] == ["input p", "output p"]


def test_only_columns_with_a_level_are_members() -> None:
    """A constant or a rare flag is judged by itself."""
    keys = [ColumnKey("input", f"emb_{i}") for i in range(10)]
    (block,) = find_blocks(keys, [False, *[True] * 9])

    assert block.members == tuple(range(1, 10))


def test_dimensions_are_told_from_features() -> None:
    """Columns that have a name in common mean nothing one by one; features of an array do, unless they are many."""

    def dimensions(*names: str) -> bool:
        (block,) = find_blocks([ColumnKey("input", name) for name in names], [True] * len(names))
        return block.dimensions

    assert dimensions(*(f"emb_{i}" for i in range(8)))
    assert not dimensions(*(f"x{i}" for i in range(30)))
    assert dimensions(*(f"x{i}" for i in range(128)))


def test_blocks_in_the_users_words_come_first() -> None:
    """Whatever their columns are called; the others are found among what is left, and no name is given twice."""
    names = [*(f"emb_{i}" for i in range(16)), "street", "zip", "city", "country", "age"]
    named = ["emb" if name in {"street", "zip", "city", "country"} else None for name in names]
    keys = [ColumnKey("input", name) for name in names]
    found = {block.key.name: block for block in find_blocks(keys, [True] * len(keys), named)}

    assert {name: len(block.members) for name, block in found.items()} == {"emb": 4, "input emb": 16}
    assert found["emb"].dimensions


def test_a_block_of_few_columns_is_none_in_the_users_words_either() -> None:
    """Three columns are read one by one."""
    keys = [ColumnKey("input", name) for name in "abc"]

    assert find_blocks(keys, [True] * 3, ["letters"] * 3) == []


def test_correlated_columns_are_a_part_of_the_inputs() -> None:
    """Where they are many, and not all of them; columns with a block by name are in no other one."""
    names = ["age", *"abcdefghij", *(f"emb_{i}" for i in range(8))]
    clusters = [None, *["a"] * 10, *["a"] * 8]
    keys = [ColumnKey("input", name) for name in names]
    emb, inputs, part = find_blocks(keys, [True] * len(keys), clusters=clusters)

    assert (emb.key.name, emb.part_of, inputs.key.name, inputs.part_of) == ("emb", None, "inputs", None)
    assert (part.key.name, part.members, part.part_of) == ("a and 9 correlated", tuple(range(1, 11)), inputs.key)
    assert len(find_blocks(keys[1:], [True] * 18, clusters=clusters[1:])) == 2
