"""The references there are: files in a folder, read again when they change, and those that came over OTLP."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

from driftline_processor.engine.engine import Engine
from driftline_processor.records import Reference, ReferencePart
from driftline_processor.reference import InvalidReference, ReferenceFolder, read_reference
from driftline_processor.reference.assembly import Assembly
from driftline_processor.service.store import Store

logger = logging.getLogger(__name__)


class Library:
    """Gives the engine every reference that can be read. One that cannot is named, and costs no other anything."""

    def __init__(self, folder: Path, store: Store, engine: Engine) -> None:
        self._folder, self._store, self._engine = ReferenceFolder(folder), store, engine
        self._assembly = Assembly()
        self._sent: dict[tuple[str, str], str] = {}  # (model, version) -> id of those that came over OTLP

    def open(self) -> None:
        """What was stored, then what is in the folder: a file goes before what was sent earlier."""
        self._assembly = Assembly.of(self._store.references())
        for identity in self._assembly.complete():
            self._put_sent(identity)
        self.refresh()

    def refresh(self) -> None:
        """Looks whether the folder has changed."""
        change = self._folder.look()
        for error in change.errors:
            logger.error("reference %s", error)
        for path, reference in change.read.items():
            self._put(reference, str(path))
        for identity in change.gone:
            self._engine.drop_reference(identity)
            logger.info("reference %s: its file is gone", identity)

    def new(self, parts: Iterable[ReferencePart]) -> Mapping[str, Mapping[bytes, bytes]]:
        """The points that are not stored yet, by reference."""
        found: dict[str, dict[bytes, bytes]] = {}
        for part in parts:
            found.setdefault(part.id, {}).update(self._assembly.new(part))
        return found

    def add(self, parts: Iterable[ReferencePart]) -> None:
        """Takes parts whose points are stored; a reference that has become whole is used from now on."""
        for part in parts:
            if self._assembly.add(part):
                self._put_sent(part.id)
        for identity in self._assembly.surplus():
            logger.warning("reference %s: never came in full; forgotten", identity)
            self._forget(identity)

    def _put_sent(self, identity: str) -> None:
        try:
            reference = read_reference(MetricsData.FromString(self._assembly.body(identity)))
        except InvalidReference as error:
            logger.error("reference %s, sent over OTLP: %s", identity, error)  # noqa: TRY400  (the sender's fault)
            self._forget(identity)
            return
        model = reference.name, reference.version
        older = self._sent.get(model)
        self._sent[model] = identity
        self._put(reference, "sent over OTLP")
        if older not in (None, identity):
            self._engine.drop_reference(str(older))
            self._forget(str(older))

    def _put(self, reference: Reference, origin: str) -> None:
        self._engine.put_reference(reference)
        served = f"model {reference.name}{' ' + reference.version if reference.version else ''}"
        logger.info("reference %s for %s: %d columns (%s)", reference.id, served, len(reference.columns), origin)

    def _forget(self, identity: str) -> None:
        self._assembly.drop(identity)
        self._store.drop_reference(identity)
