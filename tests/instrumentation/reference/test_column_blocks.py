"""Blocks of columns in the user's words: one meaning in `profile`, in its command and in a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import driftline
from driftline.profiling import ProfileError
from driftline.reference.column_blocks import block_of, checked_blocks, parse_block

BLOCKS = {"address": ["street*", "zip"], "sound": ["mfcc?"]}
NAMES = ["street_name", "street_no", "zip", "city", "mfcc1"]


def data(seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {name: random.normal(size=200) for name in NAMES}


def test_a_columns_own_name_counts_before_patterns() -> None:
    """Else the first block with a pattern that matches it."""
    assert block_of("zip", {"all": ["*"], "address": ["zip"]}) == "address"
    assert block_of("city", {"all": ["*"], "address": ["c*"]}) == "all"
    assert block_of("age", BLOCKS) is None


def test_a_profile_keeps_them_and_says_which_are_of_no_use(tmp_path: Path) -> None:
    """Saved, loaded and merged; a profile without blocks takes those of the other."""
    made = driftline.profile(data(), model="m", blocks={**BLOCKS, "none": "x*"})
    made.save(tmp_path / "m.json")
    loaded = driftline.load_profile(tmp_path / "m.json")
    of = {column.key.name: column.block for column in loaded.columns}

    assert of == dict(zip(NAMES, ["address"] * 3 + [None, "sound"], strict=True))
    assert {c.block for c in driftline.profile(data(1), model="m").merge(loaded).columns} == {"address", "sound", None}
    assert "Block 'address': 3 columns, judged one by one: a block has at least 4" in made.notes
    assert "Block 'none': 'x*' matches no column" in made.notes


@pytest.mark.parametrize("wrong", [{"": ["a"]}, {"a": []}, {"a": [1]}, {1: ["a"]}, {"a": None}])
def test_what_is_no_block_is_refused_by_name(wrong: dict[Any, Any]) -> None:
    """With the value."""
    with pytest.raises(ProfileError, match=r"blocks: .*\(got "):
        checked_blocks(wrong)


def test_a_block_on_the_command_line() -> None:
    """A name, and patterns with commas."""
    assert parse_block("address= street*, zip") == ("address", ["street*", "zip"])
    for wrong in ("address", "=zip", "address="):
        with pytest.raises(ProfileError, match="must be NAME=PATTERN"):
            parse_block(wrong)
