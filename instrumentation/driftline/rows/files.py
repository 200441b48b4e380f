"""Row batches in files that the Collector's `file` exporter has written, as JSON or protobuf."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from driftline.rows.otlp import SentBatch, is_batch, read_batch

_LENGTH: Final = 4
"""Bytes in front of each request in a file of protobuf: its length, big-endian."""


class UnreadableFile(ValueError):  # noqa: N818  (says what is wrong, as the others)
    """A file that holds no log requests."""


def read_file(path: Path) -> Iterator[SentBatch | str]:
    """The row batches in a file, each once, and of those that are damaged the reason.

    Raises:
        OSError: it cannot be opened.
        UnreadableFile: it is neither OTLP JSON, a request a line, nor protobuf with lengths.

    """
    known: set[str] = set()
    for record in filter(is_batch, log_records(path)):
        found = _read(record)
        if isinstance(found, str):
            yield found
        elif found.batch.uid not in known:
            known.add(found.batch.uid)
            yield found


def log_records(path: Path) -> Iterator[Any]:
    """All log records (protobuf) in a file. Raises as `read_file` does."""
    for request in _requests(path.read_bytes()):
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                yield from scope.log_records


def _read(record: Any) -> SentBatch | str:
    try:
        return read_batch(record)
    except ValueError as error:
        return str(error)


def _requests(data: bytes) -> Iterator[ExportLogsServiceRequest]:
    if data.lstrip()[:1] == b"{":
        yield from map(_from_json, _documents(data))
    else:
        yield from _from_protobuf(data)


def _documents(data: bytes) -> Iterator[Any]:
    """JSON documents, one after the other: a line each, or over several lines."""
    text, decoder, at = data.decode(errors="replace"), json.JSONDecoder(), 0
    while at < len(text):
        try:
            document, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise UnreadableFile(f"must be OTLP JSON ({error})") from None
        yield document
        while at < len(text) and text[at].isspace():
            at += 1


def _from_json(document: Any) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    try:
        json_format.ParseDict(document, request, ignore_unknown_fields=True)
    except (json_format.ParseError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableFile(f"must be OTLP JSON ({' '.join(str(error).split())})") from None
    return request


def _from_protobuf(data: bytes) -> Iterator[ExportLogsServiceRequest]:
    at = 0
    while at < len(data):
        start = at + _LENGTH
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise UnreadableFile(f"must be protobuf, each request after its length (cut off at byte {start})")
        try:
            yield ExportLogsServiceRequest.FromString(data[start:at])
        except DecodeError as error:
            raise UnreadableFile(f"must be protobuf, each request after its length ({error})") from None
