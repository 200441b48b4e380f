"""What the pages say, to whom, and how long they are."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from driftline.semconv import DRIFT_LOWER_BOUND, DRIFT_TARGET, DRIFT_TOLERANCE, FEATURE_NAME, TENANT_NAME
from driftline_processor.encode.gauges import encode_gauges
from driftline_processor.records import ColumnKey, ModelKey, WindowResult
from served_pages import client, judged, renamed, site, status

LANES = ("/", "/models/churn", "/models/churn/columns/input/age", "/incidents", "/service")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[WindowResult]:
    return judged(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def asked(results: list[WindowResult]) -> Iterator[httpx.Client]:
    with client(site(results)) as http:
        yield http


def read(http: httpx.Client, path: str, expected: int = 200) -> str:
    answer = http.get(path)
    assert answer.status_code == expected, answer.text
    return answer.text


def test_the_api_says_what_the_metrics_say(asked: httpx.Client, results: list[WindowResult]) -> None:
    """Bounds and tolerances of the newest window, column by column."""
    told = {
        (column["target"], column["name"]): column for column in asked.get("/api/v1/models/churn").json()["columns"]
    }
    for name, key in ((DRIFT_LOWER_BOUND, "lower_bound"), (DRIFT_TOLERANCE, "tolerance")):
        found = dict(_gauge(results[-1], name))
        assert found
        assert {column: told[column][key] for column in found} == pytest.approx(found)


def _gauge(result: WindowResult, name: str) -> Iterator[tuple[tuple[str, str], float]]:
    for data in encode_gauges([result]):
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points if metric.name == name else ():
                        attributes = point.attributes or {}
                        yield (str(attributes[DRIFT_TARGET]), str(attributes[FEATURE_NAME])), point.value


def test_the_page_says_what_the_api_says(asked: httpx.Client) -> None:
    """The sentence of the incident, and of each column that moved."""
    incident = asked.get("/api/v1/models/churn").json()["incident"]
    (age,) = (each for each in asked.get("/api/v1/models/churn").json()["columns"] if each["alarm"])
    page = read(asked, "/models/churn")
    assert incident["sentence"].partition(" UTC")[0] in page
    assert age["sentence"] in page
    assert age["sentence"] in read(asked, "/models/churn/columns/input/age")
    assert "1 incident is open" in read(asked, "/")
    assert age["name"] in read(asked, f"/incidents/{incident['id']}")


def test_a_column_has_a_point_for_each_window(asked: httpx.Client, results: list[WindowResult]) -> None:
    """In alarm since the fourth hour."""
    points = asked.get("/api/v1/models/churn/columns/input/age").json()["history"]
    assert [point["end"] for point in points] == [result.window.end / 1e9 for result in results]
    assert [point["alarm"] for point in points] == [False] * 4 + [True] * 8
    assert all(point["ratio"] > 1.0 for point in points[4:])


@pytest.mark.parametrize("path", LANES)
def test_nothing_comes_from_elsewhere(asked: httpx.Client, path: str) -> None:
    """No address of another host, no style attribute, no inline script; the policy forbids them, too."""
    answer = asked.get(path)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", answer.text)
    assert not re.search(r"<[^>]* style=|<[^>]* on\w+=|<script(?! src)", answer.text)
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'self'; script-src 'self'; style-src 'self'"
    )


def test_names_are_never_html(results: list[WindowResult]) -> None:
    """A model called <script>, one with slashes, and a column of 300 characters and right-to-left text."""
    name, column = "<script>alert(1)</script>/x?y#z", ColumnKey("input", '"><img src=x onerror=alert(2)>' + "ש" * 300)
    key = ModelKey(name, "<b>1</b>", (("service.name", "'\"><i>"),))
    named = [
        replace(
            result, columns=tuple(replace(e, column=column) if e.column.name == "age" else e for e in result.columns)
        )
        for result in renamed(results, key)
    ]
    with client(site(named)) as http:
        overview = read(http, "/")
        model = re.search(r'href="(/models/[^"]+)"', overview)
        assert model
        page = read(http, model[1].replace("&amp;", "&"))
        of_column = re.search(r'href="(/models/[^"]+/columns/[^"]+)"', page)
        assert of_column
        pages = overview + page + read(http, of_column[1].replace("&amp;", "&")) + read(http, "/incidents")
    for forbidden in ("<script>alert", "<img", "<b>1", "<i>"):
        assert forbidden not in pages
    assert "&lt;script&gt;alert(1)" in pages


def test_a_thousand_columns_fit(results: list[WindowResult]) -> None:
    """The page of a model with 1,000 columns is below 600 kB, the first hundred in full, all of them named."""
    (one,) = (each for each in results[-1].columns if each.column.name == "score")
    many = tuple(replace(one, column=ColumnKey("input", f"column_{i:04}")) for i in range(1_000))
    with client(site([replace(result, columns=many, alarms=(), incidents=()) for result in results])) as http:
        page = read(http, "/models/churn")
        assert len(page.encode()) < 600_000
        assert all(f"column_{i:04}" in page for i in range(1_000))
        assert page.count("<tr>") == 101
        assert "column_0950" in read(http, "/models/churn?page=10")
        assert read(http, "/models/churn?q=column_0001").count("<tr>") == 2


def test_a_thousand_models_fit(results: list[WindowResult]) -> None:
    """The overview of 1,000 models is below 400 kB."""
    keys = [ModelKey(f"model-{i:04}", "3", (("service.name", "shop"),)) for i in range(1_000)]
    many = [each for key in keys for each in renamed(results[:1], key)]
    with client(site(many)) as http:
        assert len(read(http, "/").encode()) < 400_000


def test_the_api_is_described(asked: httpx.Client) -> None:
    """Each path of the document is there, and says what it is for."""
    paths = asked.get("/api/v1/openapi.json").json()["paths"]
    incident = asked.get("/api/v1/incidents").json()[0]["id"]
    values = {"model": "churn", "target": "input", "column": "age", "incident": incident}
    for path, methods in paths.items():
        answer = asked.get(f"/api/v1{path.format(**values)}")
        assert answer.status_code == 200
        kind = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]["type"]
        assert isinstance(answer.json(), {"array": list, "object": dict}[kind])


def test_what_has_not_changed_is_not_sent_again(asked: httpx.Client) -> None:
    """By its tag."""
    first = asked.get("/api/v1/models")
    assert asked.get("/api/v1/models", headers={"if-none-match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_is_read_only(asked: httpx.Client, method: str) -> None:
    """Nothing can be changed."""
    assert asked.request(method, "/api/v1/models").status_code == 405


def test_what_is_not_there_is_said(asked: httpx.Client) -> None:
    """For people and for programs."""
    assert "no model &#39;fraud&#39; has sent rows" in read(asked, "/models/fraud", 404)
    assert json.loads(read(asked, "/api/v1/models/churn/columns/input/nothing", 404))["error"]
    assert json.loads(read(asked, "/api/v1/models/churn/timeline?from=now", 400))["error"].startswith("from:")


def test_another_host_is_not_answered(results: list[WindowResult]) -> None:
    """A page of the web must not read ours by a name that it has pointed to this machine."""
    with client(site(results, local=True)) as http:
        assert http.get("/", headers={"host": "evil.example:4328"}).status_code == 421
        assert http.get("/", headers={"host": "localhost:4328"}).status_code == 200


def test_a_tenant_sees_its_own_models_alone(results: list[WindowResult]) -> None:
    """Whoever is nobody is asked for a token."""
    tenants = {"a": "acme", "g": "globex"}
    of_acme = renamed(results, ModelKey("churn", "", ((TENANT_NAME, "acme"),)))
    assert of_acme[0].model.tenant == "acme"
    shown = site(of_acme, tenant_of=lambda headers: tenants.get(headers.get("authorization", "")))
    with client(shown) as http:
        assert http.get("/api/v1/models").status_code == 401
        assert len(http.get("/api/v1/models", headers={"authorization": "a"}).json()) == 1
        assert http.get("/api/v1/models", headers={"authorization": "g"}).json() == []
        assert http.get("/models/churn", headers={"authorization": "g"}).status_code == 404


def nearest(**changed: Any) -> dict[str, Any]:
    """What the status says of the model."""
    matching = {"missing_count": 0, "missing": [], "unknown": [], "nearest": None, **changed}
    return {"name": "churn", "version": "", "resource": {}, "silent_seconds": 0.0, "matching": matching} | {
        "rows": 600.0,
        "last_window_end": 3600.0,
    }


def test_each_empty_state_says_what_to_do(results: list[WindowResult]) -> None:
    """No model, no reference or a provisional one, other names, few rows, silence, no export, no store, no match."""
    last = results[-1]
    few = replace(last, columns=tuple(each for each in last.columns if each.rows == 0.0), incidents=(), alarms=())
    states: list[tuple[dict[str, Any], str, str]] = [
        ({"results": []}, "/", "driftline doctor"),
        ({"results": [], "told": status({**nearest(), "rows": 62.0, "last_window_end": None})}, "/", "62 rows so far"),
        ({"results": [replace(last, reference=None)]}, "/models/churn", "driftline profile"),
        ({"results": [replace(last, provisional=True)]}, "/models/churn", "its own first window"),
        (
            {"results": [last], "told": status(nearest(missing_count=1, missing=["debt"], unknown=["x0"]))},
            "/models/churn",
            "driftline.describe",
        ),
        ({"results": [few]}, "/models/churn", "window.size"),
        (
            {
                "results": [last],
                "now": last.window.end + 86_400 * 10**9,
                "told": status({**nearest(), "silent_seconds": 86_400.0}),
            },
            "/models/churn",
            "silence is no recovery",
        ),
        ({"results": [last]}, "/?q=fraud", "Show all models"),
        ({"results": [last]}, "/models/churn?q=nothing", "Show all columns"),
        (
            {"results": [], "told": status(exports=[{"what": "results", "waiting": 3, "dropped": 1}])},
            "/service",
            "Look at the backend",
        ),
        ({"results": [], "told": status(storage_ok=False)}, "/service", "Look at the disk"),
        ({"results": []}, "/incidents", "No incident is known"),
    ]
    for given, path, said in states:
        with client(site(**given)) as http:
            assert said in read(http, path), path


def test_traces_are_links_where_there_is_a_template(results: list[WindowResult]) -> None:
    """Their ids are escaped as part of an address."""
    traced = [
        replace(result, incidents=tuple(replace(each, traces=("ab12",)) for each in result.incidents))
        for result in results
    ]
    with client(site(traced, trace_url="https://tempo.example/trace/{trace_id}")) as http:
        incident = http.get("/api/v1/incidents").json()[0]["id"]
        assert 'href="https://tempo.example/trace/ab12"' in read(http, f"/incidents/{incident}")
