"""Row batches on their way to a backend that may be away: thinned rather than dropped, and never sent twice as two.

A backend may have stored what it answered with a failure. So a batch that was tried keeps its id and may only be
thinned: either version is right by its own threshold. Only batches that were never tried are merged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from driftline.rows.batch import RowBatch
from driftline.rows.body import MAX_BODY, encode_table, encode_tables
from driftline.rows.sampling import thinned_to
from driftline.rows.table import RowTable

MOST_WAITING: Final = 1 << 20
"""Bytes of the bodies that wait once an attempt has failed."""

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 300.0
"""Seconds between attempts: an endpoint may never take logs."""


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """A batch as it is sent. identity: attributes of the model and operation."""

    identity: Mapping[str, Any]
    batch: RowBatch
    body: bytes
    tried: bool = False

    def thinned(self, share: float) -> "Parcel":
        """With about this share of its rows."""
        batch = self.batch.thinned(thinned_to(self.batch.threshold, share))
        if not len(batch.table):
            batch = replace(batch, table=RowTable.empty())
        return replace(self, batch=batch, body=encode_table(batch.table))


class RowOutbox:
    """What has not been sent yet, the oldest first. For one thread."""

    def __init__(self, uid: Callable[[], str]) -> None:
        """uid: makes the id of a batch."""
        self._uid = uid
        self._waiting: list[Parcel] = []
        self._failures = 0
        self._next = 0.0

    @property
    def waiting(self) -> int:
        """Bytes of the bodies that wait."""
        return sum(len(parcel.body) for parcel in self._waiting)

    def is_due(self, now: float) -> bool:
        """Whether the pause after the last failure is over. now: seconds."""
        return now >= self._next

    def put(self, batches: Iterable[tuple[Mapping[str, Any], RowBatch]]) -> None:
        """Add the batches of an interval; while the backend is away, to those that wait."""
        for identity, batch in batches:
            if self._failures:
                self._merge(identity, batch)
            else:
                self._waiting += self._parcels(identity, batch)
        if self._failures:
            self._thin()

    def _merge(self, identity: Mapping[str, Any], batch: RowBatch) -> None:
        reference = batch.reference
        alike = [
            parcel
            for parcel in self._waiting
            if not parcel.tried and parcel.identity == identity and parcel.batch.reference == reference
        ]
        self._waiting = [parcel for parcel in self._waiting if parcel not in alike]
        self._waiting += self._parcels(identity, _merged([*(parcel.batch for parcel in alike), batch]))

    def _parcels(self, identity: Mapping[str, Any], batch: RowBatch) -> list[Parcel]:
        """Cut to size. All rows that were seen count in the first part."""
        parts = list(encode_tables(batch.table))
        batches = [
            replace(batch, table=table, seen=0 if number else batch.seen, uid=self._uid() if number else batch.uid)
            for number, (table, _) in enumerate(parts)
        ]
        return [Parcel(identity, each, body) for each, (_, body) in zip(batches, parts, strict=True)]

    def _thin(self) -> None:
        while (held := self.waiting) > MOST_WAITING and any(len(parcel.batch.table) for parcel in self._waiting):
            self._waiting = [parcel.thinned(0.8 * MOST_WAITING / held) for parcel in self._waiting]

    def send(self, export: Callable[[Sequence[Parcel]], bool], now: float) -> bool:
        """Send all that waits, in requests of about MAX_BODY bytes; whether all arrived. now: seconds.

        After a failure one batch goes ahead: the others stay free to be merged.
        """
        while self._waiting:
            count = 1 if self._failures else _request(self._waiting)
            tried = [replace(parcel, tried=True) for parcel in self._waiting[:count]]
            self._waiting[:count] = tried
            if not export(tried):
                self._failures += 1
                self._next = now + min(_FIRST_PAUSE * 2 ** (self._failures - 1), _LONGEST_PAUSE)
                self._thin()
                return False
            del self._waiting[:count]
            self._failures, self._next = 0, 0.0
        return True


def _request(parcels: Sequence[Parcel]) -> int:
    """How many parcels go into the next request: at least one."""
    size = 0
    for count, parcel in enumerate(parcels):
        size += len(parcel.body)
        if count and size > MAX_BODY:
            return count
    return len(parcels)


def _merged(batches: Sequence[RowBatch]) -> RowBatch:
    """Batches of one model and operation as one, at the greatest of their thresholds. The last one gives the id."""
    threshold = max(batch.threshold for batch in batches)
    return replace(
        batches[-1],
        threshold=threshold,
        seen=sum(batch.seen for batch in batches),
        table=RowTable.joined([batch.thinned(threshold).table for batch in batches]),
        first=min(batch.first for batch in batches),
        last=max(batch.last for batch in batches),
    )
