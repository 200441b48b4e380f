"""The row batches of a process: sampled as calls are aggregated, sent after the sketches."""

import time
from collections.abc import Callable, Sequence

from opentelemetry.sdk.resources import Resource

from driftline.export.reference_pairs import References
from driftline.export.row_collector import RowCollector
from driftline.export.row_exporter import LogExporterFactory, RowExporter
from driftline.export.row_outbox import RowOutbox
from driftline.records import Prediction
from driftline.settings import Settings


class RowBatches:
    """`add` and `end_interval` by one thread at a time, `send` by the exporting one."""

    def __init__(
        self,
        settings: Settings,
        references: References,
        make_exporter: LogExporterFactory,
        resource: Callable[[], Resource],
    ) -> None:
        self._collector = RowCollector(settings, references)
        self._outbox = RowOutbox(self._collector.uid)
        self._exporter = RowExporter(make_exporter, resource)

    def add(self, predictions: Sequence[Prediction]) -> None:
        """Sample predictions. Their captures may be released afterwards."""
        self._collector.add(predictions)

    def end_interval(self) -> None:
        """Make batches of what was sampled since the last call."""
        self._outbox.put(self._collector.batches())

    def send(self, *, requested: bool) -> bool:
        """Send what waits; whether all of it arrived. requested: even if the pause after a failure is not over."""
        now = time.monotonic()
        if not requested and not self._outbox.is_due(now):
            return False
        return self._outbox.send(self._exporter.export, now)

    def shutdown(self) -> None:
        """Shut down; also ends an export running in another thread."""
        self._exporter.shutdown()
