"""Any request of any sender → its records: within limits, and what cannot be read costs itself only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from driftline_processor.decode.logs import decode_logs
from driftline_processor.decode.metrics import decode_metrics, decode_usual_metrics
from driftline_processor.decode.otlp_values import Malformed
from driftline_processor.decode.traces import decode_traces
from driftline_processor.decode.wire_limits import ITEM_NAMES, PIECE, Item, OtlpSignal, joined, within_limits
from driftline_processor.limits import Limits
from driftline_processor.records import Batch, Rejection

DECODERS: Final[Mapping[OtlpSignal, Callable[[bytes, Limits, str], Batch]]] = {
    "traces": decode_traces,
    "metrics": decode_metrics,
    "logs": decode_logs,
}
"""The decoder of each signal's requests."""

_MAX_FAILURES: Final = 64
"""Parts of a request in which one unreadable item is searched for; each costs as much as reading them."""


class Decoded(NamedTuple):
    """The records of a request, and the bytes of what they were read from."""

    body: bytes
    batch: Batch


def decode_request(signal: OtlpSignal, data: bytes, limits: Limits, tenant: str = "") -> Decoded:
    """The records of a request of a tenant, as its credential has it.

    Raises:
        TooLarge: It exceeds a limit as a whole.
        Malformed: The bytes are no such request, or hold nothing that can be read.

    """
    if signal == "metrics" and len(data) <= PIECE:
        batch = decode_usual_metrics(data, limits, tenant)
        if batch is not None:
            return Decoded(data, batch)
    found = within_limits(signal, data, limits)
    reading = _Reading(signal, data, limits, tenant)
    whole = len(found.runs) <= 1 and not found.rejections
    for run in found.runs:
        reading.read(run, data if whole else joined(data, run))
    if reading.unreadable and not reading.bodies:
        raise reading.unreadable
    body = b"".join(reading.bodies) if found.rejections or reading.lost else data
    return Decoded(body, reading.batch(found.rejections))


@dataclass(slots=True)
class _Reading:
    """What has been read of a request."""

    signal: OtlpSignal
    data: bytes
    limits: Limits
    tenant: str
    bodies: list[bytes] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    failures: int = 0
    lost: int = 0
    unreadable: Malformed | None = None

    def read(self, items: Sequence[Item], body: bytes) -> None:
        """Reads a run of items; by halves where one of them cannot be read."""
        try:
            batch = DECODERS[self.signal](body, self.limits, self.tenant)
        except Malformed as error:
            self.failures, self.unreadable = self.failures + 1, error
            if len(items) == 1 or self.failures > _MAX_FAILURES:
                self.lost += len(items)
                return
            for half in (items[: len(items) // 2], items[len(items) // 2 :]):
                self.read(half, joined(self.data, half))
        else:
            self.bodies.append(body)
            self.batches.append(batch)

    def batch(self, rejections: tuple[Rejection, ...]) -> Batch:
        """All that was read, with what was left out or lost."""
        lost = (Rejection(self.lost, f"{ITEM_NAMES[self.signal]}: cannot be read"),) if self.lost else ()
        records = (record for batch in self.batches for record in batch.records)
        sketched = (rows for batch in self.batches for rows in batch.sketched)
        found = (each for batch in self.batches for each in batch.rejections)
        return Batch(tuple(records), (*rejections, *found, *lost), tuple(sketched))
