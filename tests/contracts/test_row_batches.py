"""Row batches over every framework and container: which rows, by which keys, with which values."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

import driftline
from contracts.test_framework_contract import COLUMNS, DATA, FRAMEWORKS, LABELS, ROWS, Framework
from driftline import semconv
from driftline.rows.batch import RowBatch, merged_by_key, weighted
from driftline.rows.keys import hash_ids, row_keys
from driftline.rows.otlp import SentBatch
from driftline.rows.table import INPUT, OUTPUT, RowTable
from driftline.runtime.self_faults import FAULTS
from telemetry import Telemetry

RNG = np.random.default_rng(8)
IDS = [f"A-{number}" for number in range(ROWS)]


def keys_of(ids: Any, rows: Any = 0) -> list[int]:
    return row_keys(hash_ids(ids).hashes, rows).tolist()


def joined(sent: Sequence[SentBatch]) -> RowTable:
    return RowTable.joined([each.batch.table for each in sent])


def inputs(table: RowTable) -> dict[str, Any]:
    return {column.name: values for column, values in table.columns.items() if column.role == INPUT}


def seen(sent: Sequence[SentBatch]) -> int:
    return sum(each.batch.seen for each in sent)


class Model(BaseEstimator):
    """Says of each row what its first column holds."""

    def predict(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(X)[:, 0].astype(np.float64)


@pytest.fixture(params=FRAMEWORKS.values(), ids=FRAMEWORKS.keys(), scope="module")
def framework(request: pytest.FixtureRequest) -> Framework:
    return request.param()


def test_ids_of_the_caller_reach_the_rows(instrumented: Callable[..., Telemetry], framework: Framework) -> None:
    """Under every framework: each row has the key of its id, its inputs and its prediction; counts are exact."""
    telemetry = instrumented(rows="all")
    model = framework.model()
    with driftline.identified(IDS) as scope:
        framework.call(model, DATA)
    made = driftline.prediction_id()
    telemetry.flush()

    (sent,) = telemetry.row_batches()
    assert sent.batch.table.keys.tolist() == keys_of(IDS)
    np.testing.assert_array_equal(np.column_stack(list(inputs(sent.batch.table).values())), DATA)
    assert {column.role for column in sent.batch.table.columns} == {INPUT, OUTPUT}
    assert sent.batch.seen == telemetry.total(semconv.INFERENCE_ROWS) == ROWS
    (span,) = telemetry.spans()
    assert span.attributes[semconv.PREDICTION_ID] == made == scope.prediction_id == sent.batch.first == sent.batch.last
    for name, value in {semconv.MODEL_NAME: sent.model, semconv.OPERATION_NAME: sent.operation}.items():
        assert span.attributes[name] == value
    assert not FAULTS.counts()


def test_without_ids_rows_have_those_of_their_calls(
    instrumented: Callable[..., Telemetry], framework: Framework
) -> None:
    """The call's id and the number of the row; the batch says which calls it holds."""
    telemetry = instrumented(rows="all")
    model, made = framework.model(), []
    for rows in (DATA, DATA[:1], DATA[:3]):
        framework.call(model, rows)
        made.append(driftline.prediction_id())
    telemetry.flush()

    (sent,) = telemetry.row_batches()
    expected = [key for id_, rows in zip(made, (ROWS, 1, 3), strict=True) for key in keys_of([id_] * rows, range(rows))]
    assert sent.batch.table.keys.tolist() == expected
    assert all(sent.batch.first <= id_ <= sent.batch.last for id_ in made)


def test_a_call_that_fails_has_rows(instrumented: Callable[..., Telemetry], framework: Framework) -> None:
    """They were passed to the model, and are counted: without a prediction."""
    telemetry = instrumented(rows="all")
    with pytest.raises(Exception):  # noqa: B017, PT011  # each library has its own
        framework.call(framework.model(), framework.bad())
    telemetry.flush()

    assert seen(telemetry.row_batches()) == telemetry.total(semconv.INFERENCE_ROWS) == 2
    assert OUTPUT not in {column.role for column in joined(telemetry.row_batches()).columns}


NUMBERS = np.column_stack([np.arange(300.0), RNG.normal(size=300), RNG.integers(0, 3, 300)])


