"""Segments that somebody declared are told of in every window, within the cap and above the floor of privacy."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

import driftline
from driftline.rows.batch import RowBatch
from driftline.rows.table import CODE, INPUT, OUTPUT, RowColumn, RowTable
from driftline.segments.training import SegmentTraining
from driftline.sketch.splitmix import splitmix64
from driftline_processor.encode.gauges import encode_gauges
from driftline_processor.engine.engine import Engine
from driftline_processor.engine.engine_settings import EngineSettings, SegmentSettings
from driftline_processor.records import ModelKey, ModelRows, Reference, SegmentResult, WindowResult
from driftline_processor.reference.read import read_reference
from engine_records import MINUTE, SETTINGS, START, Sender

MODEL = ModelKey("churn", "1")
ROWS = 2000
ELDERLY = 'age >= 65 and region == "north"'


def frame(rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"age": rng.normal(50, 15, rows), "region": rng.choice(["north", "south"], rows, p=[0.3, 0.7])}


def reference(*segments: str) -> Reference:
    score = np.random.default_rng(1).random(20_000)
    profile = driftline.profile(frame(20_000), score=score, model="churn", segments=segments)
    return read_reference(profile.to_request())


def windows(
    known: Reference, settings: EngineSettings, columns: Mapping[RowColumn, np.ndarray], weight: int = 1
) -> list[WindowResult]:
    """One window of ROWS rows."""
    engine, sender = Engine(settings), Sender(model=MODEL, process="p")
    engine.put_reference(known)
    sender.predict({"age": frame(ROWS, 5)["age"].tolist()})
    engine.observe(sender.tell(START + 30_000_000_000), START + MINUTE)
    times = np.full(ROWS, START + 20_000_000_000, np.int64)
    keys = splitmix64(np.arange(ROWS, dtype=np.uint64))
    threshold = (1 << 56) - (1 << 56) // weight
    batch = RowBatch("p.1", threshold, ROWS * weight, RowTable(keys, times, columns), reference=known.id)
    engine.observe([ModelRows(MODEL, "predict", batch)], START + MINUTE)
    return engine.advance(START + 10 * MINUTE)


def live(rows: int = ROWS) -> dict[RowColumn, np.ndarray]:
    columns = {RowColumn(INPUT, name): values for name, values in frame(rows, 5).items()}
    return {**columns, RowColumn(OUTPUT, "score"): np.random.default_rng(6).random(rows)}


def told(results: list[WindowResult]) -> dict[str, SegmentResult]:
    return {each.name: each for each in results[0].segments}


def inside() -> int:
    given = frame(ROWS, 5)
    return int(((given["age"] >= 65) & (given["region"] == "north")).sum())


@pytest.mark.parametrize("where", ["reference", "settings"])
def test_a_condition_is_told_of_though_all_is_well(where: str) -> None:
    """Its rows, share and low confidence; where the profile declared it, beside training's."""
    declared = SegmentSettings(declared={"other": ["region"], "chu*": [ELDERLY]})
    known = reference(ELDERLY) if where == "reference" else reference()
    settings = SETTINGS if where == "reference" else replace(SETTINGS, segments=declared)
    (found,) = told(windows(known, settings, live())).values()
    assert (found.name, found.kind, found.rows) == (ELDERLY, "declared", inside())
    assert found.share == pytest.approx(inside() / ROWS)
    assert found.figures["low confidence"].value == pytest.approx(0.1, abs=0.06)
    if where == "reference":
        assert found.reference_share == pytest.approx(0.05, abs=0.01)
        assert found.figures["low confidence"].elsewhere == pytest.approx(0.1, abs=0.03)
    else:
        assert found.reference_share is None


def test_every_category_of_a_declared_column_is_a_segment() -> None:
    """Sampled rows count by their weight, and codes tell as much as values."""
    known = reference("region")
    found = told(windows(known, SETTINGS, live(), weight=4))
    north = np.count_nonzero(frame(ROWS, 5)["region"] == "north")
    assert found.keys() == {f"region = {each}" for each in ("south", "north", "other", "missing")}
    assert found["region = north"].rows == 4 * north
    coded = live()
    region = coded.pop(RowColumn(INPUT, "region"))
    codes = np.where(region == "south", 0, 1).astype(np.uint8)
    again = told(windows(known, SETTINGS, {**coded, RowColumn(CODE, "region"): codes}, weight=4))
    assert again["region = north"].rows == 4 * north


def test_what_rows_do_not_hold_is_not_told() -> None:
    """A condition on codes cannot be told, and neither can a column that is hidden at the source."""
    hidden = {key: values for key, values in live().items() if key.name != "region"}
    assert told(windows(reference(ELDERLY, "region"), SETTINGS, hidden)) == {}


def test_series_have_a_cap_and_a_floor() -> None:
    """Of the segments above the floor, the first are told and the others summed."""
    known = reference(ELDERLY, "region", "age < 20")
    capped = told(windows(known, replace(SETTINGS, segments=SegmentSettings(series=1)), live()))
    assert len(capped) == 2
    assert capped["other"].kind == "other"
    floor = told(windows(known, replace(SETTINGS, segments=SegmentSettings(min_rows=300)), live()))
    assert all(each.rows == 0 or each.rows >= 300 for each in floor.values())
    assert ELDERLY not in floor


def test_series_have_names_of_the_reference_or_the_declaration_and_no_live_value() -> None:
    """A region that training never had is counted with the others."""
    served = live()
    served[RowColumn(INPUT, "region")] = np.full(ROWS, "secret town", object)
    results = windows(reference("region"), SETTINGS, served)
    (request,) = encode_gauges(results)
    metrics = {m.name: m for r in request.resource_metrics for s in r.scope_metrics for m in s.metrics}
    points = {str(p.attributes["ml.segment.name"]): p.value for p in metrics["ml.segment.rows"].data.data_points}
    assert points["region = other"] == ROWS
    of_segments = [p for name, m in metrics.items() if name.startswith("ml.segment.") for p in m.data.data_points]
    assert all("secret" not in str(p.attributes) for p in of_segments)
    assert {p.attributes["ml.segment.kind"] for p in of_segments} == {"declared"}


def test_a_declared_segment_is_in_the_lattice() -> None:
    """So that all that is judged of any segment is judged of it."""
    training = reference(ELDERLY).segments
    assert isinstance(training, SegmentTraining)
    assert training.declared == (ELDERLY,)
    assert training.columns[-1].named(1) == ELDERLY
    assert len(training.columns) - 1 in training.paired
