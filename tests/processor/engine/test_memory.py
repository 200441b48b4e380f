"""What a model, a column and a pane cost in memory, as docs/operations.md says it."""

import gc
import tracemalloc

import pytest

from bench.ingest_points import SETTINGS, requests
from driftline_processor.decode import decode_metrics
from driftline_processor.engine.engine import Engine
from engine_records import MINUTE

MODEL = 5_000
COLUMN = 1_300
PANE = 1_500
BUCKET = 24


def held(models: int, columns: int, panes: int) -> tuple[int, int]:
    """Bytes that an engine holds whose panes have been read, and the buckets with rows in all of them."""
    bodies = requests(models, columns, panes * 6)[5::6]
    batches = [decode_metrics(body).records for body in bodies]
    gc.collect()
    tracemalloc.start()
    engine = Engine(SETTINGS)
    for batch in batches:
        engine.observe(batch, batch[0].time)  # type: ignore[union-attr]  # points have one
    read = [pane.summaries() for model in engine._models.values() for pane in model.panes.by_start.values()]
    buckets = sum(len(each.intervals) for pane in read for each in pane.values())
    del read
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(next(iter(engine._models.values())).panes.by_start) == panes
    return size, buckets


@pytest.mark.parametrize(("models", "columns", "panes"), [(1, 10, 1), (1, 100, 1), (20, 10, 1), (4, 25, 4)])
def test_memory_by_model_column_and_pane(models: int, columns: int, panes: int) -> None:
    """A model, each of its columns, each pane of a column, and each bucket with rows in that."""
    size, buckets = held(models, columns, panes)
    expected = models * (MODEL + columns * (COLUMN + panes * PANE)) + BUCKET * buckets
    assert 0.6 * expected < size < 1.1 * expected
    assert SETTINGS.step == MINUTE
