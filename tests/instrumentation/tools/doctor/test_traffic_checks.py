"""What a server sent is compared with what was expected: each kind of mismatch is told with its remedy."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

import driftline
from driftline import semconv
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ColumnKey
from driftline.tools.doctor.finding import Finding, Severity
from driftline.tools.doctor.traffic import NUMBER, NUMERAL, TEXT, ColumnTraffic, ModelTraffic, Traffic
from driftline.tools.doctor.traffic_checks import Sent, findings

AGE, PLAN = {"age": NUMBER}, {"plan": TEXT}


def model(columns: dict[str, str] | None = None, *, calls: int = 4, spans: int = 4, children: int = 4) -> ModelTraffic:
    """Calls of one row each; inputs with the kind of their values."""
    given = AGE | PLAN if columns is None else columns
    return ModelTraffic(
        calls=Counter(predict=calls),
        seconds=0.008,
        rows=Counter(predict=calls),
        spans=spans,
        children=children,
        types=Counter({"LogisticRegression": spans}),
        systems=Counter({"scikit_learn": spans}),
        columns={
            ColumnKey("input", name): ColumnTraffic(Counter({semconv.VALID: calls}), Counter({kind: calls}))
            for name, kind in given.items()
        },
        processes={"1"},
    )


def traffic(**models: ModelTraffic) -> Traffic:
    return Traffic(models=dict(models), requests=Counter(metrics=1, traces=1), servers=1)


@pytest.fixture(scope="module")
def reference() -> Profile:
    """Of `churn`, with an age, a plan and no pairs."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"age": rng.normal(50, 10, 500), "plan": rng.choice(["a", "b"], 500)})
    return driftline.profile(data, model="churn")


def told(sent: Sent, severity: Severity = Severity.PROBLEM) -> list[Finding]:
    return [finding for finding in findings(sent) if finding.severity is severity]


def problem(sent: Sent) -> Finding:
    """The only one."""
    (finding,) = told(sent)
    return finding


def test_what_fits_has_no_problem(reference: Profile) -> None:
    """Models, rows, columns, spans, parents and names are told all the same."""
    sent = Sent(traffic(churn=model()), [reference])
    told_ = {finding.check: finding.message for finding in told(sent, Severity.OK)}

    assert told(sent) == []
    assert told_ == {
        "model": "churn (LogisticRegression, scikit_learn): 4 calls, 4 rows, 2 ms a call, 1 process",
        "columns": "churn: 2 inputs: age (number), plan (text)",
        "spans": "churn: a span for each of 4 calls",
        "parents": "churn: each span has a parent",
        "matching": "churn: all 2 inputs of the reference arrive",
    }


def test_a_server_that_sends_nothing_is_a_problem() -> None:
    """As MLflow's in its own environment, which answers every request."""
    sent = Sent(Traffic(), answers={"200": 5})

    assert problem(sent).check == "arrival"
    assert "nothing was sent" in problem(sent).message
    assert told(sent, Severity.OK)[0].message == "5 requests answered with status 200"


def test_telemetry_without_a_model_is_a_problem() -> None:
    """Requests have spans, but no model was called."""
    sent = Sent(Traffic(requests=Counter(traces=3), servers=3))

    assert "traces arrived, but no call of a model" in problem(sent).message


def test_spans_without_sketches_are_a_problem() -> None:
    """Columns are judged by sketches."""
    sent = Sent(traffic(churn=model({}, spans=4)))

    assert "no sketches arrived" in told(sent)[0].message


def test_a_request_that_fails_is_a_problem() -> None:
    """With its status, or none."""
    assert "2 requests: status 500" in problem(Sent(traffic(churn=model()), answers={"500": 2})).message
    assert "1 request: no answer" in problem(Sent(traffic(churn=model()), answers={"no answer": 1})).message


def test_a_command_that_fails_is_a_problem() -> None:
    """One that ends well, as a batch job does, is none."""
    assert "status 3" in problem(Sent(traffic(churn=model()), status=3)).message
    assert told(Sent(traffic(churn=model()), status=0)) == []


def test_names_that_are_only_numbered_are_taken_in_order(reference: Profile) -> None:
    """A model fitted on an array: the processor takes as many columns for those of training, and a note says so."""
    sent = Sent(traffic(churn=model({"x0": NUMBER, "x1": TEXT})), [reference])
    (finding,) = told(sent, Severity.NOTE)

    assert told(sent) == []
    assert "x0, x1 are taken for age, plan" in finding.message
    assert "feature_names" in finding.remedy