def test_tensors_are_summaries_of_the_chosen_rows(instrumented: Callable[..., Telemetry]) -> None:
    """The columns of the sketches, so that codes fit the same reference."""
    telemetry = instrumented(rows=5)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 40 * 40, 2)).eval()
    images = torch.arange(20.0).reshape(20, 1, 1, 1).expand(20, 3, 40, 40).contiguous()
    with torch.no_grad(), driftline.identified(range(20)):
        net(images)
    telemetry.flush()

    table = joined(telemetry.row_batches())
    number = {key: float(place) for place, key in enumerate(keys_of(range(20)))}
    (mean,) = (values for name, values in inputs(table).items() if name.endswith("mean"))
    assert 0 < len(table) <= 5
    np.testing.assert_allclose(mean, [number[key] for key in table.keys.tolist()])


FRAME = pd.DataFrame({"age": [30.0, 40.0], "city": ["bern", "rome"], "name": ["x", "y"]})


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({}, {"age": [30.0, 40.0], "city": ["bern", "rome"], "name": ["x", "y"], "prediction": [30.0, 40.0]}),
        ({"exclude": "name"}, {"age": [30.0, 40.0], "city": ["bern", "rome"], "prediction": [30.0, 40.0]}),
        ({"include": "a*"}, {"age": [30.0, 40.0], "prediction": [30.0, 40.0]}),
        ({"capture": "outputs"}, {"prediction": [30.0, 40.0]}),
        ({"capture": "none"}, {}),
    ],
)
def test_privacy_settings_hold(
    settings: dict[str, Any], columns: dict[str, Any], instrumented: Callable[..., Telemetry]
) -> None:
    """What may not be exported is in no batch; rows keep their keys and count."""
    telemetry = instrumented(**settings)
    Model().predict(FRAME)
    telemetry.flush()

    (sent,) = telemetry.row_batches()
    assert {column.name: values.tolist() for column, values in sent.batch.table.columns.items()} == columns
    assert len(sent.batch.table) == 2


def test_hashes_are_those_of_spans(instrumented: Callable[..., Telemetry]) -> None:
    """So that both can be compared."""
    telemetry = instrumented(hash="name,age")
    Model().predict(FRAME[:1])
    telemetry.flush()

    (span,) = telemetry.spans()
    for name, values in inputs(joined(telemetry.row_batches())).items():
        assert values.tolist() == [span.attributes[f"{semconv.INPUT}.{name}"]]
        assert (values[0] == FRAME[name][0]) == (name == "city")


def orders(ids: Sequence[Any]) -> pd.DataFrame:
    return pd.DataFrame({"age": np.arange(float(len(ids))), "order": ids})


@pytest.mark.parametrize("ids", [[7, 8, 9], ["7", "8", "9"], [7.0, None, 9.0], np.array([7, 8, 9])], ids=repr)
@pytest.mark.parametrize("include", ["", "age,order"])
def test_a_column_identifies_rows(ids: Any, include: str, instrumented: Callable[..., Telemetry]) -> None:
    """Rows have the keys of its values; it is in no sketch, span and batch, unless it is asked for by name."""
    telemetry = instrumented(include=include)
    model = driftline.describe(Model(), id="order")
    model.predict(orders(ids))
    telemetry.flush()

    (sent,) = telemetry.row_batches()
    expected = keys_of(ids)
    if ids[1] is None:
        expected[1] = keys_of([driftline.prediction_id()], 1)[0]
    assert sent.batch.table.keys.tolist() == expected
    features = {"age", "order"} if include else {"age"}
    assert set(inputs(sent.batch.table)) == features
    assert {
        point.attributes[semconv.FEATURE_NAME] for point in telemetry.points(semconv.FEATURE_OBSERVATIONS)
    } == features
    (span,) = telemetry.spans()
    shown = {name.rpartition(".")[2] for name in span.attributes if name.startswith(f"{semconv.INPUT}.")}
    assert shown == features


def test_a_key_hides_ids(instrumented: Callable[..., Telemetry]) -> None:
    """Whoever has it makes the same keys; nobody else can try all order numbers."""
    telemetry = instrumented(id_key="secret")
    with driftline.identified([7, 8]):
        Model().predict(NUMBERS[:2])
    telemetry.flush()

    keyed = row_keys(hash_ids([7.0, 8.0], b"secret").hashes).tolist()
    assert joined(telemetry.row_batches()).keys.tolist() == keyed != keys_of([7, 8])


