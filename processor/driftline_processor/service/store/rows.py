"""The rows of a store as the rest of the service sees them, and the checksums that tell whether they are whole."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple, get_args
from zlib import crc32

from driftline_processor.decode import OtlpSignal
from driftline_processor.records import ModelKey


class JournalEntry(NamedTuple):
    """A request as received: time (Unix nanoseconds), signal, bytes, and the tenant who sent it."""

    received: int
    signal: OtlpSignal
    body: bytes
    tenant: str = ""


class Snapshot(NamedTuple):
    """The saved state of a model of that name and version, and of that tenant."""

    model: str
    body: bytes
    tenant: str = ""


class ReferenceKey(NamedTuple):
    """The tenant that sent a reference, and its id."""

    tenant: str
    id: str


class StepChanges(NamedTuple):
    """Of the history of a model: the ends of steps that are gone, and the bytes of new ones, by their ends."""

    gone: tuple[int, ...]
    added: Mapping[int, bytes]


class Damaged(NamedTuple):
    """A row that is not as it was written. what: a request, or the state of a model."""

    what: str
    body: bytes

    @classmethod
    def request(cls, body: object) -> "Damaged":
        return cls("a request in the journal", _as_bytes(body))

    @classmethod
    def state(cls, model: str, body: object) -> "Damaged":
        return cls(f"the state of model {model}, which begins anew", _as_bytes(body))


def read_entry(entry: JournalEntry, found: int | None) -> JournalEntry | Damaged:
    """The entry, if its checksum is the one found; there is none where schema 1 wrote it."""
    whole = entry.signal in get_args(OtlpSignal) and found in (None, checksum(*entry))
    return entry if whole else Damaged.request(entry.body)


def read_snapshot(names: str, body: bytes, tenant: str, found: int | None) -> Snapshot | Damaged:
    """The snapshot, if its checksum is the one found, as with an entry."""
    model = _name_and_version(names)
    whole = found in (None, checksum(names, body, tenant))
    return Snapshot(model, body, tenant) if whole else Damaged.state(model, body)


def checksum(*parts: object) -> int:
    """CRC-32 of a row: it finds accidents, not attackers."""
    total = 0
    for part in parts:
        total = crc32(_as_bytes(part), total)
    return total


def model_names(model: ModelKey) -> str:
    """A model's key as JSON in ASCII, field by field; it is stored, and its digest is the snapshot's primary key."""
    return json.dumps([model.name, model.version, [list(pair) for pair in model.resource]])


def model_digest(model: ModelKey) -> str:
    """A primary key of fixed length; names may be arbitrarily long."""
    return blake2b(model_names(model).encode(), digest_size=16).hexdigest()


def _name_and_version(names: object) -> str:
    """Of what `model_names` made; as it is where it is damaged."""
    try:
        name, version, _ = json.loads(str(names))
    except ValueError:
        return str(names)
    return f"{name} {version}".rstrip()


def _as_bytes(part: object) -> bytes:
    return part if isinstance(part, bytes) else str(part).encode(errors="replace")
