"""Compressed requests: inflated here, up to the limit of a request, once there is room for them."""

import zlib
from collections.abc import Callable
from typing import Any, Final

import grpc

from driftline_processor.decode import Malformed, TooLarge

_EITHER: Final = 32 + zlib.MAX_WBITS  # gzip or zlib, by the header
_GZIP: Final = b"\x1f\x8b"
_ZLIB: Final = b"\x78"
_SMALL: Final = 1 << 16
"""Bytes of a question about health."""


def inflated(data: bytes, most: int) -> bytes:
    """The bytes of a request as the decoder reads it.

    No request of OTLP begins like a compressed one: 0x1f is no valid tag of a field, and 0x78 is that of a 15th one.

    Args:
        data: As it was sent.
        most: Bytes that it may have.

    Raises:
        TooLarge: It has more.
        Malformed: The compression is damaged.

    """
    if not data.startswith((_GZIP, _ZLIB)):
        return data
    inflater = zlib.decompressobj(_EITHER)
    try:
        found = inflater.decompress(data, most + 1)
    except zlib.error as error:
        raise Malformed(f"request: must be compressed by gzip or deflate ({error})") from None
    if len(found) > most:
        raise TooLarge(f"request: must have at most {most} bytes uncompressed (got more, in {len(data)} compressed)")
    if not inflater.eof or inflater.unused_data:
        raise Malformed("request: must be compressed by gzip or deflate (ends too early or too late)")
    return found


def beginning(data: bytes, size: int) -> bytes:
    """The first bytes of a request, inflated; none where they cannot be."""
    if not data.startswith((_GZIP, _ZLIB)):
        return data[:size]
    try:
        return zlib.decompressobj(_EITHER).decompress(data[:size], size)
    except zlib.error:
        return b""


class Inflating(grpc.ServerInterceptor):  # type: ignore[misc]
    """Inflates the messages of methods that have a deserializer: gRPC leaves that to us."""

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """As of `grpc.ServerInterceptor`."""
        handler = continuation(handler_call_details)
        if handler is None or handler.request_deserializer is None:
            return handler
        read = handler.request_deserializer
        return handler._replace(request_deserializer=lambda data: read(inflated(data, _SMALL)))
