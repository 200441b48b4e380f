"""What is logged: changes, once, without a value of a row."""

from dataclasses import replace

import pytest

from driftline_processor.records import (
    AlarmChange,
    AlarmEvent,
    ColumnKey,
    IncidentEvent,
    ModelKey,
    Window,
    WindowResult,
)
from driftline_processor.service.alarm_log import AlarmLog, WarningLimiter
from driftline_processor.verdicts.reasons import Stated
from driftline_processor.verdicts.verdict import State, Verdict

VERDICT = Verdict("value", State.ALARM, 0.2, 0.15, 0.05, 3.0, (Stated("share above 3: 20% → 40%"),))
MODEL = ModelKey("churn", "2", (("service.name", "shop"),))


def window(reference: str | None = "abc", provisional: bool = False) -> WindowResult:
    return WindowResult(MODEL, Window(0, 60), 9.0, reference, provisional, ())


def event(change: AlarmChange) -> AlarmEvent:
    return AlarmEvent("1", change, MODEL, ColumnKey("input", "age"), 60, 60, VERDICT, f"text of {change.value}", ())


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_changes_of_incidents_and_alarms_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Each change is one line with the text of its event; that an incident opens is the one warning."""
    events = tuple(event(change) for change in AlarmChange)
    opened, closed = (
        IncidentEvent("2", change, MODEL, 60, 60, (), f"all of {change.value}", ())
        for change in (AlarmChange.OPENED, AlarmChange.CLOSED)
    )
    with caplog.at_level("INFO"):
        AlarmLog().log([replace(window(None), alarms=events, incidents=(opened,)), window(None)])
        AlarmLog().log([replace(window(None), incidents=(closed,))])

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "Incident opened: all of opened"),
        ("INFO", "Alarm opened: text of opened"),
        ("INFO", "Alarm updated: text of updated"),
        ("INFO", "Alarm closed: text of closed"),
        ("INFO", "Incident closed: all of closed"),
    ]


def test_new_reference_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A model that gets another training profile is told, once each."""
    announcer = AlarmLog()
    with caplog.at_level("INFO"):
        announcer.log([window(None), window("x", provisional=True)])
        announcer.log([window(), window(), window("def")])

    assert said(caplog) == [
        "model churn 2 (shop): compared with reference abc",
        "model churn 2 (shop): compared with reference def",
    ]


def test_input_is_warned_of_limiter(caplog: pytest.LogCaptureFixture) -> None:
    """The same kind of warning comes once a minute, however often it happens and whatever its numbers."""
    now = 0.0
    limiter = WarningLimiter(lambda: now)
    limiter.warn(["clock 3600 s ahead", "clock 3601 s ahead", "late"])
    now = 59.0
    limiter.warn(["clock 3602 s ahead"])
    now = 60.0
    limiter.warn(["clock 3603 s ahead"])

    assert said(caplog) == ["clock 3600 s ahead", "late", "clock 3603 s ahead"]


def test_memory_of_warnings_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """Names made by a sender do not fill the memory."""
    limiter = WarningLimiter(lambda: 0.0)
    limiter.warn([f"name {chr(0x4E00 + i)}" for i in range(3_000)])

    assert len(limiter._logged) <= 1000
