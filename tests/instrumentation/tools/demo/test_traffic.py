import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from driftline.tools.demo.patients import FAULT, load_patients
from driftline.tools.demo.scenario import Answered, FollowUp, Scenario, unchanged
from driftline.tools.demo.scenarios.drift import SCENARIO
from driftline.tools.demo.schedule import Phase, Schedule
from driftline.tools.demo.services import Addresses
from driftline.tools.demo.traffic import BATCHES, PatientTraffic, TrafficError, draw_batches

Row = dict[str, float]


class Clinic(ThreadingHTTPServer):
    """Takes patients and answers with `status`, one item a patient; keeps what it got, and by how many connections."""

    daemon_threads = True

    def __init__(self, status: int, answers_short: bool = False) -> None:
        self.requests: list[list[Row]] = []
        self.connections: set[tuple[str, int]] = set()
        self.status, self.missing = status, int(answers_short)
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/predict"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Clinic

    def do_POST(self) -> None:
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(rows)
        self.server.connections.add(self.client_address)
        body = json.dumps(rows[self.server.missing :]).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def clinic(status: int = 200, answers_short: bool = False) -> Iterator[Clinic]:
    with Clinic(status, answers_short) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def traffic_to(url: str, schedule: Schedule, scenario: Scenario = SCENARIO) -> PatientTraffic:
    with scenario.follow(Addresses(1, 2, 3, 4, 5)) as follow_up:
        return PatientTraffic(url, schedule, scenario, Path("model.joblib"), follow_up)


def play(traffic: PatientTraffic) -> None:
    traffic.start()
    while traffic.running(wait=10):
        pass


def test_every_row_that_is_answered_is_counted_once() -> None:
    """`rows_sent` is the number of rows that the server has seen, to the row."""
    with clinic() as server:
        traffic = traffic_to(server.url, Schedule(1.0, 0.5))
        play(traffic)

    assert traffic.rows_sent == sum(map(len, server.requests)) > 0


def test_the_feature_breaks_in_the_middle_and_stays_broken() -> None:
    """Healthy values come first, values in the other unit after them, and none between."""
    lowest = load_patients()[0][FAULT.feature].min()
    with clinic() as server:
        traffic = traffic_to(server.url, Schedule(1.0, 0.5))
        play(traffic)
    broken = [all(row[FAULT.feature] < lowest for row in request) for request in server.requests]

    assert broken == sorted(broken)
    assert set(broken) == {False, True}
    assert traffic.fault_began is not None


def test_a_fault_of_the_model_is_deployed_once_when_it_begins() -> None:
    """The model's file is given once, after the healthy requests."""
    deployed: list[tuple[Path, int]] = []
    with clinic() as server:
        scenario = replace(
            SCENARIO, change=unchanged, deploy=lambda file: deployed.append((file, len(server.requests)))
        )
        play(traffic_to(server.url, Schedule(1.0, 0.5), scenario))

    ((file, before),) = deployed
    assert file == Path("model.joblib")
    assert 0 < before < len(server.requests)


def test_each_answered_request_is_followed_up() -> None:
    """With its rows, its answers and the phase it was sent in."""
    followed: list[Answered] = []

    @contextmanager
    def follow(_addresses: Addresses) -> Iterator[FollowUp]:
        yield followed.append

    with clinic() as server:
        play(traffic_to(server.url, Schedule(1.0, 0.5), replace(SCENARIO, follow=follow)))

    assert [len(each.rows) for each in followed] == [len(request) for request in server.requests]
    assert all(each.answers == each.rows.to_dict("records") for each in followed)
    assert {each.phase for each in followed} == {Phase.HEALTHY, Phase.BROKEN}


def test_one_connection_is_kept() -> None:
    """Requests share a connection, as a client in a loop would."""
    with clinic() as server:
        play(traffic_to(server.url, Schedule(0.5, 0.5)))

    assert len(server.requests) > 1
    assert len(server.connections) == 1


@pytest.mark.parametrize("server", [{"status": 500}, {"answers_short": True}], ids=["an error", "too few answers"])
def test_a_request_that_fails_ends_the_traffic(server: dict[str, Any]) -> None:
    """Nothing is sent after a failure, none of its rows count, and the error states the cause."""
    with clinic(**server) as failing:
        traffic = traffic_to(failing.url, Schedule(60.0, 30.0))
        with pytest.raises(TrafficError, match=r"500|answers for"):
            play(traffic)

    assert len(failing.requests) == 1
    assert traffic.rows_sent == 0


def test_it_can_be_stopped_before_its_end() -> None:
    """`stop` returns with the thread gone, long before the schedule ends."""
    with clinic() as server:
        traffic = traffic_to(server.url, Schedule(600.0, 300.0))
        traffic.start()
        traffic.stop()

        assert not traffic.running(wait=0)


def test_stopping_what_never_began_is_no_error() -> None:
    """`stop` may come after a start that failed."""
    traffic_to("http://127.0.0.1:9/", Schedule(1, 1)).stop()


def test_a_draw_is_repeatable_and_uses_every_size() -> None:
    """The same seed gives the same requests; single patients and batches are among them."""
    patients, _ = load_patients()
    one, two = (list(islice(draw_batches(patients, seed=3), 200)) for _ in range(2))

    assert all(a.equals(b) for a, b in zip(one, two, strict=True))
    assert {len(batch) for batch in one} == set(BATCHES)
