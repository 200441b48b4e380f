"""What training profiles tell a model server, by model: the pairs of inputs to count, and names and types of inputs."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from driftline.features.columns import named_as
from driftline.records import ModelFacts
from driftline.rows.codes import CodedColumn
from driftline.sketch.column import TextReader
from driftline.sketch.pairs import Pairs

_logger = logging.getLogger("driftline")

_VARIABLE: Final = "DRIFTLINE_REFERENCE"

_MOST_NAMES: Final = 1000
"""Maximum number of cached sets of names: a program has few, but may generate new ones."""


class InputType(NamedTuple):
    """How values of an input are counted. named: by name, also where they look like numbers. read: what a text is."""

    named: bool
    read: TextReader | None


class ServedReference(NamedTuple):
    """Of one model. types: of each input, in the order of the training data. bins: of each input. id: of the file."""

    pairs: Pairs
    types: Mapping[str, InputType]
    bins: Mapping[str, CodedColumn]
    id: str


_NONE: Final = ServedReference(Pairs({}), {}, {}, "")


class References:
    """Reads files on first use. A file that cannot be read is logged, and is of no model.

    path: a file, or a folder of `*.json`; None for none.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else Path(path)
        self._read: dict[tuple[str, str], ServedReference] | None = None
        self._reported = False
        self._names: dict[tuple[str, str | None, tuple[str, ...]], tuple[str, ...]] = {}

    def pairs(self, model: ModelFacts) -> Pairs:
        """Those of the model's own version, else of a reference without one."""
        return self._of(model).pairs

    def types(self, model: ModelFacts) -> Mapping[str, InputType]:
        """The type of each input, in the order of the training data."""
        return self._of(model).types

    def bins(self, model: ModelFacts) -> Mapping[str, CodedColumn]:
        """The bins of each input, for those of at most a byte."""
        return self._of(model).bins

    def id(self, model: ModelFacts) -> str:
        """The id of the reference; "" without one."""
        return self._of(model).id

    def named(self, model: ModelFacts, names: tuple[str, ...]) -> tuple[str, ...]:
        """Inputs by the names of the reference, where it has as many and either side has none but numbers.

        On the caller's thread the first call of a model without names waits for the file.
        """
        if self._path is None:
            return names
        key = model.name, model.version, names
        known = self._names.get(key)
        if known is None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            known = self._names[key] = self._resolved(model, names)
        return known

    def _resolved(self, model: ModelFacts, names: tuple[str, ...]) -> tuple[str, ...]:
        known = named_as(tuple(self._of(model).types), names)
        if known is names:
            return names
        shown = ", ".join(known[:3]) + (", …" if len(known) > 3 else "")
        _logger.warning(
            "%s: the %d inputs of model %r are taken for those of the reference, in its order: %s.",
            *(_VARIABLE, len(names), model.name, shown),
        )
        return known

    def _of(self, model: ModelFacts) -> ServedReference:
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


def _read(path: Path) -> dict[tuple[str, str], ServedReference]:
    found: dict[tuple[str, str], ServedReference] = {}
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        _logger.warning("%s: %s must hold files named *.json; no pairs are counted.", _VARIABLE, path)
    for file in files:
        found |= _read_or_log(file)
    return found


def _read_or_log(file: Path) -> dict[tuple[str, str], ServedReference]:
    # Here, so that only servers with a reference load the parser.
    from driftline.reference.column_types import NAMED, text_reader
    from driftline.reference.pairs import read_pairs

    try:
        found = read_pairs(file)
    except Exception as error:  # noqa: BLE001  # a file may hold anything; the model serves without it
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        _logger.warning("%s: %s must be a training profile (%s); its pairs are not counted.", _VARIABLE, file, reason)
        return {}
    types = {name: InputType(each in NAMED, text_reader(each)) for name, each in found.types.items()}
    bins = {name: each for name, each in found.bins.items() if each.fits}
    return {(found.model, found.version): ServedReference(Pairs(found.pairs), types, bins, found.id)}
