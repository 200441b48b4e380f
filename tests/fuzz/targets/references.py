"""A training profile, as a file of JSON or as it comes over OTLP: a reference, or InvalidReference with its reason."""

from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

from google.protobuf.message import DecodeError
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

from driftline_processor.reference import InvalidReference, read_reference
from driftline_processor.reference.read import read_file


def enter(data: bytes) -> None:
    path = Path(gettempdir()) / "fuzzed.reference.json"
    path.write_bytes(data)
    with suppress(InvalidReference):
        read_file(path)
    with suppress(InvalidReference, DecodeError):
        read_reference(MetricsData.FromString(data))
