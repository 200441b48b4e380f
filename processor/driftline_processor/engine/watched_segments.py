"""The segments of one model: the monitor that judges them, and what of it a snapshot keeps."""

from dataclasses import dataclass
from typing import Any

from driftline_processor.monitors.segments import memory
from driftline_processor.monitors.segments.monitor import Memory, SegmentMonitor


@dataclass(slots=True)
class WatchedSegments:
    """reference, columns: what the monitor is made for. windows: with rows, since it began.

    monitor: None after a restart until rows come; then it goes on with `memory`.
    """

    reference: str
    columns: frozenset[str]
    monitor: SegmentMonitor | None = None
    windows: int = 0
    memory: Memory | None = None


def pack(watched: WatchedSegments) -> dict[str, Any]:
    """Plain values for MessagePack."""
    held = watched.memory if watched.monitor is None else watched.monitor.memory
    return {
        "reference": watched.reference,
        "columns": sorted(watched.columns),
        "windows": watched.windows,
        "memory": None if held is None else memory.pack(held),
    }


def unpack(packed: Any) -> WatchedSegments:
    """The inverse of `pack`, without the monitor."""
    held = None if packed["memory"] is None else memory.unpack(packed["memory"])
    return WatchedSegments(packed["reference"], frozenset(packed["columns"]), None, packed["windows"], held)
