"""References that come over OTLP, put together again: the Collector may split one anywhere, and send parts twice."""

from collections.abc import Mapping
from typing import Final

from driftline.reference.errors import InvalidReference
from driftline_processor.decode import Malformed, decode_metrics
from driftline_processor.records import ReferencePart

MAX_INCOMPLETE: Final = 100
"""References that may be waiting for points; past them, the one that has waited longest is forgotten."""


class Assembly:
    """The points of each reference, by their digest."""

    def __init__(self) -> None:
        self._points: dict[str, dict[bytes, bytes]] = {}
        self._expected: dict[str, int] = {}
        self._complete: set[str] = set()

    def restore(self, identity: str, points: Mapping[bytes, bytes]) -> None:
        """Adds points that were stored; how many a reference has stands in each of them.

        Raises:
            InvalidReference: They are not as they were stored.

        """
        try:
            parts = [part for body in points.values() for part in decode_metrics(body).records]
        except Malformed as error:
            raise InvalidReference(f"damaged: {error}") from None
        expected = {part.expected for part in parts if isinstance(part, ReferencePart)}
        if len(expected) != 1:
            raise InvalidReference(f"damaged: must say once how many points it has (got {sorted(expected)})")
        self.add(ReferencePart(identity, expected.pop(), points))

    def new(self, part: ReferencePart) -> dict[bytes, bytes]:
        """The points of a part that are not here yet."""
        known = self._points.get(part.id, {})
        return {digest: body for digest, body in part.points.items() if digest not in known}

    def add(self, part: ReferencePart) -> bool:
        """Adds a part. True when with it a reference has become complete."""
        self._points.setdefault(part.id, {}).update(part.points)
        self._expected[part.id] = part.expected
        if part.id in self._complete or len(self._points[part.id]) < part.expected:
            return False
        self._complete.add(part.id)
        return True

    def complete(self) -> tuple[str, ...]:
        """The ids of the references that are whole, in the order in which they became so."""
        return tuple(identity for identity in self._points if identity in self._complete)

    def body(self, identity: str) -> bytes:
        """A reference as one request: each point is a MetricsData, and joined messages are one message."""
        points = self._points[identity]
        return b"".join(points[digest] for digest in sorted(points))

    def drop(self, identity: str) -> None:
        self._points.pop(identity, None)
        self._expected.pop(identity, None)
        self._complete.discard(identity)

    def surplus(self) -> tuple[str, ...]:
        """The incomplete references that are too many, the oldest first."""
        waiting = [identity for identity in self._points if identity not in self._complete]
        return tuple(waiting[: max(len(waiting) - MAX_INCOMPLETE, 0)])
