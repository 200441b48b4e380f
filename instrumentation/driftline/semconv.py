"""Every name on the wire and its meaning. Imports nothing else of Driftline.

OpenTelemetry has no semantic conventions for classic machine learning yet (semantic-conventions #3420), so all names
share one prefix that a migration can change. `TERMS` documents them; the table of names is generated from it.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Final, NamedTuple

PREFIX: Final = "ml"

SCOPE: Final = "driftline"
"""Instrumentation scope of all telemetry."""

try:
    SCOPE_VERSION = version(SCOPE)
except PackageNotFoundError:  # sources without an installed distribution
    SCOPE_VERSION = ""
"""Its version."""

# The model and the call: on spans and data points.
MODEL_NAME: Final = f"{PREFIX}.model.name"
MODEL_VERSION: Final = f"{PREFIX}.model.version"
MODEL_TYPE: Final = f"{PREFIX}.model.type"
SYSTEM_NAME: Final = f"{PREFIX}.system.name"
OPERATION_NAME: Final = f"{PREFIX}.operation.name"
TASK: Final = f"{PREFIX}.task"
ERROR_TYPE: Final = "error.type"

# Only raw values have names below INPUT, BATCH_INPUT and VECTOR, so that one pattern strips them before a backend.
INPUT: Final = f"{PREFIX}.input"
BATCH_INPUT: Final = f"{PREFIX}.batch.input"
VECTOR_NAMES: Final = f"{PREFIX}.vector.names"
VECTOR_VALUES: Final = f"{PREFIX}.vector.values"
ROW_COUNT: Final = f"{PREFIX}.row.count"
FEATURE_COUNT: Final = f"{PREFIX}.feature.count"
OUTPUT: Final = f"{PREFIX}.output"
BATCH_OUTPUT: Final = f"{PREFIX}.batch.output"
PREDICTION_ID: Final = f"{PREFIX}.prediction.id"
SKETCHED: Final = f"{PREFIX}.sketched"
INPUTS_OMITTED: Final = f"{PREFIX}.inputs.omitted"
EDGE_CASE: Final = f"{PREFIX}.edge_case"
EDGE_CASE_REASON: Final = f"{PREFIX}.edge_case.reason"
EDGE_CASES: Final = f"{PREFIX}.edge_cases"
CHECK_FAILED: Final = f"{PREFIX}.check.failed"
CHECK_RULE: Final = f"{PREFIX}.check.rule"

# Metrics of the model server.
INFERENCE_DURATION: Final = f"{PREFIX}.inference.duration"
INFERENCE_ROWS: Final = f"{PREFIX}.inference.rows"
CHECK_FAILURES: Final = f"{PREFIX}.check.failures"
CHECK_REJECTED: Final = f"{PREFIX}.check.rejected"
FEATURE_VALUE: Final = f"{PREFIX}.feature.value"
FEATURE_TAIL: Final = f"{PREFIX}.feature.tail"
FEATURE_CATEGORY: Final = f"{PREFIX}.feature.category"
FEATURE_OBSERVATIONS: Final = f"{PREFIX}.feature.observations"
FEATURE_PRECISION: Final = f"{PREFIX}.feature.precision"
OUTPUT_VALUE: Final = f"{PREFIX}.output.value"
OUTPUT_TAIL: Final = f"{PREFIX}.output.tail"
OUTPUT_PREDICTIONS: Final = f"{PREFIX}.output.predictions"
OUTPUT_OBSERVATIONS: Final = f"{PREFIX}.output.observations"
PAIR_ROWS: Final = f"{PREFIX}.pair.rows"
ROW_HASH: Final = f"{PREFIX}.row.hash"

# Driftline's own metrics in the model server.
DROPPED_ROWS: Final = "driftline.dropped.rows"
DROPPED_COLUMNS: Final = "driftline.dropped.columns"
FAULTS: Final = "driftline.faults"
FAULT_STAGE: Final = "driftline.fault.stage"

# Attributes of these data points.
FEATURE_NAME: Final = f"{PREFIX}.feature.name"
FEATURE_STATE: Final = f"{PREFIX}.feature.state"
FEATURE_DECIMALS: Final = f"{PREFIX}.feature.decimals"
CATEGORY: Final = f"{PREFIX}.category"
OUTPUT_NAME: Final = f"{PREFIX}.output.name"
OUTPUT_CLASS: Final = f"{PREFIX}.output.class"
SKETCH_PART: Final = f"{PREFIX}.sketch.part"
PAIR_NAME: Final = f"{PREFIX}.pair.name"
PAIR_SIDES: Final = f"{PREFIX}.pair.sides"
ROW_INPUTS: Final = f"{PREFIX}.row.inputs"

# Values of FEATURE_STATE. A row is `valid` exactly when a sketch or a category counts it; `out_of_range` is the number
# of valid rows in the tails of the sketch.
VALID: Final = "valid"
MISSING: Final = "missing"
NON_FINITE: Final = "non_finite"
WRONG_TYPE: Final = "wrong_type"
OUT_OF_RANGE: Final = "out_of_range"

# Values of SKETCH_PART: the tails of a sketch, relative to its core.
BELOW: Final = "below"
MIDDLE: Final = "middle"
ABOVE: Final = "above"

# Values of PAIR_SIDES: where a row lies relative to the training medians of both columns.
SAME: Final = "same"
OPPOSITE: Final = "opposite"

OTHER: Final = "other"
"""Category or class that counts everything beyond the limit on distinct values."""

# Output names: values of OUTPUT_NAME, and suffixes of OUTPUT on spans.
PREDICTION: Final = "prediction"
CONFIDENCE: Final = "confidence"
SCORE: Final = "score"
ENTROPY: Final = "entropy"
MARGIN: Final = "margin"
RAW: Final = "raw"

# A reference: the same metrics with DATASET_ROLE = REFERENCE on the resource, plus the time chunks.
DATASET_ROLE: Final = f"{PREFIX}.dataset.role"
REFERENCE: Final = "reference"
REFERENCE_ID: Final = f"{PREFIX}.reference.id"
REFERENCE_POINTS: Final = f"{PREFIX}.reference.points"
REFERENCE_CHUNKS: Final = f"{PREFIX}.reference.chunks"
REFERENCE_COLUMN: Final = f"{PREFIX}.reference.column"
REFERENCE_CLOCKS: Final = f"{PREFIX}.reference.clocks"
REFERENCE_OUTCOMES: Final = f"{PREFIX}.reference.outcomes"
CHUNKED_BY: Final = f"{PREFIX}.chunk.by"
CHUNK_STARTS: Final = f"{PREFIX}.chunk.starts"
CHUNK_ENDS: Final = f"{PREFIX}.chunk.ends"
CHUNK_CELLS: Final = f"{PREFIX}.chunk.cells"
CELL_EDGES: Final = f"{PREFIX}.cell.edges"
CELL_CATEGORIES: Final = f"{PREFIX}.cell.categories"
COLUMN_TYPE: Final = f"{PREFIX}.column.type"
COLUMN_POSITION: Final = f"{PREFIX}.column.position"
COLUMN_TOLERANCE: Final = f"{PREFIX}.column.tolerance"
COLUMN_BLOCK: Final = f"{PREFIX}.column.block"
COLUMN_CLUSTER: Final = f"{PREFIX}.column.cluster"
COLUMN_DECIMALS: Final = f"{PREFIX}.column.decimals"
CHUNK_DECIMALS: Final = f"{PREFIX}.chunk.decimals"
PAIR_MEMBERS: Final = f"{PREFIX}.pair.members"
PAIR_THRESHOLDS: Final = f"{PREFIX}.pair.thresholds"
ROW_BUCKETS: Final = f"{PREFIX}.row.buckets"
ROW_STRETCHES: Final = f"{PREFIX}.row.stretches"
ROW_REPEATS: Final = f"{PREFIX}.row.repeats"
ROW_ROUNDED: Final = f"{PREFIX}.row.rounded"
REFERENCE_SEGMENTS: Final = f"{PREFIX}.reference.segments"
SEGMENT_NAME: Final = f"{PREFIX}.segment.name"
SEGMENT_KIND: Final = f"{PREFIX}.segment.kind"
SEGMENT_MEASURE: Final = f"{PREFIX}.segment.measure"

# Log events that the processor is given: batches of rows, and what became of them.
ROWS_EVENT: Final = f"{PREFIX}.rows"
OUTCOME_EVENT: Final = f"{PREFIX}.outcome"
FEATURES_EVENT: Final = f"{PREFIX}.features"

# Attributes of ROWS_EVENT.
ROWS_SEEN: Final = f"{PREFIX}.rows.seen"
ROWS_THRESHOLD: Final = f"{PREFIX}.rows.threshold"
ROWS_FIRST: Final = f"{PREFIX}.rows.first"
ROWS_LAST: Final = f"{PREFIX}.rows.last"

# Attributes of OUTCOME_EVENT, beside PREDICTION_ID, the names of the model and its outputs.
OUTCOME_NAME: Final = f"{PREFIX}.outcome.name"
OUTCOME_LABEL: Final = f"{PREFIX}.outcome.label"
OUTCOME_VALUE: Final = f"{PREFIX}.outcome.value"
OUTCOME_ROW: Final = f"{PREFIX}.outcome.row"
OUTCOME_PROBABILITY: Final = f"{PREFIX}.outcome.probability"
OUTCOME_WEIGHT: Final = f"{PREFIX}.outcome.weight"
ROW_KEY: Final = f"{PREFIX}.row.key"

# Attributes and metrics of performance, the metrics themselves beside them in the processor's table.
PERFORMANCE_BASIS: Final = f"{PREFIX}.performance.basis"
PERFORMANCE_LABELLED: Final = f"{PREFIX}.performance.labelled"
PERFORMANCE_MATURITY: Final = f"{PREFIX}.performance.maturity"
PERFORMANCE_LABELS: Final = f"{PREFIX}.performance.labels"
PERFORMANCE_WINDOW_START: Final = f"{PREFIX}.performance.window.start"
PERFORMANCE_WINDOW_END: Final = f"{PREFIX}.performance.window.end"
OUTCOME_STATE: Final = f"{PREFIX}.outcome.state"

# Whose a model is, where several parties share a processor: by the credential of the sender, never by what it sends.
TENANT_NAME: Final = f"{PREFIX}.tenant.name"

# Attributes of the processor's metrics; the metrics themselves are rows of the processor's table METRICS.
DRIFT_TARGET: Final = f"{PREFIX}.drift.target"
REFERENCE_PROVISIONAL: Final = f"{PREFIX}.reference.provisional"
REFERENCE_MISMATCH: Final = f"{PREFIX}.reference.mismatch"

# Values of REFERENCE_MISMATCH: what is the matter with a column that does not match.
MISMATCH_MISSING: Final = "missing"
MISMATCH_UNKNOWN: Final = "unknown"
MISMATCH_TYPE: Final = "type"
MISMATCH_PAIR: Final = "pair"

# The processor's metrics that the demo reads.
DRIFT_ALARM: Final = f"{PREFIX}.drift.alarm"
DRIFT_STATE: Final = f"{PREFIX}.drift.state"
DISTRIBUTION_MEDIAN: Final = f"{PREFIX}.distribution.p50"
CLASS_SHARE: Final = f"{PREFIX}.prediction.class.share"
PROCESSOR_ROWS: Final = f"{SCOPE}.processor.rows"

STATUS_SERVICE: Final = f"{SCOPE}.processor.v1.Status"
"""The processor's gRPC service whose method STATUS_METHOD answers a google.protobuf.Struct; beside OTLP, read-only."""

