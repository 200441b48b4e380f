"""Sketches of columns as plain OpenTelemetry data: exponential histograms and counters. Shared with the processor.

A numeric column is a fine *core* and coarse *tails*, each an ordinary exponential histogram, with every row in exactly
one. For 20,000 rows, the certain bound on the Kolmogorov-Smirnov distance between two sketches with different layouts
is within .005 of the exact distance, for all but the heaviest-tailed distributions. Imports only numpy and `semconv`,
and `otlp` the protobuf messages.
"""

from driftline.sketch.bins import cut_bins, project
from driftline.sketch.categories import MOST_NAMED, CategorySketch, hashed
from driftline.sketch.histogram import Buckets, Histogram
from driftline.sketch.intervals import Intervals
from driftline.sketch.layout import Layout
from driftline.sketch.layout_fit import fit_layout, unresolved_share
from driftline.sketch.numeric import NumericSketch
from driftline.sketch.points import NumericPoints
from driftline.sketch.stream import NumericStream, StreamPoints

__all__ = [
    "MOST_NAMED",
    "Buckets",
    "CategorySketch",
    "Histogram",
    "Intervals",
    "Layout",
    "NumericPoints",
    "NumericSketch",
    "NumericStream",
    "StreamPoints",
    "cut_bins",
    "fit_layout",
    "hashed",
    "project",
    "unresolved_share",
]
