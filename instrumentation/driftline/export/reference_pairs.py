"""The pairs of inputs that training profiles ask for, by model."""

import logging
from pathlib import Path
from typing import Final

from driftline.records import ModelFacts
from driftline.sketch.pairs import Pairs

_logger = logging.getLogger("driftline")

_NONE: Final = Pairs({})
_VARIABLE: Final = "DRIFTLINE_REFERENCE"


class References:
    """Reads files on first use: off the caller's thread. A file that cannot be read is logged, and has no pairs.

    path: a file, or a folder of `*.json`; None for none.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._read: dict[tuple[str, str], Pairs] | None = None
        self._reported = False

    def pairs(self, model: ModelFacts) -> Pairs:
        """Those of the model's own version, else of a reference without one."""
        if self._path is None:
            return _NONE
        if self._read is None:
            self._read = _read(self._path)
        for version in (model.version or "", ""):
            if (model.name, version) in self._read:
                return self._read[model.name, version]
        self._report(model)
        return _NONE

    def _report(self, model: ModelFacts) -> None:
        if self._read and not self._reported:
            self._reported = True
            names = ", ".join(sorted({repr(name) for name, _ in self._read}))
            _logger.warning("%s is of %s: no pairs are counted of model %r.", _VARIABLE, names, model.name)


def _read(path: Path) -> dict[tuple[str, str], Pairs]:
    found: dict[tuple[str, str], Pairs] = {}
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        _logger.warning("%s: %s must hold files named *.json; no pairs are counted.", _VARIABLE, path)
    for file in files:
        found |= _read_or_log(file)
    return found


def _read_or_log(file: Path) -> dict[tuple[str, str], Pairs]:
    from driftline.reference.pairs import read_pairs  # here, so that only servers with a reference load the parser

    try:
        found = read_pairs(file)
    except Exception as error:  # noqa: BLE001  # a file may hold anything; the model serves without it
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        _logger.warning("%s: %s must be a training profile (%s); its pairs are not counted.", _VARIABLE, file, reason)
        return {}
    return {(found.model, found.version): Pairs(found.pairs)}
