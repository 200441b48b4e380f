"""A request within its limits, before protobuf parses it: what is too large is left out, and long requests are split.

Parsed, two bytes can become a hundred. So a request is walked down to its items by the lengths in front of them, which
costs under a microsecond for each, and is parsed in pieces.
https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal, NamedTuple, TypeAlias

from driftline_processor.decode.otlp_values import Malformed, Rejections
from driftline_processor.limits import Limits
from driftline_processor.records import Rejection

OtlpSignal: TypeAlias = Literal["traces", "metrics", "logs"]

PIECE: Final = 4 << 20
"""Bytes parsed at once: 200 MB at most, if they are made for that."""

_SMALL: Final = 4_096
"""Bytes of a data point that is not looked into: it cannot hold much."""

_MOST_STEPS: Final = 500_000
"""Fields that are looked at, beside the items: a quarter of a second."""

_LEN: Final = 2
_FIXED: Final = {1: 8, 5: 4}  # wire type -> bytes
_LOW_BITS: Final = 0x7F
_MAX_VARINT_BITS: Final = 63

_DATA: Final = frozenset((5, 7, 9, 10, 11))  # gauge, sum, histogram, exponential histogram, summary
_EXPONENTIAL: Final = 10
_ATTRIBUTES: Final = {7: 7, _EXPONENTIAL: 1}  # of the points of sums and of exponential histograms
_SIDES: Final = (8, 9)  # of an exponential histogram's point
_COUNTS: Final = 2  # of a side
_MORE_TO_COME: Final = bytes(range(_LOW_BITS + 1, 256))  # bytes of a varint but its last one


class Level(NamedTuple):
    """A group of parts: what it is called in an answer, and the fields that hold its parts."""

    name: str
    parts: frozenset[int]


_REQUEST: Final = Level("request", frozenset((1,)))
_RESOURCE: Final = Level("resource", frozenset((2,)))
_SCOPE: Final = Level("scope", frozenset((2,)))
_LEVELS: Final = {
    "traces": (_REQUEST, _RESOURCE, _SCOPE),
    "logs": (_REQUEST, _RESOURCE, _SCOPE),
    "metrics": (_REQUEST, _RESOURCE, _SCOPE, Level("metric", _DATA), Level("metric", frozenset((1,)))),
}
ITEM_NAMES: Final = {"traces": "span", "metrics": "data point", "logs": "log record"}


class TooLarge(Exception):  # noqa: N818  (a property of the request)
    """The request as a whole exceeds a limit; sending it again cannot help."""


@dataclass(slots=True, eq=False)
class _Group:
    """A group within a request, the number of its field in the one around it, and the bounds of its content."""

    level: Level
    number: int
    start: int
    stop: int


class Item(NamedTuple):
    """An item, with its tag, and the groups around it, the outermost first."""

    groups: tuple[_Group, ...]
    start: int
    stop: int


class WithinLimits(NamedTuple):
    """The items of a request that may be parsed, in runs of some megabytes, and what was left out of it."""

    runs: Sequence[Sequence[Item]]
    rejections: tuple[Rejection, ...] = ()


def within_limits(signal: OtlpSignal, data: bytes, limits: Limits) -> WithinLimits:
    """Leaves out the items that exceed a limit, and splits what is long.

    Args:
        signal: Of which the request is.
        data: Its bytes.
        limits: For each of its parts.

    Raises:
        TooLarge: The request has more parts than it may.
        Malformed: The bytes are no request.

    """
    if len(data) > limits.request:
        raise TooLarge(f"request: must have at most {limits.request} bytes uncompressed (got {len(data)})")
    walk = _Walk(signal, data, limits)
    try:
        walk.group((), 0, len(data))
    except IndexError:
        raise Malformed(f"not the bytes of one ServiceRequest of {signal} ({len(data)} bytes)") from None
    return WithinLimits(list(_split(walk.items)), walk.rejections.total())


@dataclass(slots=True)
class _Walk:
    """The items of a request that may stay, and what was left out."""

    signal: OtlpSignal
    data: bytes
    limits: Limits
    items: list[Item] = field(default_factory=list)
    rejections: Rejections = field(default_factory=Rejections)
    groups: int = 0
    steps: int = 0

    def group(self, groups: tuple[_Group, ...], start: int, stop: int) -> None:
        """Adds the items of a group. Raises IndexError where it is no message, and TooLarge."""
        levels = _LEVELS[self.signal]
        level, inner = levels[len(groups)], levels[len(groups) + 1 :]
        begin, head = len(self.items), 0
        for number, tag, at, end in fields(self.data, start, stop):
            if number not in level.parts:
                head += end - tag
                self._step()
            elif inner:
                self._count_group()
                self.group((*groups, _Group(inner[0], number, at, end)), at, end)
            elif len(self.items) >= self.limits.items:
                raise TooLarge(f"request: must have at most {self.limits.items} items (got more)")
            elif end - at > _SMALL and (wrong := self._error(groups[-1].number, at, end)):
                self.rejections.add(f"{ITEM_NAMES[self.signal]}: {wrong}")
            else:
                self.items.append(Item(groups, tag, end))
        if head > self.limits.attributes and groups:
            self._drop(begin, f"{level.name}: must have at most {self.limits.attributes} bytes (got {head})")

    def _count_group(self) -> None:
        self.groups += 1
        if self.groups > self.limits.groups:
            raise TooLarge(f"request: must have at most {self.limits.groups} resources, scopes and metrics (got more)")

    def _step(self) -> None:
        """Bounds the time that a walk takes."""
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise TooLarge(f"request: must have at most {_MOST_STEPS} fields in long items and beside items (got more)")

    def _error(self, data: int, start: int, stop: int) -> str:
        """The limit that a long item exceeds. data: the field of its metric that it is in."""
        if stop - start > self.limits.item:
            return f"must have at most {self.limits.item} bytes (got {stop - start})"
        attributes = buckets = 0
        points = self.signal == "metrics"
        for count, (number, tag, at, end) in enumerate(fields(self.data, start, stop)):
            if count >= self.limits.fields:
                return f"must have at most {self.limits.fields} attributes, exemplars and other fields (got more)"
            self._step()
            if points and number == _ATTRIBUTES.get(data):
                attributes += end - tag
            elif points and data == _EXPONENTIAL and number in _SIDES:
                buckets += self._buckets(at, end)
        if attributes > self.limits.attributes:
            return f"must have at most {self.limits.attributes} bytes of attributes (got {attributes})"
        if buckets > self.limits.buckets:
            return f"must have at most {self.limits.buckets} buckets (got {buckets})"
        return ""

    def _buckets(self, start: int, stop: int) -> int:
        """The counts in a side: a field of packed varints, the last byte of each below 128."""
        buckets = 0
        for number, _, at, end in fields(self.data, start, stop):
            self._step()
            if number == _COUNTS:
                buckets += len(self.data[at:end].translate(None, _MORE_TO_COME))
        return buckets

    def _drop(self, begin: int, reason: str) -> None:
        if len(self.items) > begin:
            self.rejections.add(reason, len(self.items) - begin)
            del self.items[begin:]


def _split(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Runs of items with PIECE bytes at most; a longer item is a run of its own."""
    begin = size = 0
    for number, item in enumerate(items):
        size += item.stop - item.start
        if size > PIECE and number > begin:
            yield items[begin:number]
            begin, size = number, item.stop - item.start
    if items:
        yield items[begin:]