STATUS_METHOD: Final = "Get"

# Alarm events: log records with an event name. Attributes named like a metric have its meaning.
ALARM_EVENTS: Final = {change: f"{PREFIX}.alarm.{change}" for change in ("opened", "updated", "closed")}
ALARM_ID: Final = f"{PREFIX}.alarm.id"
ALARM_START: Final = f"{PREFIX}.alarm.start"
ALARM_TRACES: Final = f"{PREFIX}.alarm.traces"

# Incidents: all alarms of a model that are open together. INCIDENT_COLUMN_COUNT is of events, and a metric as well.
INCIDENT_EVENTS: Final = {change: f"{PREFIX}.incident.{change}" for change in ("opened", "updated", "closed")}
INCIDENT_OPEN: Final = f"{PREFIX}.incident.open"
INCIDENT_ID: Final = f"{PREFIX}.incident.id"
INCIDENT_START: Final = f"{PREFIX}.incident.start"
INCIDENT_COLUMNS: Final = f"{PREFIX}.incident.columns"
INCIDENT_TARGETS: Final = f"{PREFIX}.incident.targets"
INCIDENT_COLUMN_COUNT: Final = f"{PREFIX}.incident.column.count"

# What both kinds of events say.
DRIFT_ASPECT: Final = f"{PREFIX}.drift.aspect"
DRIFT_EVENT: Final = f"{PREFIX}.drift.event"
DRIFT_REASONS: Final = f"{PREFIX}.drift.reasons"
DRIFT_DISTANCE: Final = f"{PREFIX}.drift.distance"
DRIFT_LOWER_BOUND: Final = f"{PREFIX}.drift.lower_bound"
DRIFT_TOLERANCE: Final = f"{PREFIX}.drift.tolerance"
WINDOW_START: Final = f"{PREFIX}.drift.window.start"
WINDOW_END: Final = f"{PREFIX}.drift.window.end"
WINDOW_REVISION: Final = f"{PREFIX}.drift.window.revision"
EVENT_NAME: Final = "event.name"
RECORD_UID: Final = "log.record.uid"
SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
ENVIRONMENT_NAME: Final = "deployment.environment.name"