def test_a_hashed_id_column_without_a_key_is_told_once(
    instrumented: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    """Its ids can be guessed."""
    telemetry = instrumented(hash="order")
    model = driftline.describe(Model(), id="order")
    for _ in range(2):
        model.predict(orders([1, 2]))
        telemetry.flush()
    assert [record.message for record in caplog.records if "DRIFTLINE_ID_KEY" in record.message] == [
        "DRIFTLINE_HASH: the ids in 'order' are hashed without a key: set DRIFTLINE_ID_KEY"
    ]


def test_the_wrong_number_of_ids_is_a_fault(instrumented: Callable[..., Telemetry]) -> None:
    """Rows have the ids of their calls then; one id for several rows is not wrong."""
    telemetry = instrumented()
    with driftline.identified([1, 2]):
        Model().predict(NUMBERS[:3])
    assert not FAULTS.counts()
    telemetry.flush()
    assert joined(telemetry.row_batches()).keys.tolist() == keys_of([driftline.prediction_id()] * 3, range(3))
    assert FAULTS.counts() == {("row ids", "ValueError"): 1}

    with driftline.identified("order-7"):
        Model().predict(NUMBERS[:3])
    telemetry.flush()
    assert telemetry.row_batches()[-1].batch.table.keys.tolist() == keys_of(["order-7"] * 3, range(3))


@pytest.mark.parametrize("rows", [0, "0"])
def test_rows_can_be_switched_off(rows: Any, instrumented: Callable[..., Telemetry]) -> None:
    """Nothing is sent; all else is."""
    telemetry = instrumented(rows=rows)
    Model().predict(NUMBERS)
    telemetry.flush()

    assert telemetry.total(semconv.INFERENCE_ROWS) == 300
    assert not telemetry.logs()


def test_classes_and_scores_of_one_id_are_one_row(instrumented: Callable[..., Telemetry]) -> None:
    """`predict` and `predict_proba` of the same rows are merged by key."""
    telemetry = instrumented(rows="all")
    model = LogisticRegression().fit(DATA, LABELS)
    with driftline.identified(IDS):
        model.predict(DATA)
        model.predict_proba(DATA)
    telemetry.flush()

    batches = [each.batch for each in telemetry.row_batches()]
    assert [batch.seen for batch in batches] == [ROWS, ROWS]
    merged = merged_by_key(batches)
    assert len(merged.table) == ROWS
    assert {"prediction", "confidence", "score"} <= {column.name for column in merged.table.columns}
    assert len(inputs(merged.table)) == COLUMNS


def test_an_outage_thins_what_waits_and_loses_no_count(instrumented: Callable[..., Telemetry]) -> None:
    """Batches that wait are merged and thinned; rows seen stay exact, and sums with weights unbiased."""
    telemetry = instrumented(rows="all")
    model = Model()
    telemetry.row_exporter.failing = True
    for _ in range(3):
        model.predict(RNG.normal(size=(3000, 20)))
        assert not driftline.flush(30)
    telemetry.row_exporter.failing = False
    telemetry.flush()

    sent = telemetry.row_batches()
    assert seen(sent) == telemetry.total(semconv.INFERENCE_ROWS) == 9_000
    batches: list[RowBatch] = [each.batch for each in sent]
    assert 1000 < sum(len(batch.table) for batch in batches) < 7000
    assert weighted(batches).weights.sum() == pytest.approx(9_000, rel=0.1)


def test_a_batch_that_may_have_arrived_is_sent_as_the_same(instrumented: Callable[..., Telemetry]) -> None:
    """A backend that stored it and answered with a failure gets it twice, under one id."""
    telemetry = instrumented()
    telemetry.row_exporter.losing = True
    Model().predict(NUMBERS[:20])
    assert not driftline.flush(30)
    telemetry.row_exporter.losing = False
    Model().predict(NUMBERS[20:30])
    telemetry.flush()

    assert len(telemetry.logs()) == 3
    assert seen(telemetry.row_batches()) == 30
    assert len(joined(telemetry.row_batches())) == 30


def test_calls_without_room_are_counted_as_dropped(instrumented: Callable[..., Telemetry]) -> None:
    """Rows seen and rows dropped are all rows."""
    telemetry = instrumented(buffer_bytes=30_000, rows="all")
    for _ in range(20):
        Model().predict(NUMBERS)
    telemetry.flush()

    dropped = telemetry.total(semconv.DROPPED_ROWS)
    assert dropped > 0
    assert seen(telemetry.row_batches()) + dropped == 20 * 300
