"""Ids: digests of explicit fields, identical on every machine and in every version.

All ids on the wire and in stores are made here. Each field is prefixed with its length, so that different lists of
fields never encode to the same bytes.
"""

from hashlib import blake2b
from typing import TypeAlias

DigestField: TypeAlias = str | bytes | int | float
"""Strings encode as UTF-8 (with lone surrogates), integers as decimal, floats as C99 hexadecimal."""


def digest(*fields: DigestField, size: int = 16) -> bytes:
    """The BLAKE2b digest of the fields, `size` bytes long.

    >>> digest("age", 1, 2.5, size=4).hex()
    '1c0aa553'
    """
    hashed = blake2b(digest_size=size)
    for field in fields:
        encoded = _encoded(field)
        hashed.update(len(encoded).to_bytes(8, "big"))
        hashed.update(encoded)
    return hashed.digest()


def _encoded(field: DigestField) -> bytes:
    if isinstance(field, bytes):
        return field
    if isinstance(field, float):
        return field.hex().encode()
    return str(field).encode("utf-8", "surrogatepass")
