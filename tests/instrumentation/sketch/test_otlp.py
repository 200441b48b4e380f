"""OTLP values: attributes and histograms survive the way into protobuf and back."""

import numpy as np
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

from driftline.sketch import Histogram
from driftline.sketch.otlp import histogram_point, key_values, plain, read_histogram, scalar, shown

ATTRIBUTES = {
    "text": "Köln",
    "empty": "",
    "whole": 3,
    "number": 0.1,
    "edges": [1.0, 2.5],
    "names": ["a", "b"],
    "none": [],
}


def test_attributes_are_read_as_they_were_written() -> None:
    """With their types: a whole number stays one."""
    read = {pair.key: plain(pair.value) for pair in key_values(ATTRIBUTES)}

    assert read == ATTRIBUTES
    assert [type(value) for value in read.values()] == [type(value) for value in ATTRIBUTES.values()]


@pytest.mark.parametrize(
    "value",
    [AnyValue(), AnyValue(bytes_value=b"x"), AnyValue(kvlist_value=KeyValueList()), AnyValue(array_value=ArrayValue())],
)
def test_what_is_no_scalar_is_none(value: AnyValue) -> None:
    """Raw bytes, maps, arrays, and nothing at all."""
    assert scalar(value) is None


def test_a_list_may_hold_what_is_no_scalar() -> None:
    """Each element is read by itself."""
    values = [AnyValue(bool_value=True), AnyValue(), AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)]))]

    assert plain(AnyValue(array_value=ArrayValue(values=values))) == [True, None, [1]]


def test_histograms_are_read_as_they_were_written() -> None:
    """Buckets of both signs, zeros, scale and extremes."""
    values = np.random.default_rng(0).normal(size=1_000)
    histogram = Histogram.of(np.append(values, 0.0), 5, 10**6)
    found = read_histogram(histogram_point({}, histogram))

    assert isinstance(found, Histogram)
    assert (found.scale, found.zero, found.count) == (histogram.scale, histogram.zero, 1_001)
    assert (found.minimum, found.maximum) == (histogram.minimum, histogram.maximum)
    assert found.intervals().lower.tolist() == histogram.intervals().lower.tolist()
    assert found.intervals().weight.tolist() == histogram.intervals().weight.tolist()


def test_values_in_messages_are_short() -> None:
    """However long a name is."""
    assert len(shown("x" * 1_000)) < 70
