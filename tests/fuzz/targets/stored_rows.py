"""A row of the store, as an older version wrote it, without a checksum: read, set aside, or of an unknown form."""

from contextlib import closing, suppress
from pathlib import Path
from tempfile import gettempdir

from opentelemetry.metrics import NoOpMeterProvider
from sqlalchemy import insert

from driftline.sketch.time_units import DAY
from driftline_processor.engine.tenant_engines import TenantEngines
from driftline_processor.monitors.concept.monitor import Limits
from driftline_processor.outcomes.join import JoinLimits
from driftline_processor.service.internal_metrics import InternalMetrics
from driftline_processor.service.outcome_joins import OutcomeJoins
from driftline_processor.service.reference_registry import ReferenceRegistries, ReferenceRegistry
from driftline_processor.service.request_queue import RequestQueue
from driftline_processor.service.store import Damaged, Store, StoreError
from driftline_processor.service.store.tables import JOURNAL, REFERENCES, SNAPSHOTS
from driftline_processor.service.worker import Worker, WorkerSettings
from fuzz.requests import NOW, SETTINGS


class Forgetful(Store):
    """A store that sets nothing aside."""

    def set_aside(self, damaged: Damaged) -> Path:
        return Path(gettempdir())


def enter(data: bytes) -> None:
    """The same bytes as a request of each signal, the state of a model, and a point of a reference."""
    with closing(Forgetful("sqlite://")) as store:
        with store._session.transaction() as connection:
            for signal in ("traces", "metrics", "logs"):
                connection.execute(insert(JOURNAL).values(received=NOW, signal=signal, body=data))
            connection.execute(insert(SNAPSHOTS).values(id="1", model='["m", "", []]', body=data))
            connection.execute(insert(REFERENCES).values(id="r", point=data[:16], body=data))
        engines = TenantEngines.of([], SETTINGS)
        worker = Worker(
            queue=RequestQueue(1, 1 << 20),
            store=store,
            engines=engines,
            registries=ReferenceRegistries({"": ReferenceRegistry(Path("nowhere"), store, engines[""])}),
            joins=OutcomeJoins([""], JoinLimits(DAY, 1 << 20, DAY), Limits(1e-6), store),
            metrics=InternalMetrics(NoOpMeterProvider()),
            publish=lambda _: None,
            publish_performance=lambda _: None,
            unflushed=lambda _: (),
            storage_changed=lambda _: None,
            taken_over=lambda _: None,
            settings=WorkerSettings(tick=0.0, snapshot=3600.0, journal=1 << 30),
            clock=lambda: NOW,
        )
        with suppress(StoreError):
            worker.recover()
