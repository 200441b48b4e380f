"""OTLP → the training profile in it: the one reader of references, for files and requests."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from driftline import semconv
from driftline.reference.attributes import CheckedAttributes
from driftline.reference.chunks import Chunks
from driftline.reference.clocks import Clock, read_clocks
from driftline.reference.column_parts import ColumnParts
from driftline.reference.errors import InvalidReference
from driftline.reference.format import CHUNKED_BY, column_key, marked_resource, points, read_rows, read_segments
from driftline.reference.outcome_attributes import read_outcomes
from driftline.reference.outcome_profile import OutcomeProfile
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ColumnKey
from driftline.reference.row_repeats import RowRepeats
from driftline.segments.training import SegmentTraining

MOST_BYTES: Final = 256 << 20
"""Of a file: 5,000 columns need some 50 MB, 30 need one."""


class StoredProfile(NamedTuple):
    """A profile, and the id that its file or request states."""

    id: str
    profile: Profile


def load_profile(path: str | Path) -> Profile:
    """Load a profile that `Profile.save` or `driftline profile` wrote.

    Args:
        path: a file of OTLP JSON.

    Returns:
        The profile, equal to the one saved except for its notes.

    Raises:
        ProfileError: the file cannot be read or is no profile; the message names it and the reason.

    """
    return read_file(Path(path)).profile


def read_file(path: Path) -> StoredProfile:
    """The reference in a file of OTLP JSON. Raises InvalidReference, which names the file."""
    request = ExportMetricsServiceRequest()
    try:
        json_format.Parse(_content(path), request, ignore_unknown_fields=True)
        return read_reference(request)
    except OSError as error:
        raise InvalidReference(f"{path}: cannot be read: {error.strerror or error}") from error
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InvalidReference(f"{path}: must be OTLP JSON, an ExportMetricsServiceRequest ({reason})") from error
    except InvalidReference as error:
        raise InvalidReference(f"{path}: {error}") from error


def _content(path: Path) -> bytes:
    if (size := path.stat().st_size) > MOST_BYTES:
        raise InvalidReference(f"must have at most {MOST_BYTES:,} bytes (got {size:,})")
    return path.read_bytes()


def read_reference(request: Any) -> StoredProfile:
    """The reference in an ExportMetricsServiceRequest or MetricsData, all of whose resources are of this one reference.

    Raises:
        InvalidReference: there is none, or it is not whole.

    """
    resource = marked_resource(request)
    found = list(points(request))
    chunks, columns, row_repeats, clocks, outcomes, segments = _gathered(found)
    expected = resource.count(semconv.REFERENCE_POINTS)
    if expected is not None and len(found) != expected:
        raise resource.wrong(semconv.REFERENCE_POINTS, f"must be the number of its data points, {len(found)}", expected)
    if chunks is None:
        raise InvalidReference(f"must have a point of {semconv.REFERENCE_CHUNKS}")
    every = [parts.column(len(chunks)) for parts in columns.values()]
    profile = Profile(
        model=resource.text(semconv.MODEL_NAME),
        version=resource.text(semconv.MODEL_VERSION, ""),
        rows=max((column.rows for column in every if column.pair is None), default=0),
        chunks=chunks,
        columns=tuple(column for column in every if column.pair is None),
        pairs=tuple(column for column in every if column.pair is not None),
        row_repeats=row_repeats,
        clocks=clocks,
        outcomes=outcomes,
        segments=segments,
    )
    return StoredProfile(resource.text(semconv.REFERENCE_ID), profile)


class _Gathered(NamedTuple):
    chunks: Chunks | None
    columns: dict[ColumnKey, ColumnParts]
    row_repeats: tuple[RowRepeats, ...]
    clocks: tuple[Clock, ...]
    outcomes: OutcomeProfile | None
    segments: SegmentTraining | None


def _gathered(found: list[tuple[str, Any]]) -> _Gathered:
    """Points by column, in the order of the data: that of the points of REFERENCE_COLUMN, which come first here.

    On their way through a Collector they may have lost that order: then their positions restore it.
    """
    chunks: Chunks | None = None
    row_repeats: tuple[RowRepeats, ...] = ()
    clocks: tuple[Clock, ...] = ()
    outcomes: OutcomeProfile | None = None
    segments: SegmentTraining | None = None
    columns: dict[ColumnKey, ColumnParts] = {}
    for metric, point in sorted(found, key=lambda each: each[0] != semconv.REFERENCE_COLUMN):
        attributes = CheckedAttributes(point, metric)
        if metric == semconv.REFERENCE_CHUNKS:
            chunks, row_repeats, clocks = _chunks(attributes), read_rows(attributes), read_clocks(attributes)
            outcomes = read_outcomes(attributes)
            segments = read_segments(attributes)
            continue
        key = column_key(attributes)
        parts = columns.setdefault(key, ColumnParts(key))
        parts.add(metric, attributes.at(parts.place), point)
    ordered = dict(sorted(columns.items(), key=lambda item: item[1].position))
    return _Gathered(chunks, ordered, row_repeats, clocks, outcomes, segments)


def _chunks(attributes: CheckedAttributes) -> Chunks:
    by = attributes.one_of(semconv.CHUNKED_BY, tuple(CHUNKED_BY))
    starts, ends = attributes.ascending(semconv.CHUNK_STARTS), attributes.ascending(semconv.CHUNK_ENDS)
    if not len(starts) or len(starts) != len(ends) or (ends < starts).any():
        got = f"{len(starts)} starts, {len(ends)} ends"
        raise attributes.wrong(semconv.CHUNK_STARTS, f"must go with {semconv.CHUNK_ENDS}, one or more", got)
    return Chunks(CHUNKED_BY[by], starts, ends)
