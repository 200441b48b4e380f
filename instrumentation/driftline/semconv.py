"""Every name on the wire, and what it means. This module imports nothing of ours.

OpenTelemetry has no convention for classic machine learning yet (semantic-conventions #3420 is open), so all names
share one prefix that a migration can change. `TERMS` documents them: the README's table is made from it.
"""

from typing import Final, NamedTuple

PREFIX: Final = "ml"

SCOPE: Final = "driftline"
"""Name of the instrumentation scope of everything that we send."""

# What a call was: on spans and on data points alike.
MODEL_NAME: Final = f"{PREFIX}.model.name"
MODEL_VERSION: Final = f"{PREFIX}.model.version"
MODEL_TYPE: Final = f"{PREFIX}.model.type"
SYSTEM_NAME: Final = f"{PREFIX}.system.name"
OPERATION_NAME: Final = f"{PREFIX}.operation.name"
TASK: Final = f"{PREFIX}.task"
ERROR_TYPE: Final = "error.type"

# Values and nothing but values stand below INPUT and VECTOR, so that one pattern strips them from a backend.
INPUT: Final = f"{PREFIX}.input"
VECTOR_NAMES: Final = f"{PREFIX}.vector.names"
VECTOR_VALUES: Final = f"{PREFIX}.vector.values"
ROW_COUNT: Final = f"{PREFIX}.row.count"
FEATURE_COUNT: Final = f"{PREFIX}.feature.count"
OUTPUT: Final = f"{PREFIX}.output"
PREDICTION_ID: Final = f"{PREFIX}.prediction.id"
SKETCHED: Final = f"{PREFIX}.sketched"

# What the model server measures.
INFERENCE_DURATION: Final = f"{PREFIX}.inference.duration"
INFERENCE_ROWS: Final = f"{PREFIX}.inference.rows"
FEATURE_VALUE: Final = f"{PREFIX}.feature.value"
FEATURE_TAIL: Final = f"{PREFIX}.feature.tail"
FEATURE_CATEGORY: Final = f"{PREFIX}.feature.category"
FEATURE_OBSERVATIONS: Final = f"{PREFIX}.feature.observations"
OUTPUT_VALUE: Final = f"{PREFIX}.output.value"
OUTPUT_TAIL: Final = f"{PREFIX}.output.tail"
OUTPUT_PREDICTIONS: Final = f"{PREFIX}.output.predictions"
OUTPUT_OBSERVATIONS: Final = f"{PREFIX}.output.observations"
PAIR_ROWS: Final = f"{PREFIX}.pair.rows"

# What Driftline says of itself, in a model server.
DROPPED_ROWS: Final = "driftline.dropped.rows"
DROPPED_COLUMNS: Final = "driftline.dropped.columns"
FAULTS: Final = "driftline.faults"
FAULT_STAGE: Final = "driftline.fault.stage"

# Attributes of those data points.
FEATURE_NAME: Final = f"{PREFIX}.feature.name"
FEATURE_STATE: Final = f"{PREFIX}.feature.state"
CATEGORY: Final = f"{PREFIX}.category"
OUTPUT_NAME: Final = f"{PREFIX}.output.name"
OUTPUT_CLASS: Final = f"{PREFIX}.output.class"
SKETCH_PART: Final = f"{PREFIX}.sketch.part"
PAIR_NAME: Final = f"{PREFIX}.pair.name"
PAIR_SIDES: Final = f"{PREFIX}.pair.sides"

# Values of FEATURE_STATE. A row of a column is `valid` exactly when a sketch or a category counts it; `out_of_range`
# tells how many of the valid ones lie in the tails of the sketch.
VALID: Final = "valid"
MISSING: Final = "missing"
NON_FINITE: Final = "non_finite"
WRONG_TYPE: Final = "wrong_type"
OUT_OF_RANGE: Final = "out_of_range"

# Values of SKETCH_PART: the tails of a sketch, by where they lie from its core.
BELOW: Final = "below"
MIDDLE: Final = "middle"
ABOVE: Final = "above"

# Values of PAIR_SIDES: where a row lies, seen from the medians of both columns in training.
SAME: Final = "same"
OPPOSITE: Final = "opposite"

OTHER: Final = "other"
"""The category, or class, under which all beyond the bound on distinct values are counted."""