# Fields of the reasons of a verdict, by kind: attributes of alarm events, and the same in the JSON of a replay.
REASON_FIELDS: Final = {
    "moved": {
        "event": "Which rows moved: `above`, `up_to`, `within`, `outside`, `category`, `state`, …",
        "before": "Their share in training, or in the stream's past (`in_the_past`)",
        "after": "Their share in the window",
        "direction": "`up` or `down`",
        "low": "Lower end of a range of numbers",
        "high": "Upper end of a range of numbers",
        "category": "A category",
        "state": "A state",
        "members": "The columns of a pair",
    },
    "never_seen": {
        "share": "Share of rows at values that training never saw",
        "categories": "Such categories, the most frequent first",
        "more": "Such categories that are not named",
        "low": "Least of such numbers",
        "high": "Greatest of such numbers",
    },
    "changed_decimals": {
        "usual": "How many decimals most numbers had in training",
        "decimals": "How many have become more frequent: as in `ml.feature.decimals`",
        "before": "Share of numbers with so many in training",
        "after": "Their share in the window",
    },
    "in_the_past": {
        "since": "`before` is of the stream's own windows since then, Unix seconds, not of training",
        "most": "Whether it is the most that any of them had; else the least",
    },
    "segment": {
        "segment": "What is the matter with it: `weak`, `growing`, `cold`, `unserved`, `untrained` or `drift`",
        "columns": "The columns of the segment",
        "labels": "The bin or category of each of them",
        "measure": "What was measured: `error`, `low confidence`, `share`, or `inside` for a column that moved in it",
        "rows": "Rows in the segment",
        "share": "Its share of all rows",
        "reference_share": "Its share in training",
        "value": "What was measured in the segment, as a share",
        "elsewhere": "Of errors the same elsewhere, else the same in training",
        "low": "Lower end of its 95 % interval",
        "high": "Upper end of its 95 % interval",
        "dated": "Whether training is large enough to say that it was not so before",
        "aspect": "The column that moved in it",
        "inside": "The range in which that has more rows, or fewer",
    },
    "many_categories": {"share": "Share of rows by which many categories moved together, a little each"},
    "many_columns": {
        "moved": "Columns of a block that moved together, about",
        "columns": "Columns of the block",
        "share": "Share of rows by which each of those that moved did, about",
        "most": "Columns that moved most",
    },
    "constant_members": {"members": "Columns of a pair that are constant in the window: the pair has no data"},
    "detection_limit": {
        "move": "A smaller move, as a share of rows, may have gone unseen",
        "chunks": "Chunks of the training data, that tell how much it varies",
    },
    "widened": {
        "asked": "The tolerance that was asked for",
        "tolerated": "The move that is tolerated, as chance or the training data itself makes as much",
        "rows": "Effective rows of the window, where they are few",
        "hours": "Hours of training data, where they are too few to know a day",
    },
    "multiplied": {"ratio": "What moved is rare in training: so many times as many rows, or as few, are enough"},
    "in_season": {
        "cycle": "`time of day`, `time of week` or `time of year`: values are as in training at this time",
        "share": "Share of those rows in training, at this time",
    },
    "may_be_season": {
        "allowed": "Distance that a season may make",
        "shown": "As much of it as the stream has shown",
        "days": "Days for which the stream is known",
        "timed": "Whether the training data has timestamps",
    },
    "repeated": {
        "times": "How often a row occurs in the window, on average",
        "usual": "How often in as many rows of training",
        "rows": "Rows of the window",
        "effective": "As many rows without repetition tell as much",
        "most": "Share of the row that is repeated most often, where one alone is repeated",
    },
    "clock_off": {
        "clock": "What the column tells: `epoch`, `counter`, `time of day`, `time of week`, `day of month`, `month`",
        "share": "Share of rows whose value does not go with their time",
        "behind": "Seconds that the column is behind, about; negative where it is ahead",
    },
    "explained_by_members": {"members": "Columns of a pair that moved by themselves"},
    "explained_by_block": {"block": "The block of columns whose alarm tells of this one"},
    "looks_like": {
        "column": "The column whose training data this one looks like, but for the change",
        "change": "What explains the move: factor, offset, swapped, default or encoding",
        "factor": "Constant factor",
        "offset": "Constant offset",
        "units": "Units that fit: before → now",
        "other": "The column in whose place it is, or what texts differ in",
        "value": "The default",
        "share": "Share of rows with the default",
        "missing": "Whether the default took the place of missing values",
    },
    "outcomes_moved": {
        "what": "`label`, `right` or `wrong`: a share of rows; `bias` or `size` of errors, in standard deviations",
        "before": "What training expects of rows with such scores",
        "after": "What it is",
        "name": "The class whose share it is",
        "low": "The least score of the rows",
        "high": "The score that all are below",
        "selection": "Whether labels may be no random sample, and be the reason",
    },
}
REASON_ATTRIBUTES: Final = {
    (kind, field): f"{PREFIX}.drift.{kind}.{field}" for kind, fields in REASON_FIELDS.items() for field in fields
}

