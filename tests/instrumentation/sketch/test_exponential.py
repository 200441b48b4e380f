import json
from pathlib import Path

import numpy as np
import pytest

from driftline.sketch.exponential import HUGE, MAX_SCALE, MIN_SCALE, TINY, bucket_index, lower_edge

VECTORS = json.loads((Path(__file__).parents[2] / "golden" / "exphist_mapping_vectors.json").read_text())["rows"]
SCALES = range(MIN_SCALE, MAX_SCALE + 1)


@pytest.mark.parametrize("scale", sorted({scale for scale, _, _ in VECTORS}))
def test_buckets_are_those_of_the_opentelemetry_sdk(scale: int) -> None:
    """Every vector computed with the SDK's own mapping classes gives the same index."""
    expected = {value: index for s, value, index in VECTORS if s == scale}

    assert dict(zip(expected, bucket_index(list(expected), scale).tolist(), strict=True)) == expected


@pytest.mark.parametrize("scale", SCALES)
def test_a_bucket_holds_its_upper_edge_and_not_its_lower_one(scale: int) -> None:
    """Edges and both neighbours of each fall on the right side, also at the ends of float64."""
    last = int(bucket_index([HUGE], scale)[0])
    first = int(bucket_index([TINY], scale)[0])
    index = np.unique(np.linspace(first + 1, last - 1, 2_001).astype(np.int64))
    edges = lower_edge(index, scale)

    assert bucket_index(edges, scale).tolist() == (index - 1).tolist()
    assert bucket_index(np.nextafter(edges, np.inf), scale).tolist() == index.tolist()
    assert bucket_index(np.nextafter(edges, 0), scale).tolist() == (index - 1).tolist()


@pytest.mark.parametrize("scale", SCALES)
def test_a_bucket_nests_in_one_of_the_next_coarser_scale(scale: int) -> None:
    """Halving the index is what counting at the coarser scale gives, for any values."""
    values = np.random.default_rng(1).lognormal(0, 50, 5_000)
    values = np.append(values[np.isfinite(values) & (values > TINY)], 2.0 ** np.arange(-30, 30))

    assert np.array_equal(bucket_index(values, scale) >> 1, bucket_index(values, scale - 1))


def test_powers_of_two_are_edges_exactly() -> None:
    """Of the scales above 0, 2**k is the edge k * 2**scale, to the last bit."""
    powers = np.arange(-1_022, 1_024)
    for scale in range(MAX_SCALE + 1):
        assert np.array_equal(lower_edge(powers << scale, scale), 2.0**powers)


def test_edges_beyond_float64_are_zero_or_infinite() -> None:
    """Without a warning: the outermost buckets reach further than float64."""
    assert lower_edge([-(10**9), 10**9], 3).tolist() == [0.0, np.inf]