# Names of outputs: the values of OUTPUT_NAME, and what follows OUTPUT on a span.
PREDICTION: Final = "prediction"
CONFIDENCE: Final = "confidence"
SCORE: Final = "score"
ENTROPY: Final = "entropy"
MARGIN: Final = "margin"
RAW: Final = "raw"

# A reference: the same metrics with DATASET_ROLE = REFERENCE on the resource, and the chunks beside them.
DATASET_ROLE: Final = f"{PREFIX}.dataset.role"
REFERENCE: Final = "reference"
REFERENCE_ID: Final = f"{PREFIX}.reference.id"
REFERENCE_POINTS: Final = f"{PREFIX}.reference.points"
REFERENCE_CHUNKS: Final = f"{PREFIX}.reference.chunks"
REFERENCE_COLUMN: Final = f"{PREFIX}.reference.column"
CHUNKED_BY: Final = f"{PREFIX}.chunk.by"
CHUNK_STARTS: Final = f"{PREFIX}.chunk.starts"
CHUNK_ENDS: Final = f"{PREFIX}.chunk.ends"
CHUNK_CELLS: Final = f"{PREFIX}.chunk.cells"
CELL_EDGES: Final = f"{PREFIX}.cell.edges"
CELL_CATEGORIES: Final = f"{PREFIX}.cell.categories"
COLUMN_TYPE: Final = f"{PREFIX}.column.type"
PAIR_MEMBERS: Final = f"{PREFIX}.pair.members"
PAIR_THRESHOLDS: Final = f"{PREFIX}.pair.thresholds"

# What the processor says. Its own metrics are rows of the processor's table METRICS; these are their attributes.
DRIFT_TARGET: Final = f"{PREFIX}.drift.target"
REFERENCE_PROVISIONAL: Final = f"{PREFIX}.reference.provisional"

# Those of its metrics that the demo reads.
DRIFT_ALARM: Final = f"{PREFIX}.drift.alarm"
DRIFT_STATE: Final = f"{PREFIX}.drift.state"
DISTRIBUTION_MEDIAN: Final = f"{PREFIX}.distribution.p50"
CLASS_SHARE: Final = f"{PREFIX}.prediction.class.share"
PROCESSOR_ROWS: Final = f"{SCOPE}.processor.rows"

# Its alarms: log records with an event name. What has the name of a metric has its meaning.
ALARM_EVENTS: Final = {change: f"{PREFIX}.alarm.{change}" for change in ("opened", "updated", "closed")}
ALARM_ID: Final = f"{PREFIX}.alarm.id"
ALARM_START: Final = f"{PREFIX}.alarm.start"
ALARM_TRACES: Final = f"{PREFIX}.alarm.traces"
DRIFT_ASPECT: Final = f"{PREFIX}.drift.aspect"
DRIFT_EVENT: Final = f"{PREFIX}.drift.event"
DRIFT_DISTANCE: Final = f"{PREFIX}.drift.distance"
DRIFT_LOWER_BOUND: Final = f"{PREFIX}.drift.lower_bound"
DRIFT_TOLERANCE: Final = f"{PREFIX}.drift.tolerance"
WINDOW_START: Final = f"{PREFIX}.drift.window.start"
WINDOW_END: Final = f"{PREFIX}.drift.window.end"
RECORD_UID: Final = "log.record.uid"

# Values of DRIFT_TARGET.
TARGET_INPUT: Final = "input"
TARGET_PAIR: Final = "pair"
TARGET_OUTPUT: Final = "output"
TARGET_LABEL: Final = "label"


class ColumnNames(NamedTuple):
    """Metrics and attributes of a kind of column, live or of a reference; "" for what it does not have."""

    column: str
    value: str
    tail: str
    counts: str
    category: str
    observations: str


INPUT_COLUMN: Final = ColumnNames(
    FEATURE_NAME, FEATURE_VALUE, FEATURE_TAIL, FEATURE_CATEGORY, CATEGORY, FEATURE_OBSERVATIONS
)
OUTPUT_COLUMN: Final = ColumnNames(
    OUTPUT_NAME, OUTPUT_VALUE, OUTPUT_TAIL, OUTPUT_PREDICTIONS, OUTPUT_CLASS, OUTPUT_OBSERVATIONS
)


