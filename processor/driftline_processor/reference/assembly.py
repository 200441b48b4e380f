"""References that come over OTLP, put together again: the Collector may split one anywhere, and send parts twice."""

from collections.abc import Mapping
from dataclasses import replace
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
        self._sizes: dict[str, tuple[str, int]] = {}  # key -> service and bytes

    def restore(self, identity: str, points: Mapping[bytes, bytes]) -> None:
        """Adds points that were stored; how many a reference has stands in each of them.

        Raises:
            InvalidReference: They are not as they were stored.

        """
        try:
            parts = [part for body in points.values() for part in decode_metrics(body).records]
        except Malformed as error:
            raise InvalidReference(f"damaged: {error}") from None
        found = [part for part in parts if isinstance(part, ReferencePart)]
        expected = {part.expected for part in found}
        if len(expected) != 1:
            raise InvalidReference(f"damaged: must say once how many points it has (got {sorted(expected)})")
        service = "" if identity == found[0].id else found[0].service  # before, no sender was part of the key
        self.add(replace(found[0], points=points, service=service))

    def new(self, part: ReferencePart) -> dict[bytes, bytes]:
        """The points of a part that are not here yet."""
        known = self._points.get(part.key, {})
        if part.key in self._complete or part.expected != self._expected.get(part.key, part.expected):
            return {}
        return {digest: body for digest, body in part.points.items() if digest not in known}

    def is_complete(self, part: ReferencePart) -> bool:
        """Whether its reference is here as a whole."""
        return part.key in self._complete

    def stray(self, part: ReferencePart) -> str | None:
        """Why a part is none of the reference that it says it is of, if so."""
        expected = self._expected.get(part.key, part.expected)
        if part.expected != expected:
            return f"must say {expected} points, as before (got {part.expected})"
        if self.is_complete(part) and not self._points[part.key].keys() >= part.points.keys():
            return f"must have no more than its {expected} points (got another one)"
        return None

    def used(self, service: str | None = None) -> int:
        """Bytes of all points that are here, or of those of one service."""
        return sum(size for key, (sender, size) in self._sizes.items() if service in (None, sender))

    def add(self, part: ReferencePart) -> bool:
        """Adds a part. True when with it a reference has become complete."""
        new = self.new(part)
        self._points.setdefault(part.key, {}).update(new)
        held = self._sizes.get(part.key, (part.service, 0))[1]
        self._sizes[part.key] = part.service, held + sum(map(len, new.values()))
        self._expected.setdefault(part.key, part.expected)
        if part.key in self._complete or len(self._points[part.key]) < part.expected:
            return False
        self._complete.add(part.key)
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
        self._sizes.pop(identity, None)
        self._complete.discard(identity)

    def surplus(self) -> tuple[str, ...]:
        """The incomplete references that are too many: of the service with the most of them, the oldest first."""
        waiting: dict[str, list[str]] = {}
        for key in self._points:
            if key not in self._complete:
                waiting.setdefault(self._sizes[key][0], []).append(key)
        too_many = sum(map(len, waiting.values())) - MAX_INCOMPLETE
        return tuple(max(waiting.values(), key=len).pop(0) for _ in range(too_many))
