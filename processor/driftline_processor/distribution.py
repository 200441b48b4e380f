"""What a column holds, for people to read: with or without a reference."""

from collections.abc import Mapping

from driftline.semconv import OTHER
from driftline_processor.records import Tally

QUANTILES = {"p05": 0.05, "p50": 0.5, "p95": 0.95}

TOP = 50
"""Classes whose shares are told; the others are added up."""


def numbers(tally: Tally) -> dict[str, float]:
    """Mean and quantiles of a column's numbers; nothing where it has none."""
    if not tally.intervals.total:
        return {}
    quantiles = tally.intervals.quantiles(tuple(QUANTILES.values()))
    return {"mean": tally.intervals.mean()} | dict(zip(QUANTILES, quantiles, strict=True))


def class_shares(categories: Mapping[str, float]) -> dict[str, float]:
    """Shares of the most frequent classes, and of all others together; nothing where there are none."""
    total = sum(categories.values())
    if not total:
        return {}
    ranked = sorted((name for name in categories if name != OTHER), key=lambda name: (-categories[name], name))
    shares = {name: categories[name] / total for name in ranked[:TOP]}
    others = 1.0 - sum(shares.values())
    return shares | ({OTHER: others} if len(shares) < len(categories) else {})


def kish(tally: Tally) -> float:
    """Effective rows per row: (sum w)²/sum w² over sum w (Kish 1965); 1 where nothing was sampled."""
    return tally.rows / tally.squares if tally.squares else 1.0
