"""What was measured: a score by stream, method and seed, and statistics beside scipy's; verdicts.json holds it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

from bench.verdicts.oracles import Compared
from bench.verdicts.score import Score


class Run(NamedTuple):
    stream: str
    method: str
    seed: int


@dataclass(slots=True)
class Results:
    """scores: of runs. faults: what ended the others. compared: our statistics beside scipy's."""

    scores: dict[Run, Score] = field(default_factory=dict)
    faults: dict[Run, str] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)

    def add(self, run: Run, found: Score | str) -> None:
        into: dict[Run, Any] = self.faults if isinstance(found, str) else self.scores
        self.faults.pop(run, None)
        self.scores.pop(run, None)
        into[run] = found

    def streams(self) -> list[str]:
        return list(dict.fromkeys(run.stream for run in self.scores))

    def methods(self, stream: str) -> list[str]:
        return list(dict.fromkeys(run.method for run in self.scores if run.stream == stream))

    def seeds(self, stream: str, method: str) -> frozenset[int]:
        return frozenset(run.seed for run in self.scores if run.stream == stream and run.method == method)

    def total(self, stream: str, method: str, seeds: Iterable[int] | None = None) -> Score:
        """Over all seeds, or these. Raises KeyError where there is none."""
        chosen = self.seeds(stream, method) if seeds is None else seeds
        parts = [self.scores[Run(stream, method, seed)] for seed in sorted(chosen)]
        if not parts:
            raise KeyError(stream)
        return reduce(add, parts)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """What was measured before; nothing where there is no file."""
        if not path.exists():
            return cls()
        found = json.loads(path.read_text(encoding="utf-8"))
        heads = [(Run(row.pop("stream"), row.pop("method"), row.pop("seed")), row) for row in found["streams"]]
        return cls(
            {run: Score(**row) for run, row in heads if "fault" not in row},
            {run: row["fault"] for run, row in heads if "fault" in row},
            [Compared(**row) for row in found.get("statistics", [])],
        )

    def write(self, path: Path, gates: Sequence[dict[str, Any]]) -> None:
        measured = [{**run._asdict(), **score.as_json()} for run, score in sorted(self.scores.items())]
        faults = [{**run._asdict(), "fault": fault} for run, fault in sorted(self.faults.items())]
        compared = [asdict(each) for each in self.compared]
        whole = {"gates": gates, "streams": measured + faults, "statistics": compared}
        path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
