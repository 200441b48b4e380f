"""Labels that come late, twice, out of order and for rows that nobody has, while the processor is killed every 10 s."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final

import numpy as np

from driftline import semconv
from driftline.outcomes.event import Outcome
from driftline.rows.batch import RowBatch
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.table import OUTPUT, RowColumn, RowTable
from driftline.sketch.time_units import DAY, SECOND
from driftline_processor.service.internal_metrics import METRIC_PREFIX
from e2e.processes import free_ports
from otlp_requests import batch_record, logs_request, outcome_record
from torture.backend import Backend
from torture.client import Client
from torture.otlp_stream import Message
from torture.processors import Processor
from torture.rig import Rig

_ROWS: Final = 1000
"""Of a batch, and outcomes of a request."""

_WRONG: Final = 0.1
"""Of the labels: accuracy is what is left."""

_NOW: Final = time.time_ns() // SECOND * SECOND


def test_feedback(rig: Rig) -> None:
    """Every outcome is joined once, what was doubled or has no row is counted as that, and performance follows."""
    backend = rig.backend()
    port, results = free_ports(2)
    settings = {"outcomes": {"wait": "60d", "window": "50d"}}
    processor = rig.processor(export=results, port=port, settings=settings)
    processor.start()
    gateway = rig.gateway(backend=backend.port, processor=port, results=results)
    predictions = rig.choose(short=20_000, full=1_000_000)
    ids, labelled = np.arange(predictions), predictions * 3 // 10
    over = Event()
    killer = Thread(target=_kill, args=(processor, over, rig.choose(short=1.5, full=10.0)))
    begun = time.monotonic()
    killer.start()
    with Client(gateway.port) as client:
        for message in _shuffled(ids, labelled):
            assert client.deliver(message, within=120.0).taken
            time.sleep(rig.choose(short=0.15, full=0.08))
        sent = time.monotonic()
        over.set()
        killer.join()
    expected = {"joined": labelled, "duplicate": labelled // 50, "waiting": labelled // 100}
    with suppress(AssertionError):
        backend.wait_for(lambda _: _states(backend) == expected, rig.choose(short=60.0, full=180.0))
    joined = time.monotonic()
    told = _accuracy(backend)
    rig.figures |= {
        "predictions": predictions,
        "outcomes": f"{_states(backend)}",
        "expected": f"{expected}",
        "kills": processor.log.count("Listening on") - 1,
        "sent in": f"{sent - begun:.0f} s",
        "all told after": f"{joined - sent:.0f} s",
        "accuracy": told,
        "store": f"{(processor.folder / 'driftline.db').stat().st_size / 1e6:.0f} MB",
        "memory": f"{processor.memory:.0f} MiB",
    }
    assert _states(backend) == expected
    assert joined - sent < 60.0
    assert processor.log.count("Listening on") > 1
    low, value, high = told
    assert low <= 1 - _WRONG <= high
    assert abs(value - (1 - _WRONG)) < 0.02
    assert not [event for event in backend.events if event.name in (semconv.ROWS_EVENT, semconv.OUTCOME_EVENT)]


def _shuffled(ids: Any, labelled: int) -> Iterator[Message]:
    """Batches of rows and requests of outcomes, in any order: 2 % of these come twice, 1 % are of no row."""
    chance = np.random.default_rng(3)
    times = _NOW - 40 * DAY + np.sort(chance.integers(0, 30 * DAY, len(ids)))
    requests: list[Message] = []
    for number, part in enumerate(np.split(ids, len(ids) // _ROWS)):
        columns = {RowColumn(OUTPUT, "prediction"): part % 2}
        table = RowTable(row_keys(hash_ids(part).hashes), times[part], columns)
        batch = RowBatch(f"{'a' * 24}.{number + 1}", 0, _ROWS, table)
        requests.append(_message(batch_record(batch)))
    chosen = chance.choice(ids, labelled, replace=False)
    delays = (chance.lognormal(np.log(4 * 86_400), 1.0, labelled) * 1e9).astype(np.int64)
    wrong = chance.random(labelled) < _WRONG
    outcomes = [
        Outcome(f"u{each}", label=int(each % 2) ^ int(flipped), id=str(each), time=int(at), observed=_NOW)
        for each, flipped, at in zip(chosen.tolist(), wrong, times[chosen] + delays, strict=True)
    ]
    outcomes += [outcomes[place] for place in chance.choice(labelled, labelled // 50, replace=False)]
    outcomes += [Outcome(f"o{n}", label=1, id=f"none-{n}", time=_NOW, observed=_NOW) for n in range(labelled // 100)]
    order = chance.permutation(len(outcomes)).tolist()
    parts = (order[at : at + _ROWS] for at in range(0, len(order), _ROWS))
    requests += [_message(*(outcome_record(outcomes[place]) for place in part)) for part in parts]
    random.Random(4).shuffle(requests)
    yield from requests


def _message(*records: Any) -> Message:
    return Message("logs", logs_request(*records).SerializeToString())


def _kill(processor: Processor, over: Event, pause: float) -> None:
    """Each time when it has served for so long."""
    while not over.wait(pause):
        processor.kill()
        processor.start()


def _states(backend: Backend) -> dict[str, int]:
    """Outcomes by what became of them, as the processor says."""
    return {
        dict(attributes)[semconv.OUTCOME_STATE]: int(value)
        for (name, attributes), value in dict(backend.internal).items()
        if name == f"{METRIC_PREFIX}.outcomes" and value
    }


def _accuracy(backend: Backend) -> tuple[float, float, float]:
    """The newest, between the ends of its interval."""
    newest = {each.metric: each.value for each in backend.results if each.metric.startswith("ml.performance.accuracy")}
    return tuple(newest[f"ml.performance.accuracy{end}"] for end in (".low", "", ".high"))  # type: ignore[return-value]
