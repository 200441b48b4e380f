"""`make bench-verdicts`: gives streams with a known truth to Driftline and to others, and says which gates hold.

Streams and methods may be chosen by parts of their names; what an earlier run measured of the others stays in
verdicts.json, and counts for the gates. `agreement with scipy` is chosen as a stream is: our statistics beside scipy's.
"""

import argparse
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track

from bench.verdicts import agreement
from bench.verdicts.gates import check
from bench.verdicts.measuring import SCENARIOS, measure
from bench.verdicts.methods import METHODS, OURS
from bench.verdicts.package import PACKAGES, prepare
from bench.verdicts.report import gates_table, streams_table
from bench.verdicts.results import Results, Run
from bench.verdicts.stream import Scenario

OUTPUT: Final = Path("verdicts.json")
_WIDTH: Final = 140


def main() -> None:
    """Each stream, seed and method in one of a few processes; the longest ones come first."""
    asked = _arguments()
    console, results = Console(width=max(Console().width, _WIDTH)), Results.read(OUTPUT)
    chosen = [name for name in METHODS if _is_asked(name, asked.methods)]
    for package in (name for name in PACKAGES if name in chosen):
        console.print(f"[dim]preparing {package} …")
        prepare(package)
    if OURS in chosen and _is_asked(agreement.AGREEMENT, asked.streams):
        console.print("[dim]comparing statistics with scipy's …")
        results.compared = agreement.measure()
    runs = [
        run
        for each in SCENARIOS.values()
        if _is_asked(each.name, asked.streams)
        for run in _runs(each, chosen, asked.scale)
    ]
    with ProcessPoolExecutor(asked.processes, mp_context=multiprocessing.get_context("spawn")) as processes:
        running = {processes.submit(measure, run): run for run in runs}
        for done in track(as_completed(running), "Measuring", len(running), console=console):
            results.add(running[done], done.result())
            results.write(OUTPUT, [])
    gates = check(results)
    results.write(OUTPUT, gates)
    console.print(streams_table(results))
    for run, fault in results.faults.items():
        console.print(f"[red]{run.method}, {run.stream}, seed {run.seed}: {fault}", highlight=False)
    console.print(gates_table(gates))


def _runs(scenario: Scenario, methods: list[str], scale: float) -> Iterator[Run]:
    for method in methods:
        seeds = scenario.rivals if method in PACKAGES else max(1, round(scenario.seeds * scale))
        yield from (Run(scenario.name, method, seed) for seed in range(seeds))


def _is_asked(name: str, parts: list[str]) -> bool:
    return not parts or any(part.lower() in name.lower() for part in parts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-verdicts", description=__doc__)
    parser.add_argument("--streams", type=_parts, default=[], help="parts of names, with a semicolon between")
    parser.add_argument("--methods", type=_parts, default=[], help="parts of names, with a semicolon between")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of seeds")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


if __name__ == "__main__":
    main()