@pytest.mark.parametrize("names", [("f0", "f1"), ("Column_1", "Column_2"), ("1", "0")])
def test_names_may_be_numbered_in_any_way(reference: Profile, names: tuple[str, str]) -> None:
    """As boosters, files without a header and exporters of models do."""
    sent = Sent(traffic(churn=model(dict(zip(names, (NUMBER, TEXT), strict=True)))), [reference])

    assert told(sent) == []
    assert f"{', '.join(sorted(names))} are taken for age, plan" in told(sent, Severity.NOTE)[0].message


def test_numbered_names_of_another_number_do_not_match(reference: Profile) -> None:
    """There is no order to go by."""
    first, second = told(Sent(traffic(churn=model({"x0": NUMBER, "x1": TEXT, "x2": TEXT})), [reference]))

    assert "none of the 2 inputs of the reference arrive; missing: age, plan" in first.message
    assert "x0, x1, x2" in second.message


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (AGE, ["1 of the 2 inputs of the reference arrive; missing: plan"]),
        (AGE | PLAN | {"debt": NUMBER}, ["not in the reference, so not judged: debt"]),
        ({"x": NUMBER, "y": TEXT, "z": TEXT}, ["none of the 2 inputs", "not judged: x, y, z"]),
    ],
)
def test_missing_and_unknown_inputs_are_named(reference: Profile, columns: dict[str, str], said: list[str]) -> None:
    """Some, additional ones, or none at all."""
    problems = told(Sent(traffic(churn=model(columns)), [reference]))

    assert len(problems) == len(said)
    assert all(text in finding.message for text, finding in zip(said, problems, strict=True))


def test_a_column_that_was_renamed_is_guessed(reference: Profile) -> None:
    """The nearest of the unknown names."""
    first, _ = told(Sent(traffic(churn=model({"Age": NUMBER, "plan": TEXT})), [reference]))

    assert "Age is perhaps age" in first.remedy


def test_a_model_of_another_name_has_no_reference(reference: Profile) -> None:
    """The columns are compared all the same, where there is one of each."""
    sent = Sent(traffic(LogisticRegression=model(AGE)), [reference])
    first, second = told(sent)

    assert "LogisticRegression has no reference; there is one of 'churn'" in first.message
    assert "DRIFTLINE_MODEL_NAME=churn" in first.remedy
    assert "missing: plan" in second.message


@pytest.mark.parametrize(
    ("served", "profiled", "said"),
    [({"2"}, "1", "served as version 2; its reference is of 1"), ({""}, "1", "served as no version"), ({"1"}, "1", "")],
)
def test_the_version_must_be_that_of_the_reference(served: set[str], profiled: str, said: str) -> None:
    """A reference without a version serves all of them."""
    data = {"age": [1.0, 2.0, 3.0]}
    sent = model(AGE)
    sent.versions = served
    problems = told(Sent(traffic(churn=sent), [driftline.profile(data, model="churn", version=profiled)]))

    assert len(problems) == bool(said)
    assert all(said in finding.message for finding in problems)
    assert told(Sent(traffic(churn=sent), [driftline.profile(data, model="churn")])) == []


def test_a_reference_that_nobody_uses_is_noted(reference: Profile) -> None:
    """Where another one is used."""
    other = driftline.profile({"age": [1.0, 2.0]}, model="fraud")
    notes = told(Sent(traffic(churn=model()), [reference, other]), Severity.NOTE)

    assert [note.message for note in notes] == ["the reference of 'fraud' is not used: no such model sent anything"]


@pytest.mark.parametrize(("name", "kind"), [("age", TEXT), ("plan", NUMBER)])
def test_types_must_be_those_of_training(reference: Profile, name: str, kind: str) -> None:
    """A number that comes as a text, and the other way round."""
    found = problem(Sent(traffic(churn=model(AGE | PLAN | {name: kind})), [reference]))

    assert found.check == "types"
    assert f"{name} arrives as {kind}" in found.message


def test_texts_of_numbers_are_numbers(reference: Profile) -> None:
    """As JSON and CSV have them; and a number may stand for a category that is one."""
    codes = driftline.profile(pd.DataFrame({"age": np.arange(50.0), "plan": ["1", "2"] * 25}), model="churn")
    numerals = model(AGE | PLAN | {"age": NUMERAL})

    assert told(Sent(traffic(churn=numerals), [reference])) == []
    assert told(Sent(traffic(churn=model(AGE | {"plan": NUMBER})), [codes])) == []


