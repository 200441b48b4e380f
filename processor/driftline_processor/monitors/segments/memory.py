"""What a monitor has found, as plain values and back: a restart neither reopens nor forgets it."""

from typing import Any

from driftline_processor.monitors.segments.candidate import Candidate, Counted, Told
from driftline_processor.monitors.segments.monitor import Finding, Memory


def pack(memory: Memory) -> dict[str, Any]:
    """Plain values for MessagePack."""
    return {
        "windows": memory.windows,
        "open": [_packed(each) for each in memory.open],
        "undated": [_packed(each) for each in memory.undated],
        "pending": [(*key, last) for key, last in memory.pending.items()],
        "more": memory.more,
    }


def unpack(packed: Any) -> Memory:
    """The inverse of `pack`."""
    return Memory(
        packed["windows"],
        tuple(_unpacked(each) for each in packed["open"]),
        tuple(_unpacked(each) for each in packed["undated"]),
        {(family, measure, cell, aspect): last for family, measure, cell, aspect, last in packed["pending"]},
        packed["more"],
    )


def _packed(finding: Finding) -> dict[str, Any]:
    found = finding.candidate
    return {
        "finding": (finding.opened, finding.level, finding.dated),
        "what": (found.kind, found.measure, found.cell, found.aspect, found.codes),
        "evidence": (found.strict, found.score, found.harm, tuple(found.counted)),
        "told": (found.rows, found.share, found.reference_share, tuple(found.told)),
    }


def _unpacked(packed: Any) -> Finding:
    kind, measure, cell, aspect, (low, high) = packed["what"]
    strict, score, harm, counted = packed["evidence"]
    rows, share, reference_share, told = packed["told"]
    candidate = Candidate(
        kind,
        measure,
        cell,
        strict,
        score,
        Counted(*counted),
        rows,
        share,
        reference_share,
        Told(*told),
        harm,
        aspect,
        (low, high),
    )
    opened, level, dated = packed["finding"]
    return Finding(candidate, opened, level, dated)
