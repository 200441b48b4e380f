"""Identities: digests of explicit fields, the same on every machine and in every version.

Whatever names something on the wire or in a store comes from here. A field's length goes before its bytes, so that no
two lists of fields give the same bytes.
"""

from hashlib import blake2b
from typing import TypeAlias

DigestField: TypeAlias = str | bytes | int | float
"""Text as UTF-8 (lone surrogates kept), whole numbers in decimal, other numbers as C99 hexadecimal floats."""


def digest(*fields: DigestField, size: int = 16) -> bytes:
    """The BLAKE2b digest of the fields, in `size` bytes.

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