def test_values_that_cannot_be_read_are_a_problem() -> None:
    """Most of a column."""
    served = model()
    served.columns[ColumnKey("input", "age")].states = Counter({semconv.VALID: 1, semconv.WRONG_TYPE: 3})

    assert "age cannot be read in 3 of 4 rows" in problem(Sent(traffic(churn=served))).message


def test_two_models_under_one_name_are_a_problem() -> None:
    """Their series would be one."""
    served = model()
    served.types["IsolationForest"] = 2
    found = problem(Sent(traffic(churn=served)))

    assert "IsolationForest, LogisticRegression" in found.message
    assert "describe" in found.remedy


def test_inputs_that_only_some_calls_have_are_a_problem() -> None:
    """Two models of one class share its name, and nothing but their inputs tells them apart."""
    served = model()
    served.columns[ColumnKey("input", "debt")] = ColumnTraffic(Counter({semconv.VALID: 2}), Counter({NUMBER: 2}))
    found = problem(Sent(traffic(churn=served)))

    assert "of 4 rows at most, only some have debt" in found.message
    assert "describe" in found.remedy


def gate() -> ModelTraffic:
    """A model of another class."""
    served = model()
    served.types = Counter(IsolationForest=4)
    return served


def test_a_model_beside_the_named_one_is_a_problem() -> None:
    """DRIFTLINE_MODEL_NAME can only be the name of one; another may have been named in code."""
    variables = {"DRIFTLINE_MODEL_NAME": "churn"}

    beside = problem(Sent(traffic(churn=model(), IsolationForest=gate()), variables=variables))
    assert "beside it there is IsolationForest" in beside.message
    assert "describe" in beside.remedy
    assert told(Sent(traffic(churn=model(), gate=gate()), variables=variables)) == []


def test_models_of_one_class_that_got_a_number_are_a_problem() -> None:
    """The order of first calls may differ in each process; without a number each class has its own name."""
    second = Sent(
        Traffic(models={"LogisticRegression": model(), "LogisticRegression-2": model()}, requests=Counter("a"))
    )

    assert "LogisticRegression-2 got a number" in problem(second).message
    assert told(Sent(traffic(LogisticRegression=model(), IsolationForest=gate()))) == []


def test_pairs_that_nobody_counts_are_a_problem() -> None:
    """The reference holds some, the server does not know them."""
    rng = np.random.default_rng(1)
    a = rng.normal(size=500)
    pairs = driftline.profile(pd.DataFrame({"a": a, "b": a + rng.normal(size=500)}), model="churn")
    served = model({"a": NUMBER, "b": NUMBER})
    found = problem(Sent(traffic(churn=served), [pairs]))

    assert "none of the 1 pair of inputs" in found.message
    assert "DRIFTLINE_REFERENCE" in found.remedy
    served.pairs["a × b"] = 4
    assert told(Sent(traffic(churn=served), [pairs])) == []


def test_spans_that_a_sampler_dropped_are_counted() -> None:
    """A note: sketches count every row."""
    (finding,) = told(Sent(traffic(churn=model(calls=10, spans=3, children=3))), Severity.NOTE)

    assert "10 calls, 3 spans: a sampler dropped 7" in finding.message


@pytest.mark.parametrize(("servers", "said"), [(0, "no request to the server has a span"), (2, "1 of 4 spans")])
def test_spans_without_a_parent_are_noted(servers: int, said: str) -> None:
    """A batch job has none; a server wants its own instrumentation."""
    sent = Sent(traffic(churn=model(children=3)))
    sent.traffic.servers = servers
    (finding,) = told(sent, Severity.NOTE)

    assert said in finding.message
    assert "instrumentation" in finding.remedy


@pytest.mark.parametrize(
    ("metric", "remedy"),
    [
        (semconv.DROPPED_ROWS, "DRIFTLINE_BUFFER_BYTES"),
        (semconv.DROPPED_COLUMNS, "DRIFTLINE_MAX_COLUMNS"),
        (semconv.FAULTS, "report it"),
    ],
)
def test_drops_and_faults_are_problems(metric: str, remedy: str) -> None:
    """Driftline says so itself."""
    sent = traffic(churn=model())
    sent.own[metric] = 7

    assert remedy in problem(Sent(sent)).remedy
