"""`driftline.record_outcome` and `driftline outcomes`: what arrives at a backend."""

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from driftline.cli import main
from driftline.outcomes.event import Outcome, is_outcome, read_outcome
from driftline.outcomes.event_exporter import EventExporter
from driftline.outcomes.record import outcomes
from driftline.outcomes.table_outcomes import OutcomeColumns, Skipped, read_outcomes
from driftline.outcomes.times import nanoseconds
from driftline.rows.keys import hash_ids, row_keys
from otlp_sink import OtlpSink

T0 = 1_700_000_000 * 10**9


def sent(sink: OtlpSink) -> list[Outcome]:
    return [read_outcome(log.record) for log in sink.logs() if is_outcome(log.record)]


def run(sink: OtlpSink, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a backend."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DRIFTLINE_"))}
    environment = {**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "OTEL_SERVICE_NAME": "labels", **environ}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def driftline(sink: OtlpSink, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run(sink, "-c", "from driftline.cli import main; main()", "outcomes", *arguments, **environ)


def test_everything_said_arrives_once_without_a_flush(otlp_sink: OtlpSink) -> None:
    """Label and figures are an event each; forked children send their own at `os._exit`, and nothing of the parent."""
    program = """if True:
        import os, driftline
        driftline.record_outcome("order-1", label="fraud", probability=0.25, time=1_700_000_000, revenue=12.5, row=3)
        if os.fork() == 0:
            driftline.record_outcome(42.0, label=1)
            os._exit(0)
        os.wait()
    """
    assert run(otlp_sink, "-c", program).returncode == 0
    label, revenue, child = sorted(sent(otlp_sink), key=lambda each: (each.id == "42", each.name))
    assert (label.id, label.row, label.label, label.probability, label.time) == ("order-1", 3, "fraud", 0.25, T0)
    assert (revenue.name, revenue.value, revenue.label, revenue.row) == ("revenue", 12.5, None, 3)
    assert (child.id, child.label, child.probability) == ("42", 1, None)
    assert len({label.uid, revenue.uid, child.uid}) == 3
    assert {log.resource["service.name"] for log in otlp_sink.logs()} == {"labels"}


def test_flush_says_whether_all_was_sent(otlp_sink: OtlpSink) -> None:
    """Of more outcomes than may wait none is lost, as callers wait for room."""
    program = """if True:
        import driftline
        from driftline.outcomes import event_exporter
        event_exporter.MOST_WAITING = 500
        for number in range(3000):
            driftline.record_outcome(number, label=number % 2)
        print(driftline.flush(60))
    """
    assert run(otlp_sink, "-c", program).stdout == "True\n"
    assert {each.id for each in sent(otlp_sink)} == {str(number) for number in range(3000)}


def test_a_secret_leaves_only_the_key(otlp_sink: OtlpSink) -> None:
    """It is the key of the row in its row batch."""
    run(otlp_sink, "-c", "import driftline; driftline.record_outcome('a', label=1, row=2)", DRIFTLINE_ID_KEY="s3cret")
    (outcome,) = sent(otlp_sink)
    assert (outcome.id, outcome.key) == ("", int(row_keys(hash_ids(["a"], b"s3cret").hashes, 2)[0]))
    assert outcome.row_key == outcome.key


def test_events_without_an_exporter_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for them, and nothing is kept."""
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    exporter = EventExporter()
    exporter.send([Any] * 3)  # type: ignore[list-item]
    assert exporter.dropped == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"id": None, "label": 1}, "id: must not be missing"),
        ({"id": " ", "label": 1}, "id: must not be missing"),
        ({"id": 1}, "label: must be given, or a figure"),
        ({"id": 1, "label": float("nan")}, "label: must be given, or a figure"),
        ({"id": 1, "label": 1, "probability": 0}, "probability: must be above 0"),
        ({"id": 1, "label": 1, "probability": 1.5}, "probability: must be above 0 and at most 1"),
        ({"id": 1, "label": 1, "weight": -1}, "weight: must be above 0"),
        ({"id": 1, "label": 1, "row": -1}, "row: must be the number of a row"),
        ({"id": 1, "label": 1, "score": 0.5}, "model: must be given"),
        ({"id": 1, "revenue": "much"}, "revenue: must be a number"),
        ({"id": 1, "label": float("inf")}, "label: must be finite"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    """The message names the argument, the rule and the value."""
    named = {name: given.pop(name) for name in ("label", "revenue") if name in given}
    with pytest.raises(ValueError, match=message):
        outcomes(given.pop("id"), named, T0, **given)


def test_times_of_all_kinds() -> None:
    """One moment, as seven kinds of values have it; without a zone it is UTC."""
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    there = moment.astimezone(timezone(timedelta(hours=2)))
    naive = moment.replace(tzinfo=None)
    text = "2023-11-14T22:13:20Z"
    kinds = (moment, there, naive, text, 1_700_000_000, 1.7e9, np.datetime64(naive))
    assert {nanoseconds(each) for each in kinds} == {T0}
    for wrong in ("yesterday", True, float("nan"), np.datetime64("NaT")):
        with pytest.raises(ValueError, match="time: must be"):
            nanoseconds(wrong)


def test_a_table_is_sent_and_counts_once(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """Parquet and CSV: rows without an outcome are left out, ids stay as written, and ids of events do not change."""
    csv = tmp_path / "labels.csv"
    csv.write_text("order,paid,amount,p,at\n007,1,9.5,0.5,2023-11-14 22:13:20\n8,,3,1,2023-11-14 22:13:20\n9,,,1,\n")
    parquet = tmp_path / "labels.parquet"
    table = {"order": ["a", "b"], "paid": [1, 0], "amount": [1.0, None], "p": [1.0, 2.0], "at": [1.7e9, 1.7e9]}
    pq.write_table(pa.table(table), parquet)
    options = ["--id", "order", "--label", "paid", "--figure", "amount", "--probability", "p", "--time", "at"]

    first = driftline(otlp_sink, str(csv), *options)
    assert (first.stdout, first.returncode) == ("Sent 3 outcomes of 2 rows\n", 0)
    assert "1 rows have no outcome yet" in first.stderr
    found = {(each.id, each.name): each for each in sent(otlp_sink)}
    assert set(found) == {("007", "label"), ("007", "amount"), ("8", "amount")}
    assert (found["007", "label"].label, found["007", "label"].probability) == (1, 0.5)
    assert {each.time for each in found.values()} == {T0}

    columns = OutcomeColumns("order", "paid", ("amount",), "p", "at")
    again = [each for row in read_outcomes([csv], columns, None, Skipped()) for each in row]
    assert {str(record.attributes["log.record.uid"]) for record in again} == {each.uid for each in found.values()}
    skipped = Skipped()
    (row,) = read_outcomes([parquet], columns, None, skipped)
    assert [record.attributes["ml.outcome.name"] for record in row] == ["label", "amount"]
    assert dict(skipped.errors) == {"probability: must be above 0 and at most 1 (got 2.0)": 1}


def test_a_table_that_does_not_fit(otlp_sink: OtlpSink, tmp_path: Path) -> None:
    """The command says what is missing, and ends with an error where not everything arrives."""
    file = tmp_path / "labels.csv"
    file.write_text("order,paid\n1,1\n")
    unknown = CliRunner().invoke(main, ["outcomes", str(file), "--id", "id", "--label", "paid"])
    assert "has no column 'id'" in unknown.output
    options = ("--id", "order", "--label", "paid", "--timeout", "0.2")
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    closed = driftline(otlp_sink, str(file), *options, **away)
    assert closed.returncode == 1
    assert "the backend did not take all outcomes" in closed.stderr
    assert not sent(otlp_sink)


def test_one_that_cannot_be_encoded_costs_itself(otlp_sink: OtlpSink) -> None:
    """The events around it arrive."""
    program = """if True:
        import driftline
        from opentelemetry._logs import LogRecord
        from driftline.outcomes.event_exporter import EVENTS
        driftline.record_outcome("a", label=1)
        EVENTS.send([LogRecord(timestamp=-1, event_name="ml.outcome")])
        driftline.record_outcome("b", label=2**80)
        driftline.record_outcome("c", label="\\udcff")
        print(driftline.flush(20))
    """
    assert run(otlp_sink, "-c", program).stdout == "False\n"
    assert {each.id: each.label for each in sent(otlp_sink)} == {"a": 1, "b": str(2**80), "c": "?"}
