"""The references in use: files of the references folder, reloaded when they change, and those received over OTLP."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData

from driftline.sketch.otlp import shown
from driftline_processor.engine.engine import Engine
from driftline_processor.limits import LIMITS
from driftline_processor.records import Reference, ReferencePart, Rejection
from driftline_processor.reference import InvalidReference, ReferenceFolder, read_reference
from driftline_processor.reference.assembly import Assembly
from driftline_processor.service.store import ReferenceKey, Store

logger = logging.getLogger(__name__)

ANYBODY: Final = "*"
FOLDER: Final = "the folder of references"


class ReferenceRegistry:
    """Loads references into the engine. One that cannot be read is logged and affects no other."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        engine: Engine,
        trusted: Collection[str] = (ANYBODY,),
        room: int = LIMITS.references,
        *,
        tenant: str = "",
    ) -> None:
        """Of one tenant.

        Args:
            folder: Of files of references.
            store: Where those are that were received over OTLP.
            engine: Where they go.
            trusted: The services whose references replace those of others.
            room: Bytes for those received over OTLP.
            tenant: Whose they are.

        """
        self._trusted, self._room = trusted, room
        self._files: dict[str, tuple[str, str]] = {}  # id -> model and version
        self._owners: dict[tuple[str, str], str] = {}  # (model, version) -> the service that sent it, or FOLDER
        self._folder, self._store, self._engine = ReferenceFolder(folder), store, engine
        self._tenant = tenant
        self._assembly = Assembly()
        self._received: dict[
            tuple[str, str], tuple[str, str]
        ] = {}  # (model, version) -> key and id of the one received over OTLP

    def open(self) -> None:
        """Loads stored references, then those in the folder: a file takes precedence over one received earlier."""
        for identity, points in self._store.references(self._tenant).items():
            self._restore(identity, points)
        for identity in self._assembly.complete():
            self._put_received(identity, identity.partition(" of ")[2])
        self.refresh()

    def _restore(self, identity: str, points: Mapping[bytes, bytes]) -> None:
        try:
            self._assembly.restore(identity, points)
        except InvalidReference as error:
            logger.error("Reference %s, received over OTLP: %s; send it again", identity, error)  # noqa: TRY400
            self._store.drop_reference(identity, self._tenant)

    def refresh(self) -> None:
        """Applies changes of the folder."""
        change = self._folder.look()
        for error in change.errors:
            logger.error("Reference %s", error)
        for path, reference in change.read.items():
            self._owners[reference.name, reference.version] = FOLDER
            self._files[reference.id] = reference.name, reference.version
            self._put(reference, str(path))
        for identity in change.gone:
            self._disown(self._files.pop(identity, None))
            self._engine.drop_reference(identity)
            logger.info("Reference %s: file removed", identity)

    def new_points(self, parts: Iterable[ReferencePart]) -> Mapping[str, Mapping[bytes, bytes]]:
        """The points not stored yet, by id of the reference."""
        found: dict[str, dict[bytes, bytes]] = {}
        for part in parts:
            if self._refusal(part) is None:
                found.setdefault(part.key, {}).update(self._assembly.new(part))
        return found

    def add(self, parts: Iterable[ReferencePart]) -> tuple[Rejection, ...]:
        """Adds parts whose points are stored; a reference is used as soon as it is complete.

        Returns:
            The parts that were refused, with their points.

        """
        rejections = []
        for part in parts:
            if refusal := self._refusal(part):
                rejections.append(refusal)
                if self._foreign(part):
                    self._forget(part.key)  # what came before somebody else's was whole
            elif self._assembly.add(part):
                self._put_received(part.key, part.service)
        for identity in self._assembly.surplus():
            logger.warning("Reference %s: dropped, still incomplete", identity)
            self._forget(identity)
        return tuple(rejections)

    def _refusal(self, part: ReferencePart) -> Rejection | None:
        """A part that is none of its reference, finds no room, or would replace the reference of somebody else."""
        wrong = self._assembly.stray(part) or self._foreign(part) or self._too_large(part)
        return Rejection(len(part.points), f"reference {shown(part.id)}: {wrong}") if wrong else None

    def _foreign(self, part: ReferencePart) -> str | None:
        if self._assembly.is_complete(part) or part.service in self._trusted or ANYBODY in self._trusted:
            return None
        for version in (part.version, ""):
            owner = self._owners.get((part.model, version))
            if owner is not None and (owner != part.service or not owner):
                sender = shown(part.service or None)
                return (
                    f"must come from the service that sent the one of model {shown(part.model)}, "
                    f"{shown(owner or None)}, or from one in receive.references_from (got {sender})"
                )
        return None

    def _too_large(self, part: ReferencePart) -> str | None:
        """One service may take as much room as is left to all others."""
        size = sum(map(len, self._assembly.new(part).values()))
        free = self._room - self._assembly.used()
        if not size or self._assembly.used(part.service) + size <= free - size:
            return None
        return f"must fit into what is left of limits.references, {free} bytes (got {size} more)"

    def _disown(self, model: tuple[str, str] | None) -> None:
        if model is not None and self._owners.get(model) == FOLDER:
            del self._owners[model]

    def _put_received(self, identity: str, service: str) -> None:
        try:
            reference = read_reference(MetricsData.FromString(self._assembly.body(identity)))
        except InvalidReference as error:
            logger.error("Reference %s, received over OTLP: %s", identity, error)  # noqa: TRY400  (the sender's fault)
            self._forget(identity)
            return
        model = reference.name, reference.version
        older = self._received.get(model)
        self._received[model], self._owners[model] = (identity, reference.id), service
        self._put(reference, "received over OTLP")
        if older is not None and older[0] != identity:
            if older[1] != reference.id:
                self._engine.drop_reference(older[1])
            self._forget(older[0])

    def _put(self, reference: Reference, origin: str) -> None:
        self._engine.put_reference(reference)
        model = f"model {reference.name}{' ' + reference.version if reference.version else ''}"
        logger.info("Using reference %s for %s: %d columns (%s)", reference.id, model, len(reference.columns), origin)

    def _forget(self, identity: str) -> None:
        self._assembly.drop(identity)
        self._store.drop_reference(identity, self._tenant)


class ReferenceRegistries:
    """The registries by tenant. What one sends replaces no reference of another."""

    def __init__(self, registries: Mapping[str, ReferenceRegistry]) -> None:
        self._registries = dict(registries)

    def open(self) -> None:
        """As `ReferenceRegistry.open`."""
        for registry in self._registries.values():
            registry.open()

    def refresh(self) -> None:
        """As `ReferenceRegistry.refresh`."""
        for registry in self._registries.values():
            registry.refresh()

    def new_points(
        self, parts: Iterable[tuple[str, Sequence[ReferencePart]]]
    ) -> Mapping[ReferenceKey, Mapping[bytes, bytes]]:
        """The points not stored yet, by tenant and id. parts: with the tenant that sent them."""
        sent: dict[str, list[ReferencePart]] = {}
        for tenant, its in parts:
            sent.setdefault(tenant, []).extend(its)
        return {
            ReferenceKey(tenant, identity): points
            for tenant, its in sent.items()
            for identity, points in self._registries[tenant].new_points(its).items()
        }

    def add(self, tenant: str, parts: Iterable[ReferencePart]) -> tuple[Rejection, ...]:
        """As `ReferenceRegistry.add`, of parts that this tenant has sent."""
        return self._registries[tenant].add(parts)
