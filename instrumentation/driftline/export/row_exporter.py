"""Sends row batches as OTLP log records, with the exporter that is configured for logs."""

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from driftline import semconv
from driftline.export.row_outbox import Parcel
from driftline.rows.otlp import batch_attributes
from driftline.runtime.self_faults import FAULTS

LogExporterFactory = Callable[..., LogRecordExporter]


class RowExporter:
    """Needs no LoggerProvider: that would limit attributes, and start a thread.

    The inner exporter is created at the first export: gRPC channels do not survive a fork, so each process needs one.
    """

    def __init__(self, make: LogExporterFactory, resource: Callable[[], Resource]) -> None:
        self._make = make
        self._resource = resource
        self._scope = InstrumentationScope(semconv.SCOPE, semconv.SCOPE_VERSION)
        self._inner: LogRecordExporter | None = None

    def export(self, parcels: Sequence[Parcel]) -> bool:
        """Whether the backend took them. False does not mean that it did not."""
        try:
            if self._inner is None:
                self._inner = self._make()
            records = [self._record(parcel) for parcel in parcels]
            return self._inner.export(records) is LogRecordExportResult.SUCCESS
        except Exception as error:  # noqa: BLE001  # tried again
            FAULTS.note("export rows", error)
            return False

    def _record(self, parcel: Parcel) -> ReadableLogRecord:
        table = parcel.batch.table
        time = int(table.times.max()) if len(table) else None
        attributes: dict[str, Any] = batch_attributes(parcel.batch, parcel.identity)
        record = LogRecord(timestamp=time, body=parcel.body, attributes=attributes, event_name=semconv.ROWS_EVENT)
        return ReadableLogRecord(record, self._resource(), self._scope)

    def shutdown(self) -> None:
        """Shut down; also ends the retries of an export running in another thread."""
        if self._inner is not None:
            self._inner.shutdown()  # type: ignore[no-untyped-call]  # the SDK's
