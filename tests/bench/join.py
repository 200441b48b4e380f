"""join_outcomes: outcomes joined with the rows that wait for them.

Measured: CPU time of joining 20,000 outcomes, of as many requests as the Collector makes of them, with a million rows
that wait in a SQLite file, and of saving what has changed. Against: a second of one core.
"""

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.harness import Figure
from driftline.outcomes.event import Outcome
from driftline.rows.batch import RowBatch
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.table import OUTPUT, RowColumn, RowTable
from driftline.sketch.time_units import DAY, SECOND
from driftline_processor.outcomes.join import JoinLimits, OutcomeJoin
from driftline_processor.records import ModelKey
from driftline_processor.service.store import Store

ROWS: Final = 1_000_000
OUTCOMES: Final = 20_000
ROUNDS: Final = 8
_BATCH: Final = 10_000
_REQUEST: Final = 2_000
_NOW: Final = 1_700_000_000 * SECOND


def measure() -> NDArray[np.float64]:
    with TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder)}/join.db")
        join = OutcomeJoin(JoinLimits(30 * DAY, 1 << 30, DAY), partial(store.waiting, ""))
        for number, ids in enumerate(np.split(np.arange(ROWS), ROWS // _BATCH)):
            join.add_rows(ModelKey("churn"), "predict", _batch(ids, number))
            join.join(_NOW)
        _save(join, store)
        chosen = np.random.default_rng(1).permutation(ROWS)
        seconds = [_round(join, store, chosen[at : at + OUTCOMES]) for at in range(0, ROUNDS * OUTCOMES, OUTCOMES)]
        assert join.states()["joined"] == ROUNDS * OUTCOMES
        store.close()
    return np.array(seconds)


def _round(join: OutcomeJoin, store: Store, ids: NDArray[np.int64]) -> float:
    outcomes = [Outcome(f"u{each}", label=each % 2, id=str(each), time=_NOW, observed=_NOW) for each in ids.tolist()]
    begin = time.process_time()
    for at in range(0, OUTCOMES, _REQUEST):
        join.add_outcomes(outcomes[at : at + _REQUEST], (), _NOW)
    join.join(_NOW)
    _save(join, store)
    return time.process_time() - begin


def _batch(ids: NDArray[np.int64], number: int) -> RowBatch:
    random = np.random.default_rng(number)
    columns = {
        RowColumn(OUTPUT, "prediction"): ids % 2,
        RowColumn(OUTPUT, "score"): random.random(len(ids)).astype(np.float32),
    }
    times = _NOW - DAY + number * 60 * SECOND + np.sort(random.integers(0, 60, len(ids))) * SECOND
    return RowBatch(f"p.{number}", 0, len(ids), RowTable(row_keys(hash_ids(ids).hashes), times, columns))


def _save(join: OutcomeJoin, store: Store) -> None:
    store.save({}, joins={"": join.changes()})
    join.committed()


FIGURE: Final = Figure("join_outcomes", "a second of one core for 20,000", 1.0, 0.5, measure)
