"""All names on the wire, from the tables that define them, by who gets them: shipped files are held against these."""

from typing import Final

from driftline import semconv
from driftline_processor.decode.metric_streams import KINDS
from driftline_processor.encode.metrics import METRICS
from driftline_processor.service.internal_metrics import INTERNAL_METRICS, METRIC_PREFIX

READ_BY_PROCESSOR: Final = frozenset(KINDS)
"""Metrics of live traffic that the processor counts. Of a training profile, marked on its resource, it reads all."""

SKETCHES: Final = READ_BY_PROCESSOR - {semconv.INFERENCE_ROWS}
"""Those with points for each column: for the backend of those who ask for them."""

INPUT_VALUES: Final = frozenset({semconv.INPUT_COLUMN.value, semconv.INPUT_COLUMN.tail, semconv.INPUT_COLUMN.counts})
"""Those that tell values of inputs."""

SAID_BY_PROCESSOR: Final = frozenset(
    [metric.name for metric in METRICS] + [f"{METRIC_PREFIX}.{metric.name}" for metric in INTERNAL_METRICS]
)

MEASURED: Final = frozenset(term.name for term in semconv.TERMS if term.kind.startswith("metric"))
"""All that a model server sends, or a training profile holds."""

NOT_READ: Final = (MEASURED | SAID_BY_PROCESSOR | {"http.server.request.duration"}) - READ_BY_PROCESSOR

KNOWN: Final = READ_BY_PROCESSOR | NOT_READ

READ_EVENTS: Final = frozenset({semconv.ROWS_EVENT, semconv.OUTCOME_EVENT, semconv.FEATURES_EVENT})
NOT_READ_EVENTS: Final = frozenset({*semconv.ALARM_EVENTS.values(), *semconv.INCIDENT_EVENTS.values(), "other", ""})
