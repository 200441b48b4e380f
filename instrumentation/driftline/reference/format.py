"""The OTLP format of a training profile: the metrics of live data, and gauges with the chunks beside them."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline import semconv
from driftline.reference.attributes import CheckedAttributes
from driftline.reference.errors import InvalidReference
from driftline.reference.profile_column import ColumnKey
from driftline.reference.row_repeats import RowRepeats
from driftline.segments.encoding import DamagedSegmentsError, from_text, to_text
from driftline.segments.training import SegmentTraining
from driftline.semconv import INPUT_COLUMN, OUTPUT_COLUMN, PAIR_COLUMN
from driftline.sketch.arrays import FloatArray, IntArray
from driftline.sketch.decimals import LEVELS
from driftline.sketch.otlp import shown
from driftline.sketch.pairs import Pair
from driftline.sketch.row_hash import BUCKETS

MOST_CATEGORIES: Final = 1000
"""Categories with a name; all others are counted together."""

FEWEST_BINS: Final = 64
"""Categories of a column that can always have a bin of their own in each chunk."""

MOST_ROWS: Final = 1 << 53

NAMES: Final = {
    semconv.TARGET_INPUT: INPUT_COLUMN,
    semconv.TARGET_PAIR: PAIR_COLUMN,
    semconv.TARGET_OUTPUT: OUTPUT_COLUMN,
    semconv.TARGET_LABEL: OUTPUT_COLUMN,
}
"""Names of a column's metrics by target: a label travels as an output that says what it is."""

CORES: Final = frozenset({INPUT_COLUMN.value, OUTPUT_COLUMN.value})
TAILS: Final = frozenset({INPUT_COLUMN.tail, OUTPUT_COLUMN.tail})
CATEGORIES: Final = {names.counts: names.category for names in (INPUT_COLUMN, PAIR_COLUMN, OUTPUT_COLUMN)}
"""Counters of rows by category, and the attribute with the category."""

OBSERVATIONS: Final = frozenset({INPUT_COLUMN.observations, OUTPUT_COLUMN.observations})
GAUGES: Final = frozenset({semconv.REFERENCE_CHUNKS, semconv.REFERENCE_COLUMN})
METRICS: Final = frozenset({*GAUGES, *CORES, *TAILS, *CATEGORIES, *OBSERVATIONS})

CHUNKED_BY: Final = {"time": True, "rows": False}
"""Whether chunks have timestamps, by the value of the attribute."""


def marked_resource(request: Any) -> CheckedAttributes:
    """The resource of the one reference in a metrics request. Raises InvalidReference."""
    resources = [CheckedAttributes(each.resource, "resource") for each in request.resource_metrics]
    marked = [each for each in resources if each.text(semconv.DATASET_ROLE, "") == semconv.REFERENCE]
    if not marked or len(marked) < len(resources):
        raise InvalidReference(f"must be metrics whose resource has {semconv.DATASET_ROLE} = {semconv.REFERENCE!r}")
    identities = {each.text(semconv.REFERENCE_ID) for each in marked}
    if len(identities) > 1:
        raise InvalidReference(f"must hold one reference (got {len(identities)}: {shown(sorted(identities))})")
    return marked[0]


def points(request: Any) -> Iterator[tuple[str, Any]]:
    """Metric names and data points. Metrics of other names are passed over."""
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                data = metric.WhichOneof("data")
                if metric.name in METRICS and data is not None:
                    for point in getattr(metric, data).data_points:
                        yield metric.name, point


def column_key(attributes: CheckedAttributes) -> ColumnKey:
    """The column that a point belongs to. Raises InvalidReference."""
    if semconv.FEATURE_NAME in attributes:
        return ColumnKey(semconv.TARGET_INPUT, attributes.any_text(semconv.FEATURE_NAME))
    if semconv.PAIR_NAME in attributes:
        return ColumnKey(semconv.TARGET_PAIR, attributes.text(semconv.PAIR_NAME))
    if semconv.DRIFT_TARGET in attributes and attributes.text(semconv.DRIFT_TARGET) == semconv.TARGET_LABEL:
        return ColumnKey(semconv.TARGET_LABEL, attributes.text(semconv.OUTPUT_NAME))
    return output_key(attributes.text(semconv.OUTPUT_NAME))


def output_key(name: str) -> ColumnKey:
    """The column behind the name of an output that does not say what it is.

    >>> output_key("label")
    ColumnKey(target='label', name='label')
    """
    return ColumnKey(semconv.TARGET_LABEL if name == semconv.TARGET_LABEL else semconv.TARGET_OUTPUT, name)


def read_pair(attributes: CheckedAttributes) -> Pair:
    """Members and thresholds of a pair of inputs. Raises InvalidReference."""
    members, thresholds = attributes.texts(semconv.PAIR_MEMBERS), attributes.numbers(semconv.PAIR_THRESHOLDS).tolist()
    if len(members) != 2 or len(thresholds) != 2:
        raise attributes.wrong(semconv.PAIR_MEMBERS, f"must be two, with {semconv.PAIR_THRESHOLDS}", members)
    return Pair((members[0], members[1]), (thresholds[0], thresholds[1]))


def bins_text(bins: IntArray) -> str:
    """Rows by chunk and bin as one string: an attribute for each chunk would take more room than the counts.

    >>> bins_text(np.array([[3, 1], [0, 4]]))
    '3 1;0 4'
    """
    return ";".join(" ".join(map(str, row)) for row in bins.tolist())


