"""A replay of rows in memory, and its results as tables: `driftline.replay`."""

import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from driftline.profiling.plan import Roles
from driftline.reference.errors import ProfileError
from driftline.reference.profile import Profile
from driftline_processor.config import ConfigError
from driftline_processor.reference import InvalidReference
from driftline_processor.replay.errors import ReplayError
from driftline_processor.replay.json_report import Document
from driftline_processor.replay.settings import ReplayOptions
from driftline_processor.replay.setup import prepare_replay

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ReplayResults:
    """What a replay has found. document: as the command writes it as JSON. name: of the model."""

    name: str
    document: Mapping[str, Any]

    @property
    def windows(self) -> Any:
        """One row a window: start, end, rows, and how many columns are in alarm."""
        return _table([_window(each) for each in self.document["windows"]])

    @property
    def columns(self) -> Any:
        """One row a column and window: state, distance, bound, tolerance, event, before, after, sentence."""
        return _table(list(self._columns()))

    @property
    def alarms(self) -> Any:
        """One row an alarm: column, opened, closed, summary."""
        return _table([{key: each[key] for key in _ALARM} for each in self.document["alarms"]])

    @property
    def incidents(self) -> Any:
        """One row an incident: opened, closed, columns, summary."""
        return _table(
            [{**each, "columns": [c["column"] for c in each["columns"]]} for each in self.document["incidents"]]
        )

    def to_html(self) -> str:
        """A report of the last window and the history of all, one file."""
        from driftline_processor.web.report import report_of_replay

        return report_of_replay(self.document, self.name)

    def _repr_html_(self) -> str:
        """In a frame of its own, whose style a notebook does not inherit."""
        return f'<iframe width="100%" height="640" title="driftline" srcdoc="{escape(self.to_html())}"></iframe>'

    def _columns(self) -> Iterator[dict[str, Any]]:
        for window in self.document["windows"]:
            for name, column in window["columns"].items():
                yield {"start": window["start"], "end": window["end"], "column": name} | {
                    key: column[key] for key in _COLUMN
                }


_ALARM = ("id", "column", "target", "incident", "opened", "closed", "summary")
_COLUMN = (
    "target",
    "state",
    "alarm",
    "rows",
    "distance",
    "lower_bound",
    "tolerance",
    "event",
    "before",
    "after",
    "direction",
    "sentence",
)


def replay_frame(
    rows: Any,
    reference: Profile | str | Path,
    *,
    roles: Mapping[str, Any],
    options: Mapping[str, Any],
) -> ReplayResults:
    """Replays rows; the arguments are those of `driftline.replay`. Raises ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pa.parquet.write_table(_arrow(rows), path)
        if isinstance(reference, Profile):
            file = Path(folder) / "profile.reference.json"
            reference.save(file)
        else:
            file = Path(reference)
        given = ReplayOptions(choices=False, **options)
        try:
            return _replayed(path, file, Roles(**roles), given)
        except (ConfigError, InvalidReference, ProfileError, ReplayError) as error:
            raise ValueError(str(error)) from error


def _replayed(path: Path, file: Path, roles: Roles, options: ReplayOptions) -> ReplayResults:
    prepared = prepare_replay((path,), file, roles, options, lambda _rows: None)
    replay, text = prepared.replay, io.StringIO()
    document = Document(text, replay.timeline)
    for result in replay.run(prepared.batches(), lambda _rows: None):
        document.add(result, replay.rows, replay.performance(result))
    document.end()
    return ReplayResults(replay.reference.name or "model", json.loads(text.getvalue()))


def _arrow(rows: Any) -> Any:
    """An Arrow table of a frame."""
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, Mapping):
        return pa.table(dict(rows))
    if hasattr(rows, "__arrow_c_stream__"):
        return pa.table(rows)
    if hasattr(rows, "iloc"):
        return pa.Table.from_pandas(rows, preserve_index=False)
    raise ValueError(
        f"rows: must be a data frame, an Arrow table or a dictionary of columns (got {type(rows).__name__})"
    )


def _window(window: Mapping[str, Any]) -> dict[str, Any]:
    alarmed = [name for name, column in window["columns"].items() if column["alarm"]]
    return {**{key: window[key] for key in ("start", "end", "rows")}, "alarms": len(alarmed), "alarmed": alarmed}


def _table(rows: Rows) -> Any:
    """A pandas data frame where pandas is there."""
    try:
        import pandas as pd
    except ImportError:
        return rows
    return pd.DataFrame(rows)