# Values of EDGE_CASE.
LOW_CONFIDENCE: Final = "low_confidence"
SMALL_MARGIN: Final = "small_margin"
OUTSIDE_TRAINING: Final = "outside_training_range"
UNSEEN_CATEGORY: Final = "unseen_category"

# Values of SEGMENT_KIND and of SEGMENT_MEASURE.
DECLARED_SEGMENT: Final = "declared"
OTHER_SEGMENTS: Final = "other"
SEGMENT_KINDS: Final = (
    "weak", "growing", "cold", "unserved", "untrained", "drift", DECLARED_SEGMENT, OTHER_SEGMENTS,
)  # fmt: skip
SEGMENT_MEASURES: Final = ("error", "low confidence", "share", "inside")

# Values of DRIFT_TARGET.
TARGET_INPUT: Final = "input"
TARGET_PAIR: Final = "pair"
TARGET_BLOCK: Final = "block"
TARGET_OUTPUT: Final = "output"
TARGET_LABEL: Final = "label"
TARGET_ROWS: Final = "rows"
TARGET_CONCEPT: Final = "concept"
TARGET_PERFORMANCE: Final = "performance"
TARGET_SEGMENT: Final = "segment"


class ColumnNames(NamedTuple):
    """Metric and attribute names of a kind of column, live or in a reference; "" where it has none."""

    column: str
    value: str
    tail: str
    counts: str
    category: str
    observations: str
    precision: str = ""