def joined(data: bytes, items: Sequence[Item], depth: int = 0) -> bytes:
    """The items of a group, within what the groups inside it say beside their items."""
    parts: list[bytes] = []
    for group, held in groupby(items, lambda item: item.groups[depth] if depth < len(item.groups) else None):
        if group is None:
            parts += [data[item.start : item.stop] for item in held]
        else:
            content = _head(data, group) + joined(data, tuple(held), depth + 1)
            parts.append(tagged(group.number, content))
    return b"".join(parts)


def _head(data: bytes, group: _Group) -> bytes:
    found = fields(data, group.start, group.stop)
    return b"".join(data[tag:end] for number, tag, _, end in found if number not in group.level.parts)


def tagged(number: int, content: bytes) -> bytes:
    """A field with its tag and length; number: at most 15."""
    return bytes([number << 3 | _LEN]) + _varint_bytes(len(content)) + content


def _varint_bytes(value: int) -> bytes:
    digits = []
    while value > _LOW_BITS:
        digits.append(value & _LOW_BITS | (_LOW_BITS + 1))
        value >>= 7
    return bytes([*digits, value])


def fields(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """The fields of a message: number, where its tag starts, and the bounds of its content.

    The number of a field that has no length in front of it is negative. Raises IndexError where it ends too early.
    """
    while at < stop:
        start = at
        tag = data[at]
        at += 1
        if tag > _LOW_BITS:
            tag, at = _varint(data, start)
        if tag & 7 == _LEN:
            size = data[at]
            at += 1
            if size > _LOW_BITS:
                size, at = _varint(data, at - 1)
            end, number = at + size, tag >> 3
        else:
            end, number = _end(data, tag & 7, at), -(tag >> 3)
        if end > stop:
            raise IndexError
        yield number, start, at, end
        at = end


def _end(data: bytes, wire: int, at: int) -> int:
    if wire == 0:
        return _varint(data, at)[1]
    if wire not in _FIXED:
        raise IndexError
    return at + _FIXED[wire]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Its value, and where it ends."""
    value = shift = 0
    while shift <= _MAX_VARINT_BITS:
        byte = data[at]
        at += 1
        value |= (byte & _LOW_BITS) << shift
        if byte <= _LOW_BITS:
            return value, at
        shift += 7
    raise IndexError
