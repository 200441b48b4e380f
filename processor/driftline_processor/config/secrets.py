"""URLs as they may be shown: in logs, errors, `--check` and the status."""

import re
from typing import Final

MASK: Final = "***"

_PASSWORD: Final = re.compile(r"(://[^:/@?#]*):[^@]*@")
_PARAMETER: Final = re.compile(
    r"([?&;][^=&;#]*(?:pass|pwd|secret|token|key|auth|credential)[^=&;#]*=)[^&;#]*", re.IGNORECASE
)


def masked_url(url: str) -> str:
    """The URL without the password before its host, and without the values of parameters named like secrets."""
    return _PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}@", url))
