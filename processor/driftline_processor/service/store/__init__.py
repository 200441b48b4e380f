"""The only place that writes to disk: a journal of requests, snapshots of the state, and references received over OTLP.

Every acknowledged request is in the journal. A restart restores the snapshots and replays the journal. Saving
snapshots and truncating the journal are one transaction, so every request is in exactly one of the two. Each row has a
checksum: a damaged one costs that request or that model, and nothing else. One processor at a time owns a store.
"""

from driftline_processor.service.store.errors import StoreError, TakenOverError, UnstorableError
from driftline_processor.service.store.rows import Damaged, JournalEntry, ReferenceKey, Snapshot, StepChanges
from driftline_processor.service.store.store import Store

__all__ = [
    "Damaged",
    "JournalEntry",
    "ReferenceKey",
    "Snapshot",
    "StepChanges",
    "Store",
    "StoreError",
    "TakenOverError",
    "UnstorableError",
]