INPUT_COLUMN: Final = ColumnNames(
    FEATURE_NAME, FEATURE_VALUE, FEATURE_TAIL, FEATURE_CATEGORY, CATEGORY, FEATURE_OBSERVATIONS, FEATURE_PRECISION
)
OUTPUT_COLUMN: Final = ColumnNames(
    OUTPUT_NAME, OUTPUT_VALUE, OUTPUT_TAIL, OUTPUT_PREDICTIONS, OUTPUT_CLASS, OUTPUT_OBSERVATIONS
)


PAIR_COLUMN: Final = ColumnNames(PAIR_NAME, "", "", PAIR_ROWS, PAIR_SIDES, "")
ROW_COLUMN: Final = ColumnNames(ROW_INPUTS, ROW_HASH, "", "", "", "")


class Term(NamedTuple):
    """A documented name. kind: span, attribute, metric with instrument and unit, or event with severity."""

    name: str
    kind: str
    meaning: str


TERMS: Final = (
    Term(f"{{{OPERATION_NAME}}} {{{MODEL_NAME}}}", "span", "One outermost model call; calls inside `fit` have none"),
    Term(MODEL_NAME, "attribute", "Model name: from `describe()`, else `DRIFTLINE_MODEL_NAME`, else the class"),
    Term(
        MODEL_VERSION,
        "attribute",
        "Model version: from `describe()`, else `DRIFTLINE_MODEL_VERSION`; absent if unknown",
    ),
    Term(MODEL_TYPE, "attribute", "Class of the model; for a pipeline or search, of the final estimator (spans)"),
    Term(SYSTEM_NAME, "attribute", "Framework: `scikit_learn`, `pytorch`, …"),
    Term(OPERATION_NAME, "attribute", "Method called: `predict`, `predict_proba`, …"),
    Term(TASK, "attribute", "`classification`, `regression`, …, as described or inferred (spans, outputs)"),
    Term(ERROR_TYPE, "attribute", "Class of the exception the model raised; absent on success"),
    Term(f"{INPUT}.<feature>", "attribute", "Value of a feature in the first row; absent where it is missing (spans)"),
    Term(f"{BATCH_INPUT}.<feature>", "attribute", "Values of a feature in the first rows of a batch (spans)"),
    Term(VECTOR_NAMES, "attribute", "Feature names, if too many for an attribute each (spans)"),
    Term(VECTOR_VALUES, "attribute", "Values of these features in the first row (spans)"),
    Term(ROW_COUNT, "attribute", "Number of rows in the call (spans)"),
    Term(FEATURE_COUNT, "attribute", "Number of features in the call (spans)"),
    Term(f"{OUTPUT}.prediction", "attribute", "Predicted class or value for the first row (spans)"),
    Term(f"{OUTPUT}.confidence", "attribute", "Probability of the predicted class (spans)"),
    Term(f"{OUTPUT}.{ENTROPY}", "attribute", "Entropy of the probabilities of more than two classes, in nats (spans)"),
    Term(
        f"{OUTPUT}.{MARGIN}",
        "attribute",
        "Difference between the two highest of more than two class probabilities (spans)",
    ),
    Term(f"{OUTPUT}.{RAW}.<number>", "attribute", "Raw output of a module with at most 16 numbers per row (spans)"),
    Term(f"{OUTPUT}.<name>", "attribute", "Any other output (spans)"),
    Term(f"{BATCH_OUTPUT}.<name>", "attribute", "Values of an output for the first rows of a batch (spans)"),
    Term(PREDICTION_ID, "attribute", "Id of the call, to join a later outcome with it (spans)"),
    Term(SKETCHED, "attribute", "True if the rows are already in a sketch, so the processor skips the span (spans)"),
    Term(INPUTS_OMITTED, "attribute", "True where values of inputs were left out, over the budget (spans)"),
    Term(
        EDGE_CASE,
        "attribute",
        f"Why rows of the call are edge cases: `{LOW_CONFIDENCE}`, `{SMALL_MARGIN}`, `{OUTSIDE_TRAINING}`, "
        f"`{UNSEEN_CATEGORY}` (spans)",
    ),
    Term(EDGE_CASE_REASON, "attribute", f"One of those reasons, of `{EDGE_CASES}`"),
    Term(EDGE_CASES, "metric, counter, {row}", f"Rows that are edge cases, by `{EDGE_CASE_REASON}`"),
    Term(CHECK_FAILED, "attribute", "Rules that rows of the call broke, as `column: rule` (spans)"),
    Term(CHECK_RULE, "attribute", "Rule: `type`, `missing`, `range`, `category`, `columns`, or the name of your own"),
    Term(CHECK_FAILURES, "metric, counter, {row}", f"Rows that broke a rule, by `{FEATURE_NAME}` and `{CHECK_RULE}`"),
    Term(CHECK_REJECTED, "metric, counter, {row}", "Rows refused before the model saw them"),
    Term(INFERENCE_DURATION, "metric, histogram, s", "Duration of a model call"),
    Term(INFERENCE_ROWS, "metric, counter, {row}", "Rows passed to the model"),
    Term(FEATURE_VALUE, "metric, exponential histogram", "Values of a numeric input: the core of its sketch"),
    Term(FEATURE_TAIL, "metric, exponential histogram", f"Values outside the core, by `{SKETCH_PART}`"),
    Term(FEATURE_CATEGORY, "metric, counter, {row}", f"Values of an input that are no numbers, by `{CATEGORY}`"),
    Term(FEATURE_OBSERVATIONS, "metric, counter, {row}", f"Rows of an input by `{FEATURE_STATE}`"),
    Term(
        FEATURE_PRECISION,
        "metric, counter, {row}",
        f"Rows of a numeric input by `{FEATURE_DECIMALS}`; of more than 1,024 between two exports, some",
    ),
    Term(
        OUTPUT_VALUE,
        "metric, exponential histogram",
        f"Values of a numeric output, by `{OUTPUT_NAME}`: the core of its sketch",
    ),
    Term(OUTPUT_TAIL, "metric, exponential histogram", f"Values outside the core, by `{SKETCH_PART}`"),
    Term(OUTPUT_PREDICTIONS, "metric, counter, {row}", f"Predictions by `{OUTPUT_CLASS}`"),
    Term(OUTPUT_OBSERVATIONS, "metric, counter, {row}", f"Rows of an output by `{FEATURE_STATE}`"),
    Term(PAIR_ROWS, "metric, counter, {row}", f"Rows in which both inputs of a pair are numeric, by `{PAIR_SIDES}`"),
    Term(ROW_HASH, "metric, exponential histogram", "Rows by a hash of their inputs, in 1,024 buckets"),
    Term(DROPPED_ROWS, "metric, counter, {row}", "Rows missing from the sketches because the buffer was full"),
    Term(
        DROPPED_COLUMNS,
        "metric, gauge, {column}",
        "Columns not sketched because of `DRIFTLINE_MAX_COLUMNS`",
    ),
    Term(
        FAULTS,
        "metric, counter, {fault}",
        "Internal Driftline faults, by stage and error type; the model is not affected",
    ),
    Term(FAULT_STAGE, "attribute", "Processing stage in which Driftline failed"),
    Term(FEATURE_NAME, "attribute", "Input name; in the processor's metrics, the name of any column"),
    Term(FEATURE_STATE, "attribute", f"`{VALID}`, `{MISSING}`, `{NON_FINITE}`, `{WRONG_TYPE}`, `{OUT_OF_RANGE}`"),
    Term(
        FEATURE_DECIMALS,
        "attribute",
        "Decimals of a number: `0` to `5`, `6+`, or `1+` to `5+` where its type is too coarse to tell more; "
        "`-1` to `-3` for whole tens, hundreds, thousands",
    ),
    Term(CATEGORY, "attribute", f"Value of a categorical input; `{OTHER}` beyond the limit on distinct values"),
    Term(OUTPUT_NAME, "attribute", f"`{PREDICTION}`, `{CONFIDENCE}`, `{SCORE}`, `{ENTROPY}`, `{MARGIN}`, `{RAW}`, …"),
    Term(OUTPUT_CLASS, "attribute", "Predicted class"),
    Term(SKETCH_PART, "attribute", f"Position of a tail relative to the core: `{BELOW}`, `{MIDDLE}` or `{ABOVE}`"),
    Term(PAIR_NAME, "attribute", "Names of the two inputs, and a digest of their training medians"),
    Term(PAIR_SIDES, "attribute", f"`{SAME}` or `{OPPOSITE}` sides of the training medians"),
    Term(ROW_INPUTS, "attribute", f"Digest of the names of the inputs in `{ROW_HASH}`; in a training profile, several"),
    Term(DATASET_ROLE, "resource attribute", f"`{REFERENCE}` marks a training profile"),
    Term(REFERENCE_ID, "resource attribute", "Digest of a training profile"),
    Term(
        REFERENCE_POINTS,
        "resource attribute",
        "Number of data points of a training profile, which takes effect once all have arrived",
    ),
    Term(REFERENCE_CHUNKS, "metric, gauge, {chunk}", "Number of chunks of a training profile, with their boundaries"),
    Term(REFERENCE_COLUMN, "metric, gauge, {row}", "Rows of a column in a training profile, with its chunks and type"),
    Term(CHUNKED_BY, "attribute", "How the training data was split into chunks: by `time` or by `rows`"),
    Term(CHUNK_STARTS, "attribute", "Start of each chunk: Unix seconds, or row number if split by rows"),
    Term(CHUNK_ENDS, "attribute", "End of each chunk, exclusive: Unix seconds, or row number if split by rows"),
    Term(
        CHUNK_CELLS,
        "attribute",
        "Counts of the column's bins per chunk: bins separated by spaces, chunks by semicolons",
    ),
    Term(REFERENCE_CLOCKS, "attribute", "Inputs that tell the time: which values go with which time, as JSON"),
    Term(
        REFERENCE_OUTCOMES, "attribute", "How outcomes went with predictions in training, by cell of the score, as JSON"
    ),
    Term(ROW_BUCKETS, "attribute", f"Training rows in the buckets of `{ROW_HASH}`"),
    Term(ROW_STRETCHES, "attribute", "Rows of stretches of the training data"),
    Term(ROW_REPEATS, "attribute", "How often a row comes again in each of these stretches, on average"),
    Term(ROW_ROUNDED, "attribute", "How often in all of the training data, in half precision"),
    Term(REFERENCE_SEGMENTS, "attribute", "Training's counts of segments: of bins and categories, and pairs of them"),
    Term(CELL_EDGES, "attribute", "Upper edges of the bins of a numeric column"),
    Term(CELL_CATEGORIES, "attribute", "Categories with a bin of their own; one more bin holds the rest"),
    Term(
        COLUMN_TOLERANCE,
        "attribute",
        "How far a column may move before it matters, where it has a tolerance of its own",
    ),
    Term(COLUMN_BLOCK, "attribute", "The block that a column belongs to, where the user has named one"),
    Term(COLUMN_CLUSTER, "attribute", "The first of the columns that it is correlated with, if they are many"),
    Term(COLUMN_DECIMALS, "attribute", f"Values of `{FEATURE_DECIMALS}` that `{CHUNK_DECIMALS}` counts"),
    Term(CHUNK_DECIMALS, "attribute", "Counts of numbers with so many decimals, as in `ml.chunk.cells`"),
    Term(
        COLUMN_TYPE, "attribute", "`float`, `integer`, `boolean`, `string`, `timestamp` or `category` (numeric codes)"
    ),
    Term(COLUMN_POSITION, "attribute", "Place of an input among all inputs, from 0 (training profiles)"),
    Term(PAIR_MEMBERS, "attribute", "The two inputs of a pair (training profiles)"),
    Term(PAIR_THRESHOLDS, "attribute", "Thresholds that split each input of a pair in half (training profiles)"),
    Term(
        DRIFT_TARGET,
        "attribute",
        f"`{TARGET_INPUT}`, `{TARGET_PAIR}`, `{TARGET_OUTPUT}`, `{TARGET_LABEL}`; `{TARGET_BLOCK}` of columns that "
        f"moved together; `{TARGET_ROWS}` for duplicates, `{TARGET_SEGMENT}` for a part of the rows that stands out; "
        f"`{TARGET_CONCEPT}` of outcomes given predictions; `{TARGET_PERFORMANCE}` below that of training",
    ),
    Term(
        SEGMENT_NAME,
        "attribute",
        "A part of the rows: bins and categories of the reference, or a condition that was declared; `other` for all "
        "that are beyond `segments.series`",
    ),
    Term(
        SEGMENT_KIND,
        "attribute",
        f"What is the matter with it: {', '.join(f'`{each}`' for each in SEGMENT_KINDS)}",
    ),
    Term(SEGMENT_MEASURE, "attribute", f"What was measured: {', '.join(f'`{each}`' for each in SEGMENT_MEASURES)}"),
    Term(SERVICE_NAME, "attribute", "Of the resource that served the model; also an attribute of results and events"),
    Term(SERVICE_NAMESPACE, "attribute", "As above"),
    Term(ENVIRONMENT_NAME, "attribute", "As above: a model in production and in staging are two series"),
    Term(
        TENANT_NAME,
        "resource attribute",
        "Whose the model is, by the credential of its sender; also an attribute of results and events",
    ),
    Term(
        REFERENCE_PROVISIONAL, "attribute", "True if live data serves as the reference, for lack of a training profile"
    ),
    Term(
        REFERENCE_MISMATCH,
        "attribute",
        f"Why a column does not match: `{MISMATCH_MISSING}` (in the reference alone), `{MISMATCH_UNKNOWN}` (in the "
        f"data alone), `{MISMATCH_TYPE}` (another one), `{MISMATCH_PAIR}` (of inputs, not counted)",
    ),
    Term(INCIDENT_EVENTS["opened"], "event, WARN", "Columns of a model drifted; the body says which, and how"),
    Term(INCIDENT_EVENTS["updated"], "event, INFO", "Further columns drifted, or at least half of them recovered"),
    Term(INCIDENT_EVENTS["closed"], "event, INFO", "The last alarm of the model closed"),
    Term(
        INCIDENT_ID,
        "attribute",
        "Id of the incident, the same in all its events, in those of its alarms and in every replay (events)",
    ),
    Term(INCIDENT_START, "attribute", "End of the window that opened the incident, Unix seconds (events)"),
    Term(INCIDENT_COLUMNS, "attribute", "Names of its columns, the one with the strongest evidence first (events)"),
    Term(INCIDENT_TARGETS, "attribute", f"The kind of each of these columns, as `{DRIFT_TARGET}` (events)"),
    Term(ALARM_EVENTS["opened"], "event, INFO", "An alarm opened; the body says what drifted"),
    Term(
        ALARM_EVENTS["updated"],
        "event, INFO",
        "Another aspect of the column drifted, or the distance grew significantly",
    ),
    Term(ALARM_EVENTS["closed"], "event, INFO", "The column recovered, or is no longer monitored"),
    Term(ALARM_ID, "attribute", "Id of the alarm, the same in all its events and in every replay (events)"),
    Term(ALARM_START, "attribute", "End of the window that opened the alarm, Unix seconds (events)"),
    Term(ALARM_TRACES, "attribute", "Trace ids of calls whose rows moved, the newest first (events)"),
    Term(DRIFT_ASPECT, "attribute", f"Aspect of the column that drifted: `value`, `{MISSING}`, … (events)"),
    Term(DRIFT_EVENT, "attribute", "What changed, in words: `share above 3.2: 20% → 35%` (events)"),
    Term(DRIFT_REASONS, "attribute", "What changed and what qualifies it, by kind: `moved`, `recovered`, … (events)"),
    *(
        Term(name, "attribute", f"{REASON_FIELDS[kind][field]} (events)")
        for (kind, field), name in REASON_ATTRIBUTES.items()
    ),
    Term(
        ROWS_EVENT, "event", "Rows of one model and operation, sampled by their ids; the body holds them (row batches)"
    ),
    Term(ROWS_SEEN, "attribute", "Rows of the interval, those included that were left out (row batches)"),
    Term(
        ROWS_THRESHOLD,
        "attribute",
        "Sampling threshold, as `th` in a trace state: rows of less randomness were left out (row batches)",
    ),
    Term(ROWS_FIRST, "attribute", "Prediction id of the first call in the batch (row batches)"),
    Term(ROWS_LAST, "attribute", "Prediction id of the last call in the batch (row batches)"),
    Term(
        OUTCOME_EVENT,
        "event",
        "What became true of a predicted row: its label, or a figure of business; the time is when it became true "
        "(outcomes)",
    ),
    Term(
        FEATURES_EVENT,
        "event",
        "What another pipeline makes of the features of a predicted row, as attributes `ml.input.<feature>` (features)",
    ),
    Term(OUTCOME_NAME, "attribute", "`label`, also where there is none, or the name of a figure (outcomes)"),
    Term(OUTCOME_LABEL, "attribute", "True class or value of the row (outcomes)"),
    Term(OUTCOME_VALUE, "attribute", "Number of a figure, or true value of the row (outcomes)"),
    Term(
        OUTCOME_ROW, "attribute", "Number of the row, from 0, where the prediction id has several (outcomes, features)"
    ),
    Term(
        OUTCOME_PROBABILITY,
        "attribute",
        "Probability with which the row was chosen to be labelled, above 0 and at most 1 (outcomes)",
    ),
    Term(OUTCOME_WEIGHT, "attribute", "Rows that this one stands for, besides; 1 by default (outcomes)"),
    Term(PERFORMANCE_BASIS, "attribute", "What performance is told from: `labels`"),
    Term(
        OUTCOME_STATE,
        "attribute",
        "What became of outcomes: `joined`, `waiting`, `duplicate`, `correction`, `not_sampled`, `orphan`, `late`, "
        "`evicted`",
    ),
    Term(
        ROW_KEY,
        "attribute",
        "Key of the row, 16 hexadecimal digits, in place of the prediction id (outcomes, features)",
    ),
    Term(EVENT_NAME, "attribute", "Name of the event again, for backends that ignore that field (events)"),
    Term(RECORD_UID, "attribute", "Unique id of the event, to deduplicate retries (events)"),
)
