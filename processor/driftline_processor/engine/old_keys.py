"""The keys of spans and delta points whose windows have been judged, in eight bytes each: they may still come again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_OLD_KEYS: Final = 4_000_000
"""Of a model; of two million one is taken for another in one of ten million models."""

_BYTES: Final = 8


class KeyChunk(NamedTuple):
    """Keys of some time. first, last: the earliest and the latest event time. digests: sorted."""

    first: int
    last: int
    digests: NDArray[np.uint64]


@dataclass(slots=True)
class OldKeys:
    """Of one model. until: keys of event times up to here are here."""

    until: int = 0
    chunks: list[KeyChunk] = field(default_factory=list)

    def take(self, keys: Mapping[bytes, int], until: int) -> dict[bytes, int]:
        """Takes the keys up to this event time from those in use; returns the others."""
        self.until = max(self.until, until)
        old = {key: time for key, time in keys.items() if time <= until}
        if not old:
            return dict(keys)
        times = old.values()
        self.chunks.append(KeyChunk(min(times), max(times), np.sort(_digests(old))))
        return {key: time for key, time in keys.items() if time > until}

    def knows(self, key: bytes, time: int) -> bool:
        """Whether a key of this event time is here."""
        if time > self.until:
            return False
        (digest,) = _digests((key,))
        return any(chunk.first <= time <= chunk.last and _is_in(digest, chunk.digests) for chunk in self.chunks)

    def forget(self, closed: int) -> int:
        """Drops keys of event times up to `closed`, and the oldest beyond MAX_OLD_KEYS; returns up to when it did."""
        self.chunks = [chunk for chunk in self.chunks if chunk.last > closed]
        while sum(len(chunk.digests) for chunk in self.chunks) > MAX_OLD_KEYS:
            closed = max(closed, self.chunks.pop(0).last)
        return closed


def _digests(keys: Iterable[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(blake2b(key, digest_size=_BYTES).digest() for key in keys), "<u8")


def _is_in(digest: np.uint64, digests: NDArray[np.uint64]) -> bool:
    at = int(np.searchsorted(digests, digest))
    return at < len(digests) and bool(digests[at] == digest)


def pack(keys: OldKeys) -> tuple[Any, ...]:
    """Plain values that MessagePack knows."""
    return keys.until, [(first, last, digests.astype("<u8").tobytes()) for first, last, digests in keys.chunks]


def unpack(packed: tuple[Any, ...]) -> OldKeys:
    until, chunks = packed
    return OldKeys(until, [KeyChunk(first, last, np.frombuffer(digests, "<u8")) for first, last, digests in chunks])
