"""Documents as HTML. Everything that a sender has named is escaped; no page has a style attribute or inline script."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from driftline_processor.config.durations import format_duration
from driftline_processor.web import addresses, charts, wording

PICTURES: Final = 100
"""Columns in full; the others are a line of text each, unless they have moved."""

PER_PAGE: Final = 100
"""Columns on a page of all of them."""

SPARKS: Final = 300
"""Models with a sparkline; the others are a line of text each."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("driftline_processor.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for module in (addresses, charts, wording):
        functions = {name: each for name, each in vars(module).items() if callable(each) and not name.startswith("_")}
        environment.globals |= functions
    environment.globals |= {
        "format_duration": format_duration,
        "zip_": _paired,
        "points_of": _points,
    }
    return environment


def _paired(ends: Sequence[float], values: Sequence[float | None]) -> list[tuple[float, float | None]]:
    return list(zip(ends, values, strict=True))


def _points(history: Sequence[Mapping[str, Any]]) -> list[tuple[float, float | None]]:
    return [(point["end"], point["ratio"]) for point in history]


def render(template: str, now: float, **values: Any) -> str:
    """A page. now: Unix seconds."""
    return (
        _environment()
        .get_template(template)
        .render({"now": now, "alone": False, "trace_url": "", "alarms": (), **values})
    )


def overview(
    models: Sequence[Mapping[str, Any]], now: float, chosen: Mapping[str, str], service: Mapping[str, Any]
) -> str:
    """All models. chosen: `q` and `state` of the address."""
    shown = [model for model in models if _is_chosen(model, chosen)]
    groups = [(title, note, [m for m in shown if m["state"] in states]) for title, note, states in _GROUPS]
    counts = {state: sum(model["state"] == state for model in models) for state in wording.WORDS}
    return render(
        "overview.html",
        now,
        models=models,
        starting=[each for each in service["models"] if each["last_window_end"] is None and each["rows"]],
        shown=shown,
        groups=[group for group in groups if group[2]],
        counts=counts,
        chosen=chosen,
        service=service,
        sparks=SPARKS,
    )


_GROUPS: Final = (
    ("Incidents", "the strongest evidence first", ("alarm",)),
    ("Cannot be judged", "silence is not health", ("insufficient_data",)),
    ("Warnings", "unusual, and no alarm", ("warning",)),
    ("Healthy", "the nearest to a tolerance first", ("healthy",)),
)


def _is_chosen(model: Mapping[str, Any], chosen: Mapping[str, str]) -> bool:
    wanted = chosen.get("q", "").casefold()
    named = " ".join(str(model[name]) for name in ("name", "version", "service", "env")).casefold()
    return wanted in named and chosen.get("state", model["state"]) in ("", model["state"])


def model(
    document: Mapping[str, Any],
    timeline: Mapping[str, Any],
    now: float,
    chosen: Mapping[str, str],
    complete: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    **facts: Any,
) -> str:
    """A model and its columns.

    complete: the whole document of a column, of which there may be a brief one. chosen: `q`, `state`, `target` and
    `page` of the address.
    """
    columns = [column for column in document["columns"] if _is_shown(column, chosen)]
    page = max(int(chosen["page"][:6]), 1) if chosen.get("page", "").isdecimal() else 0
    chosen_columns, plain = _parted(columns, page)
    histories = {(each["target"], each["name"]): each["ratios"] for each in timeline["columns"]}
    return render(
        "model.html",
        now,
        model=document,
        columns=columns,
        full=[complete(column) for column in chosen_columns],
        plain=plain,
        page=page,
        pages=-(-len(columns) // PER_PAGE),
        timeline=timeline,
        histories=histories,
        chosen=chosen,
        **facts,
    )


def _parted(
    columns: Sequence[Mapping[str, Any]], page: int
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Those in full, and those in a line: all that moved, and the first PICTURES, are in full."""
    if page:
        return columns[(page - 1) * PER_PAGE : page * PER_PAGE], ()
    moved = sum(column["alarm"] for column in columns)  # they come first
    most = max(PICTURES, min(moved, 2 * PICTURES))
    return columns[:most], columns[most:]


def _is_shown(column: Mapping[str, Any], chosen: Mapping[str, str]) -> bool:
    named = chosen.get("q", "").casefold() in column["name"].casefold()
    state = chosen.get("state", "")
    return named and state in ("", column["state"]) and chosen.get("target", "") in ("", column["target"])
