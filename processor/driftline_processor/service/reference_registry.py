"""The references in use: files of the references folder, reloaded when they change, and those received over OTLP."""

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


class ReferenceRegistry:
    """Loads references into the engine. One that cannot be read is logged and affects no other."""

    def __init__(self, folder: Path, store: Store, engine: Engine) -> None:
        self._folder, self._store, self._engine = ReferenceFolder(folder), store, engine
        self._assembly = Assembly()
        self._received: dict[tuple[str, str], str] = {}  # (model, version) -> id of the one received over OTLP

    def open(self) -> None:
        """Loads stored references, then those in the folder: a file takes precedence over one received earlier."""
        for identity, points in self._store.references().items():
            self._restore(identity, points)
        for identity in self._assembly.complete():
            self._put_received(identity)
        self.refresh()

    def _restore(self, identity: str, points: Mapping[bytes, bytes]) -> None:
        try:
            self._assembly.restore(identity, points)
        except InvalidReference as error:
            logger.error("Reference %s, received over OTLP: %s; send it again", identity, error)  # noqa: TRY400
            self._store.drop_reference(identity)

    def refresh(self) -> None:
        """Applies changes of the folder."""
        change = self._folder.look()
        for error in change.errors:
            logger.error("Reference %s", error)
        for path, reference in change.read.items():
            self._put(reference, str(path))
        for identity in change.gone:
            self._engine.drop_reference(identity)
            logger.info("Reference %s: file removed", identity)

    def new_points(self, parts: Iterable[ReferencePart]) -> Mapping[str, Mapping[bytes, bytes]]:
        """The points not stored yet, by id of the reference."""
        found: dict[str, dict[bytes, bytes]] = {}
        for part in parts:
            found.setdefault(part.id, {}).update(self._assembly.new(part))
        return found

    def add(self, parts: Iterable[ReferencePart]) -> None:
        """Adds parts whose points are stored; a reference is used as soon as it is complete."""
        for part in parts:
            if self._assembly.add(part):
                self._put_received(part.id)
        for identity in self._assembly.surplus():
            logger.warning("Reference %s: dropped, still incomplete", identity)
            self._forget(identity)

    def _put_received(self, identity: str) -> None:
        try:
            reference = read_reference(MetricsData.FromString(self._assembly.body(identity)))
        except InvalidReference as error:
            logger.error("Reference %s, received over OTLP: %s", identity, error)  # noqa: TRY400  (the sender's fault)
            self._forget(identity)
            return
        model = reference.name, reference.version
        older = self._received.get(model)
        self._received[model] = identity
        self._put(reference, "received over OTLP")
        if older not in (None, identity):
            self._engine.drop_reference(str(older))
            self._forget(str(older))

    def _put(self, reference: Reference, origin: str) -> None:
        self._engine.put_reference(reference)
        model = f"model {reference.name}{' ' + reference.version if reference.version else ''}"
        logger.info("Reference %s for %s: %d columns (%s)", reference.id, model, len(reference.columns), origin)

    def _forget(self, identity: str) -> None:
        self._assembly.drop(identity)
        self._store.drop_reference(identity)
