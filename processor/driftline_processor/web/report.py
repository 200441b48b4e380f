"""A report: what a replay has written as JSON, or what a processor answers, as one file of HTML."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from driftline_processor.web import pages, wording
from driftline_processor.web.documents import Document

_NOBODY = {"q": "", "state": "", "target": "", "page": ""}
_UNJUDGED = {"insufficient_data", None}


class NoReportError(Exception):
    """The document is none of a replay; the message says why."""


def report_of_replay(found: Any, name: str) -> str:
    """One page about a replay's last window, with the history of all.

    Args:
        found: What `driftline replay --json` has written.
        name: Of the model.

    Raises:
        NoReportError: It is another document, or without a window.

    """
    if not isinstance(found, Mapping) or not found.get("windows"):
        raise NoReportError("windows: must be those of `driftline replay --json` (got none)")
    windows, alarms = found["windows"], found.get("alarms", [])
    last = windows[-1]
    try:
        document = {
            **dict.fromkeys(("version", "service", "namespace", "env"), ""),
            "name": name,
            "state": _state(last["columns"]),
            "reference": {"id": "", "provisional": False},
            "window": {"start": _time(last["start"]), "end": _time(last["end"]), "size": 0, "step": 0},
            "rows": last["rows"],
            "incident": _open_incident(found.get("incidents", [])),
            "columns": sorted(
                (_column(column, told, alarms) for column, told in last["columns"].items()), key=_evidence
            ),
            "alarms": [{**each, "opened": _time(each["opened"]), "closed": _time(each["closed"])} for each in alarms],
        }
        timeline = _timeline(windows)
    except (KeyError, TypeError, ValueError) as error:
        raise NoReportError(f"windows: must be those of this version's `driftline replay --json` ({error!r})") from None
    return rendered(document, timeline, numbered=isinstance(last["end"], int))


def rendered(document: Document, timeline: Document, *, numbered: bool = False) -> str:
    """One page without anything beside it. numbered: times are numbers of rows."""
    css = files("driftline_processor.web").joinpath("static").joinpath("style.css").read_text(encoding="utf-8")
    told = {"moment": _row} if numbered else {}
    facts = {"alone": True, "css": Markup(css), "matched": None, "alarms": document.get("alarms", []), **told}  # noqa: S704
    return pages.model(document, timeline, 0.0, _NOBODY, **facts)


def _row(number: float | None) -> str:
    return wording.NOTHING if number is None else f"row {number:,.0f}"


def _time(moment: str | float | None) -> float | None:
    """Unix seconds, or the number of a row."""
    if not isinstance(moment, str):
        return moment
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def _state(columns: Mapping[str, Any]) -> str:
    states = {"alarm" if column["alarm"] else column["state"] for column in columns.values()}
    return next((state for state in ("alarm", "warning", "healthy") if state in states), "insufficient_data")


def _open_incident(incidents: Sequence[Mapping[str, Any]]) -> Document | None:
    still = [each for each in incidents if each["closed"] is None]
    if not still:
        return None
    summary = still[-1]["summary"]
    sentence = summary.partition(": ")[2] if summary.startswith("model ") else summary
    return {"id": still[-1]["id"], "opened": _time(still[-1]["opened"]), "sentence": sentence}


def _column(name: str, column: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]]) -> Document:
    own = name.removeprefix(f"{column['target']}.")
    still = [each for each in alarms if each["closed"] is None and each["target"] == column["target"]]
    opened = next((each["opened"] for each in still if each["column"] in (name, own)), None)
    return {**column, "name": name, "since": _time(opened)}


def _ratio(column: Mapping[str, Any]) -> float | None:
    if column["state"] in _UNJUDGED or not column["tolerance"]:
        return None
    return float(column["lower_bound"] / column["tolerance"])


def _evidence(column: Document) -> tuple[object, ...]:
    severity = {"alarm": 3, "warning": 2, "healthy": 1}.get(column["state"], 0)
    return not column["alarm"], -severity, -(_ratio(column) or 0.0), column["name"]


def _timeline(windows: Sequence[Mapping[str, Any]]) -> Document:
    ends = [_time(window["end"]) for window in windows]
    ratios = [{name: _ratio(column) for name, column in window["columns"].items()} for window in windows]
    known = [[each for each in found.values() if each is not None] for found in ratios]
    return {
        "ends": ends,
        "rows": [window["rows"] for window in windows],
        "worst": [max(found, default=None) for found in known],
        "columns": [
            {"target": column["target"], "name": name, "ratios": [found.get(name) for found in ratios]}
            for name, column in windows[-1]["columns"].items()
        ],
    }
