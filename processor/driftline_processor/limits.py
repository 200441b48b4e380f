"""What one sender may send and keep, as one table; its keys and meanings are those of `limits` in processor.yaml."""

import sys
from dataclasses import dataclass, fields
from typing import Final

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds. Sizes in bytes are of OTLP's encoding, without compression.

    request: bytes of a request. groups: resources, scopes and metrics of a request; items: its spans, data points or
    log records. item: bytes of one. fields: attributes, exemplars and others of one. attributes: bytes of a resource,
    of a scope, of a metric without its points, and of the attributes of a point. buckets: of an exponential histogram,
    empty ones included. name: characters of a name, or of a category of a data point. value: characters of a text in
    a span. references: bytes of all references received. models, columns: of all services together; one may have as
    many as are left for all others.
    """

    request: int = 64 * MIB
    groups: int = 20_000
    items: int = 250_000
    item: int = 8 * MIB
    fields: int = 20_000
    attributes: int = 64 << 10
    buckets: int = 8_192
    name: int = 1_024
    value: int = 64 << 10
    references: int = 512 * MIB
    models: int = 10_000
    columns: int = 200_000


LIMITS: Final = Limits()
"""The defaults."""

UNBOUNDED: Final = Limits(*[sys.maxsize] * len(fields(Limits)))
"""For what has been accepted once."""