def read_bins(attributes: CheckedAttributes, chunks: int, bins: int, name: str = semconv.CHUNK_CELLS) -> IntArray:
    """The inverse of `bins_text`, [chunks, bins]. Raises InvalidReference."""
    lines = attributes.text(name).split(";")
    if len(lines) != chunks:
        raise attributes.wrong(name, f"must have counts of each of the {chunks} chunks", len(lines))
    try:
        counts = [[int(count) for count in line.split()] for line in lines]
    except ValueError:
        raise attributes.wrong(name, "must be whole numbers", lines) from None
    for line, numbers in zip(lines, counts, strict=True):
        if len(numbers) != bins or min(numbers) < 0 or max(numbers) > MOST_ROWS:
            raise attributes.wrong(name, f"must have {bins} counts from 0 to 2**53 in each chunk", line)
    return np.array(counts, np.int64).reshape(chunks, bins)


def decimal_attributes(decimals: IntArray) -> dict[str, Any]:
    """Rows by chunk and level, [chunks, LEVELS], as attributes; levels that never occur are left out."""
    seen = np.flatnonzero(decimals.any(axis=0)).tolist()
    names = [LEVELS[level] for level in seen]
    return {semconv.COLUMN_DECIMALS: names, semconv.CHUNK_DECIMALS: bins_text(decimals[:, seen])}


def read_decimals(attributes: CheckedAttributes, chunks: int) -> IntArray | None:
    """The inverse of `decimal_attributes`; None where there are none. Raises InvalidReference."""
    if semconv.COLUMN_DECIMALS not in attributes:
        return None
    names = attributes.texts(semconv.COLUMN_DECIMALS)
    if not set(names) <= set(LEVELS) or len(set(names)) < len(names):
        raise attributes.wrong(semconv.COLUMN_DECIMALS, f"must be some of {', '.join(LEVELS)}", names)
    decimals = np.zeros((chunks, len(LEVELS)), np.int64)
    if names:
        places = [LEVELS.index(name) for name in names]
        decimals[:, places] = read_bins(attributes, chunks, len(names), semconv.CHUNK_DECIMALS)
    return decimals


def row_attributes(row_repeats: Sequence[RowRepeats]) -> dict[str, Any]:
    """Attributes of the point of REFERENCE_CHUNKS; none of a reference that does not know how often rows repeat."""
    if not row_repeats:
        return {}
    return {
        semconv.ROW_INPUTS: [each.inputs for each in row_repeats],
        semconv.ROW_BUCKETS: [_numbers_text(each.buckets) for each in row_repeats],
        semconv.ROW_STRETCHES: [_numbers_text(each.rows) for each in row_repeats],
        semconv.ROW_REPEATS: [_numbers_text(each.repeats.round(3) + 0.0) for each in row_repeats],
        semconv.ROW_ROUNDED: [round(each.rounded, 3) + 0.0 for each in row_repeats],
    }


def segment_attributes(segments: SegmentTraining | None) -> dict[str, Any]:
    """Attributes of the point of REFERENCE_CHUNKS; none of a reference without counts of segments."""
    return {} if segments is None else {semconv.REFERENCE_SEGMENTS: to_text(segments)}


def read_segments(attributes: CheckedAttributes) -> SegmentTraining | None:
    """The inverse of `segment_attributes`; None of a form of another version, too. Raises InvalidReference."""
    if semconv.REFERENCE_SEGMENTS not in attributes:
        return None
    text = attributes.text(semconv.REFERENCE_SEGMENTS)
    try:
        return from_text(text)
    except DamagedSegmentsError as error:
        raise attributes.wrong(semconv.REFERENCE_SEGMENTS, str(error), text) from error


def _numbers_text(numbers: NDArray[Any]) -> str:
    return " ".join(map(str, numbers.tolist()))


def read_rows(attributes: CheckedAttributes) -> tuple[RowRepeats, ...]:
    """The inverse of `row_attributes`. Raises InvalidReference."""
    if semconv.ROW_INPUTS not in attributes:
        return ()
    names = (semconv.ROW_BUCKETS, semconv.ROW_STRETCHES, semconv.ROW_REPEATS)
    lists = [_number_lists(attributes, name) for name in names]
    parts = zip(attributes.texts(semconv.ROW_INPUTS), *lists, attributes.numbers(semconv.ROW_ROUNDED), strict=False)
    found = tuple(
        RowRepeats(inputs, buckets.astype(np.int64), rows.astype(np.int64), repeats, float(rounded))
        for inputs, buckets, rows, repeats, rounded in parts
    )
    if any(len(each.buckets) != BUCKETS or len(each.rows) != len(each.repeats) for each in found):
        rule = f"must be {BUCKETS} counts of rows, with {semconv.ROW_STRETCHES} and {semconv.ROW_REPEATS} of one length"
        raise attributes.wrong(semconv.ROW_BUCKETS, rule, [len(each.buckets) for each in found])
    return found


def _number_lists(attributes: CheckedAttributes, name: str) -> list[FloatArray]:
    texts = attributes.texts(name)
    try:
        return [np.array([float(number) for number in text.split()], np.float64) for text in texts]
    except ValueError:
        raise attributes.wrong(name, "must be numbers", texts) from None