PAIR_COLUMN: Final = ColumnNames(PAIR_NAME, "", "", PAIR_ROWS, PAIR_SIDES, "")


class Term(NamedTuple):
    """One documented name: `kind` is span, attribute, metric with instrument and unit, or event with severity."""

    name: str
    kind: str
    meaning: str


TERMS: Final = (
    Term(f"{{{OPERATION_NAME}}} {{{MODEL_NAME}}}", "span", "One outermost model call; none during `fit`"),
    Term(MODEL_NAME, "attribute", "From `describe()`, `DRIFTLINE_MODEL_NAME`, else the class"),
    Term(MODEL_VERSION, "attribute", "From `describe()` or `DRIFTLINE_MODEL_VERSION`; absent when unknown"),
    Term(MODEL_TYPE, "attribute", "Class of the model; of a pipeline or search, of the last step (spans)"),
    Term(SYSTEM_NAME, "attribute", "The framework: `scikit_learn`, `pytorch`, …"),
    Term(OPERATION_NAME, "attribute", "The method called: `predict`, `predict_proba`, …"),
    Term(TASK, "attribute", "`classification`, `regression`, … as described or guessed (spans, outputs)"),
    Term(ERROR_TYPE, "attribute", "Class of the exception that the model raised; absent on success"),
    Term(f"{INPUT}.<feature>", "attribute", "Value of a feature (one row), or of the first rows (spans)"),
    Term(VECTOR_NAMES, "attribute", "Feature names, where there are too many for an attribute each (spans)"),
    Term(VECTOR_VALUES, "attribute", "Their values in the first row (spans)"),
    Term(ROW_COUNT, "attribute", "Rows in the call (spans)"),
    Term(FEATURE_COUNT, "attribute", "Features in the call (spans)"),
    Term(f"{OUTPUT}.prediction", "attribute", "Predicted class or value (spans)"),
    Term(f"{OUTPUT}.confidence", "attribute", "Probability of the predicted class (spans)"),
    Term(f"{OUTPUT}.{ENTROPY}", "attribute", "Of the probabilities of more than two classes, in nats (spans)"),
    Term(f"{OUTPUT}.{MARGIN}", "attribute", "Between the two most probable of more than two classes (spans)"),
    Term(f"{OUTPUT}.{RAW}.<number>", "attribute", "What a module returned, of at most 16 numbers a row (spans)"),
    Term(f"{OUTPUT}.<name>", "attribute", "A further output (spans)"),
    Term(PREDICTION_ID, "attribute", "Joins a later outcome with this call (spans)"),
    Term(SKETCHED, "attribute", "The rows are in a sketch already: the processor does not count the span (spans)"),
    Term(INFERENCE_DURATION, "metric, histogram, s", "Duration of a model call"),
    Term(INFERENCE_ROWS, "metric, counter, {row}", "Rows given to the model"),
    Term(FEATURE_VALUE, "metric, exponential histogram", "Values of a numeric input: the core of its sketch"),
    Term(FEATURE_TAIL, "metric, exponential histogram", f"Values beyond the core, by `{SKETCH_PART}`"),
    Term(FEATURE_CATEGORY, "metric, counter, {row}", f"Values of a categorical input, by `{CATEGORY}`"),
    Term(FEATURE_OBSERVATIONS, "metric, counter, {row}", f"Rows of an input by `{FEATURE_STATE}`"),
    Term(OUTPUT_VALUE, "metric, exponential histogram", f"Values of a numeric output `{OUTPUT_NAME}`: the core"),
    Term(OUTPUT_TAIL, "metric, exponential histogram", f"Values beyond the core, by `{SKETCH_PART}`"),
    Term(OUTPUT_PREDICTIONS, "metric, counter, {row}", f"Predictions by `{OUTPUT_CLASS}`"),
    Term(OUTPUT_OBSERVATIONS, "metric, counter, {row}", f"Rows of an output by `{FEATURE_STATE}`"),
    Term(PAIR_ROWS, "metric, counter, {row}", f"Rows in which both inputs of a pair are numbers, by `{PAIR_SIDES}`"),
    Term(DROPPED_ROWS, "metric, counter, {row}", "Rows in no sketch, as the buffer was full"),
    Term(
        DROPPED_COLUMNS,
        "metric, gauge, {column}",
        "Columns beyond `DRIFTLINE_MAX_COLUMNS`: not sketched",
    ),
    Term(FAULTS, "metric, counter, {fault}", "Faults inside Driftline, by stage and error type; the model is unharmed"),
    Term(FAULT_STAGE, "attribute", "What Driftline was doing"),
    Term(FEATURE_NAME, "attribute", "The column: an input's name or, in the processor's metrics, any column's"),
    Term(FEATURE_STATE, "attribute", f"`{VALID}`, `{MISSING}`, `{NON_FINITE}`, `{WRONG_TYPE}`, `{OUT_OF_RANGE}`"),
    Term(CATEGORY, "attribute", f"Value of a categorical input; `{OTHER}` beyond the bound on distinct values"),
    Term(OUTPUT_NAME, "attribute", f"`{PREDICTION}`, `{CONFIDENCE}`, `{SCORE}`, `{ENTROPY}`, `{MARGIN}`, `{RAW}`, …"),
    Term(OUTPUT_CLASS, "attribute", "A predicted class"),
    Term(SKETCH_PART, "attribute", f"`{BELOW}`, `{MIDDLE}` or `{ABOVE}` the core"),
    Term(PAIR_NAME, "attribute", "Two inputs, and a digest of the medians that they are held against"),
    Term(PAIR_SIDES, "attribute", f"`{SAME}` or `{OPPOSITE}` sides of the medians in training"),
    Term(DATASET_ROLE, "resource attribute", f"`{REFERENCE}` marks a training profile"),
    Term(REFERENCE_ID, "resource attribute", "Digest of a training profile"),
    Term(REFERENCE_POINTS, "resource attribute", "Data points of a training profile: it counts when all have come"),
    Term(REFERENCE_CHUNKS, "metric, gauge, {chunk}", "Time chunks of a training profile, with their bounds"),
    Term(REFERENCE_COLUMN, "metric, gauge, {row}", "Rows of a column of a training profile, with its chunks and type"),
    Term(CHUNKED_BY, "attribute", "`time` or `rows`: how the training data was cut into chunks"),
    Term(CHUNK_STARTS, "attribute", "Start of each chunk, unix seconds (cut by rows: first row)"),
    Term(CHUNK_ENDS, "attribute", "End of each chunk, unix seconds (cut by rows: one past the last row)"),
    Term(CHUNK_CELLS, "attribute", "Counts of the column's cells, separated by blanks; chunks by semicolons"),
    Term(CELL_EDGES, "attribute", "Upper edges of the cells of a numeric column"),
    Term(CELL_CATEGORIES, "attribute", "Categories that have a cell of their own; one more cell holds the rest"),
    Term(COLUMN_TYPE, "attribute", "`float`, `integer`, `boolean`, `string`, `timestamp`, `category` (coded numbers)"),
    Term(PAIR_MEMBERS, "attribute", "Of a pair in a training profile: its two inputs"),
    Term(PAIR_THRESHOLDS, "attribute", "Of a pair in a training profile: the values that part each in two halves"),
    Term(DRIFT_TARGET, "attribute", f"`{TARGET_INPUT}`, `{TARGET_PAIR}`, `{TARGET_OUTPUT}` or `{TARGET_LABEL}`"),
    Term(REFERENCE_PROVISIONAL, "attribute", "True where live data stands in for a missing training profile"),
    Term(ALARM_EVENTS["opened"], "event, WARN", "An alarm has opened: what moved, in the body"),
    Term(ALARM_EVENTS["updated"], "event, INFO", "Another aspect has moved, too, or the distance has surely grown"),
    Term(ALARM_EVENTS["closed"], "event, INFO", "The column is back, or is not judged any more"),
    Term(ALARM_ID, "attribute", "The alarm: the same in all of its events, and in every replay (events)"),
    Term(ALARM_START, "attribute", "End of the window that opened the alarm, Unix seconds (events)"),
    Term(ALARM_TRACES, "attribute", "Trace ids of some calls in the window (events)"),
    Term(DRIFT_ASPECT, "attribute", f"What of the column moved: `value`, `{MISSING}`, … (events)"),
    Term(DRIFT_EVENT, "attribute", "What moved, in words: `share above 3.2: 20 % → 35 %` (events)"),
    Term(RECORD_UID, "attribute", "Tells an event that is sent again from a new one (events)"),
)
