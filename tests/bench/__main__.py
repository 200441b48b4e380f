"""`make bench`: measures the figures, or those that are named, prints them as a table and writes bench.json."""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import (
    aggregate,
    caller,
    capture,
    check,
    evaluate,
    fit,
    growth,
    ingest,
    ingest_points,
    join,
    server,
    span,
    torch_200_layers,
    torch_mlp_1_row,
    verdict,
)
from bench.harness import Figure, Result, table

FIGURES: Final[tuple[Figure, ...]] = (
    capture.FIGURE,
    *span.FIGURES,
    *caller.FIGURES,
    *check.FIGURES,
    torch_mlp_1_row.FIGURE,
    torch_200_layers.FIGURE,
    aggregate.FIGURE,
    fit.FIGURE,
    verdict.FIGURE,
    ingest.FIGURE,
    ingest_points.FIGURE,
    join.FIGURE,
    *growth.FIGURES,
    *server.FIGURES,
    evaluate.FIGURE,
)

OUTPUT: Final = Path("bench.json")
_WIDTH: Final = 110


def main(names: list[str]) -> int:
    """Measures each figure in a process of its own: none meets the threads or the memory of another."""
    known = {figure.name: figure for figure in FIGURES}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no figure {unknown[0]!r}: choose from {', '.join(known)}")
    console, results = Console(width=max(Console().width, _WIDTH)), []
    for name in names or known:
        console.print(f"[dim]measuring {name} …")  # no spinner: it would take part
        results.append(_measure(known[name]))
    console.print(table(results))
    OUTPUT.write_text(json.dumps({"figures": {each.figure.name: each.as_json() for each in results}}, indent=2) + "\n")
    return 0


def _measure(figure: Figure) -> Result:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return Result.of(figure, process.submit(figure.measure).result())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
