"""Keys of rows."""

import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kstest

from driftline.rows.keys import hash_ids, hash_prediction_ids, prediction_id_text, row_keys
from driftline.rows.sampling import RANGE, randomness

MASK = (1 << 64) - 1


def key_by_hand(text: str, row: int = 0) -> int:
    """The rule, as any language would write it."""
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    z = (h + row + 1) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def keys(ids: Any, rows: Any = 0) -> list[int]:
    return row_keys(hash_ids(ids).hashes, rows).tolist()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1), st.integers(0, 10**6))
def test_keys_follow_the_rule(texts: list[str], row: int) -> None:
    """FNV-1a of the stripped text, plus the row number, through SplitMix64."""
    present = hash_ids(texts).present.tolist()

    assert present == [bool(text.strip()) for text in texts]
    expected = [key_by_hand(text.strip(), row) for text in texts if text.strip()]
    assert [key for key, there in zip(keys(texts, row), present, strict=True) if there] == expected


FORTY_TWO: tuple[Any, ...] = (
    *([42], [42.0], ["42"], [" 42\n"], [b"42"], [Decimal("42.0")], [np.int8(42)], [np.float32(42)], ["42", None]),
    *(np.array([42], kind) for kind in ("i1", "u8", "i4", "f2", "f4", "f8", ">i4", "U2", "S2", "O")),
    *(np.array([42, np.nan]), pd.Series([42, None], dtype="Int64").to_numpy(), pd.array([42, pd.NA]).to_numpy()),
)


@pytest.mark.parametrize("ids", FORTY_TWO, ids=repr)
def test_one_id_has_one_key(ids: Any) -> None:
    """Whatever type holds it: pandas makes 42.0 of 42 beside a missing id, a header or file has "42"."""
    assert keys(ids)[0] == key_by_hand("42")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-7, "-7"), (2**63 - 1, str(2**63 - 1)), (-(2**63), str(-(2**63))), (1.5, "1.5"), (True, "True"),
        (1e20, str(10**20)), (uuid.UUID(int=1), str(uuid.UUID(int=1))), ("é", "é"), (10**30, str(10**30)),
    ],
)  # fmt: skip
def test_ids_are_their_texts(value: Any, text: str) -> None:
    """Alone or in an array."""
    assert keys([value]) == keys(np.array([value], object)) == keys(np.array([value])) == [key_by_hand(text)]


@pytest.mark.parametrize("ids", [[None, float("nan"), "", " ", pd.NaT, pd.NA, b""], np.array([np.nan])], ids=repr)
def test_missing_ids_are_no_ids(ids: Any) -> None:
    """They have no text that others could have."""
    assert not hash_ids(ids).present.any()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=20), st.integers(0, 2**96 - 1))
def test_prediction_ids_are_hashed_as_their_texts(numbers: list[int], process: int) -> None:
    """Calls of one process, hashed at once, and of several."""
    together = [(process << 32) + number % 2**32 for number in numbers]
    for each in (numbers, together):
        texts = [prediction_id_text(number) for number in each]
        assert hash_prediction_ids(each).tolist() == hash_ids(texts).hashes.tolist()


def test_a_secret_keys_the_hash() -> None:
    """Without it nobody can try all order numbers; with it, types agree all the same."""
    plain, one, other = (hash_ids(["42"], secret).hashes for secret in (None, b"one", b"other"))

    assert len({*plain.tolist(), *one.tolist(), *other.tolist()}) == 3
    assert hash_ids(np.array([42.0]), b"one").hashes == one


MANY = 50_000
KINDS: dict[str, NDArray[np.uint64]] = {
    "numbers": row_keys(hash_ids(np.arange(MANY)).hashes),
    "order numbers": row_keys(hash_ids([f"A-{number:08d}" for number in range(MANY)]).hashes),
    "calls": row_keys(hash_prediction_ids(range(7 << 40, (7 << 40) + MANY))),
    "rows of a call": row_keys(hash_prediction_ids([7]), np.arange(MANY)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_randomness_is_uniform_and_neighbours_are_independent(kind: str) -> None:
    """56 bits; FNV-1a alone fails both: p = 0, correlation of neighbours +.99."""
    found = randomness(KINDS[kind]).astype(np.float64) / RANGE
    chosen = (found > 0.9).astype(np.float64)

    assert kstest(found, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(chosen[1:], chosen[:-1])[0, 1]) < 5 / MANY**0.5
