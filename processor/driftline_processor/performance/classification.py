"""Accuracy, balanced accuracy; precision, recall and F1 of each class."""

from collections.abc import Mapping, Sequence

from driftline_processor.performance.confusion import ConfusionCounts, WeightSums
from driftline_processor.performance.intervals import f1_of_jaccard, kish_size, mean_of, wilson
from driftline_processor.performance.measured import Measured, Metric
from driftline_processor.performance.sufficiency import too_few_labels, too_few_of_class


def accuracy(counts: ConfusionCounts) -> Metric:
    """The share of rows that are predicted right: Wilson at the Kish size."""
    few = too_few_labels(counts.labels.rows.sum())
    if few:
        return few
    weight = float(counts.labels.weight.sum())
    size = kish_size(weight, float(counts.labels.squares.sum()))
    return wilson(float(counts.hits.weight.sum()) / weight, size)


def balanced_accuracy(counts: ConfusionCounts, classes: Sequence[str]) -> Metric:
    """The mean of the recalls of the classes that labels have."""
    few = too_few_labels(counts.labels.rows.sum())
    if few:
        return few
    present = [code for code in range(len(classes)) if counts.labels.rows[code]]
    refused = (too_few_of_class(counts.labels.rows[code], "labels", classes[code]) for code in present)
    first = next(filter(None, refused), None)
    return first or mean_of([_share(counts.hits, counts.labels, code) for code in present])


def by_class(counts: ConfusionCounts, classes: Sequence[str], code: int) -> Mapping[str, Metric]:
    """Precision, recall and F1 of one class.

    Args:
        counts: Of all classes.
        classes: Their names.
        code: The class.

    """
    name = classes[code]
    few = too_few_labels(counts.labels.rows.sum())
    no_labels = few or too_few_of_class(counts.labels.rows[code], "labels", name)
    no_predictions = few or too_few_of_class(counts.predictions.rows[code], "predictions", name)
    return {
        "precision": no_predictions or _share(counts.hits, counts.predictions, code),
        "recall": no_labels or _share(counts.hits, counts.labels, code),
        "f1": no_labels or f1_of_jaccard(_share(counts.hits, counts.unions, code)),
    }


def _share(part: WeightSums, whole: WeightSums, code: int) -> Measured:
    return wilson(min(float(part.weight[code] / whole.weight[code]), 1.0), whole.kish(code))
