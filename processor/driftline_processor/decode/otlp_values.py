"""What all signals share: parsing, the reading of attribute values, and the counting of what cannot be used."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from driftline import semconv
from driftline.sketch import hashed, otlp
from driftline.sketch.values import LONGEST_NAME
from driftline_processor.limits import Limits
from driftline_processor.records import Rejection, Scalar

MAX_TIME: Final = (1 << 63) - 1
"""Nanoseconds since 1970 that fit a signed integer: until the year 2262."""

_MAX_REASONS: Final = 50

_RESOURCE: Final[Mapping[str, str]] = {
    semconv.SERVICE_NAME: semconv.SERVICE_NAME,
    semconv.SERVICE_NAMESPACE: semconv.SERVICE_NAMESPACE,
    semconv.ENVIRONMENT_NAME: semconv.ENVIRONMENT_NAME,
    "deployment.environment": semconv.ENVIRONMENT_NAME,  # its name until semantic conventions 1.27
}

_M = TypeVar("_M", bound=Message)


class Malformed(ValueError):  # noqa: N818  (a state of the bytes, and the one error that they can cause)
    """The bytes are no request of this signal; sending them again cannot help."""


def parsed(kind: type[_M], data: bytes) -> _M:
    """The message in `data`. Raises Malformed."""
    try:
        message: _M = kind.FromString(data)
    except DecodeError:
        raise Malformed(f"not the bytes of one {kind.__name__} ({len(data)} bytes)") from None
    return message


def scalar(value: AnyValue) -> Scalar:
    """The scalar in an AnyValue; None for NaN too, which stands for a missing value."""
    found = otlp.scalar(value)
    return None if found != found else found  # noqa: PLR0124  (NaN alone differs from itself)


def short_text(value: Scalar) -> Scalar:
    """The value; for a long text the name that sketches and references give it."""
    return hashed(value) if isinstance(value, str) and len(value) > LONGEST_NAME else value


def label(value: AnyValue) -> str | None:
    """An AnyValue as the text of a label; None if it is no scalar."""
    plain = scalar(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    return None if plain is None else str(plain)


def labels(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Attributes as text, without those that are no scalars. Of a key that comes twice, the last one holds."""
    return {pair.key: text for pair in attributes if (text := label(pair.value)) is not None}


def kept_resource(resource: Mapping[str, str], tenant: str = "") -> tuple[tuple[str, str], ...]:
    """What results keep of the resource they come from, and whose it is, as sorted pairs.

    The tenant is no attribute that a sender could give itself: no name in _RESOURCE stands for it.
    """
    kept: dict[str, str] = {}
    for key, name in _RESOURCE.items():
        if resource.get(key):
            kept.setdefault(name, resource[key])
    if tenant:
        kept[semconv.TENANT_NAME] = tenant
    return tuple(sorted(kept.items()))


def resource_error(resource: Iterable[tuple[str, str]], limits: Limits) -> str | None:
    """The limit that one of the attributes exceeds that results keep."""
    for key, value in resource:
        if len(value) > limits.name:
            return f"resource: {key} must have at most {limits.name} characters (got {len(value)})"
    return None


class Rejections:
    """Counts items that cannot be used, by reason; past some reasons, all others together."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, reason: str, items: int = 1) -> None:
        known = reason in self._counts or len(self._counts) < _MAX_REASONS
        self._counts[reason if known else "further reasons"] += items

    def total(self) -> tuple[Rejection, ...]:
        return tuple(Rejection(items, reason) for reason, items in self._counts.items())
