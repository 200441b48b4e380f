"""What is logged: changes, once, without a value of a row."""

from dataclasses import replace

import pytest

from driftline_processor.announce import Announcer, Quietly
from driftline_processor.records import ColumnKey, ColumnResult, ModelKey, State, Verdict, Window, WindowResult

HEALTHY = Verdict("value", State.HEALTHY, 0.01, 0.0, 0.05, 0.1, "")
ALARM = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, "share above 3: 20 % to 40 %")
MODEL = ModelKey("churn", "2", (("service.name", "shop"),))


def window(verdict: Verdict | None, reference: str | None = "abc", provisional: bool = False) -> WindowResult:
    column = ColumnResult(ColumnKey("input", "age"), 9.0, 9.0, 9.0, {}, {}, {}, verdict)
    return WindowResult(MODEL, Window(0, 60), 9.0, reference, provisional, (column,))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_alarm_goes_on_and_off_once(caplog: pytest.LogCaptureFixture) -> None:
    """An alarm is one line when it opens, with what moved and by how much, and one when it ends."""
    announcer = Announcer()
    with caplog.at_level("INFO"):
        for verdict in (HEALTHY, ALARM, ALARM, HEALTHY, HEALTHY):
            announcer.announce([window(verdict, reference=None)])

    assert said(caplog) == [
        (
            "model churn 2 (shop): alarm on input age: share above 3: 20 % to 40 % "
            "(distance 0.200, lower bound 0.150, tolerance 0.050)"
        ),
        "model churn 2 (shop): alarm off input age",
    ]


def test_alarm_ends_with_its_column(caplog: pytest.LogCaptureFixture) -> None:
    """A column that is no longer judged is no longer in alarm."""
    announcer = Announcer()
    with caplog.at_level("INFO"):
        announcer.announce([window(ALARM, None), replace(window(None, None), columns=())])

    assert said(caplog)[1:] == ["model churn 2 (shop): alarm off input age"]


def test_new_reference_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A model that gets another training profile is told, once each."""
    announcer = Announcer()
    with caplog.at_level("INFO"):
        announcer.announce([window(None, None), window(None, "x", provisional=True)])
        announcer.announce([window(None), window(None), window(None, "def")])

    assert said(caplog) == [
        "model churn 2 (shop): is compared with reference abc",
        "model churn 2 (shop): is compared with reference def",
    ]


def test_input_is_warned_of_quietly(caplog: pytest.LogCaptureFixture) -> None:
    """The same kind of warning comes once a minute, however often it happens and whatever its numbers."""
    now = 0.0
    quietly = Quietly(lambda: now)
    quietly.warn(["clock 3600 s ahead", "clock 3601 s ahead", "late"])
    now = 59.0
    quietly.warn(["clock 3602 s ahead"])
    now = 60.0
    quietly.warn(["clock 3603 s ahead"])

    assert said(caplog) == ["clock 3600 s ahead", "late", "clock 3603 s ahead"]


def test_memory_of_warnings_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """Names made by a sender do not fill the memory."""
    quietly = Quietly(lambda: 0.0)
    quietly.warn([f"name {chr(0x4E00 + i)}" for i in range(3_000)])

    assert len(quietly._said) <= 1000
