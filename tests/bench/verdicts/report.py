"""Tables for people."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from bench.verdicts.results import Results
from bench.verdicts.score import Score


def gates_table(gates: Sequence[dict[str, Any]]) -> Table:
    shown = Table("gate", "value", "has to be", "", box=None, pad_edge=False, header_style="bold")
    for each in gates:
        shown.add_row(each["name"], each["value"], each["gate"], "holds" if each["holds"] else "FAILED")
    return shown


def streams_table(results: Results) -> Table:
    """A line for each stream and method, over the seeds that were run."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("stream", "method"):
        shown.add_column(heading, no_wrap=True)
    for heading in (
        "seeds",
        "false pages",
        "allowed",
        "false",
        "power",
        "soon",
        "missed",
        "delay",
        "right",
        "ms",
        "KiB",
    ):
        shown.add_column(heading, justify="right", no_wrap=True)
    for stream in results.streams():
        for method in results.methods(stream):
            seeds = len(results.seeds(stream, method))
            shown.add_row(stream, method, str(seeds), *_cells(results.total(stream, method), seeds))
    return shown


def _cells(score: Score, seeds: int) -> tuple[str, ...]:
    drift = (
        f"{score.power:.0%}",
        f"{score.soon}/{score.moved}",
        f"{score.missed}",
        f"{score.mean_delay:.1f}",
        f"{score.right}/{score.named}",
    )
    judged = max(score.quiet + score.drifted, 1)
    return (
        str(score.pages),
        f"{score.budget:.2g}",
        f"{score.false_rate:.2%}",
        *(drift if score.moved else [""] * len(drift)),
        f"{1e3 * score.seconds / judged:.2f}",
        f"{score.kept / seeds / 1024:,.0f}",
    )
