"""What `driftline profile` prints of a profile: the schema as a table, the chunks, the pairs."""

from datetime import datetime, timedelta, timezone

from rich.table import Table

from driftline import semconv
from driftline.reference.chunks import COARSE, FEWEST_ROWS, MOST_CHUNKS
from driftline.reference.profile import Profile
from driftline.reference.profile_column import ColumnKey, ProfileColumn
from driftline.sketch.time_units import DAY_SECONDS

_MOST_ROWS = 60
_MOST_CATEGORIES = 3

_NO_HOURS = (
    "Such chunks do not tell the time of day: it is learned from the first day of live rows. A profile of the last "
    f"{MOST_CHUNKS * COARSE / DAY_SECONDS:.0f} days, of {MOST_CHUNKS * FEWEST_ROWS:,} rows or more, tells it"
)


def schema_table(profile: Profile) -> Table:
    """Column, type, range or most frequent categories, share missing; the first 60 columns."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("column", "type", "values"):
        table.add_column(heading, overflow="fold")
    table.add_column("missing", justify="right")
    for column in profile.columns[:_MOST_ROWS]:
        table.add_row(_name(column.key), column.type, _values(column), _missing(column))
    if len(profile.columns) > _MOST_ROWS:
        table.add_row(f"… and {len(profile.columns) - _MOST_ROWS} more")
    return table


def chunk_line(profile: Profile) -> str:
    """How the data is divided into chunks."""
    chunks = profile.chunks
    if not chunks.has_timestamps:
        return f"{profile.rows:,} rows in {len(chunks)} chunks of equal size, in the order of the data (no timestamp)"
    first, last = chunks.starts[0], chunks.ends[-1]
    each = timedelta(seconds=round(float(last - first) / len(chunks)))
    line = f"{profile.rows:,} rows in {len(chunks)} chunks of {each}, {_time(first)} to {_time(last)}"
    return line if chunks.tells_hours or first == last else f"{line}\n{_NO_HOURS}"


def pair_line(profile: Profile) -> str:
    """What the pairs are for."""
    return (
        f"{len(profile.pairs)} pairs of inputs, to detect changes in correlation: set DRIFTLINE_REFERENCE to this file "
        "where the model is served"
    )


def _name(key: ColumnKey) -> str:
    name = key.name or "(unnamed)"
    return name if key.target == semconv.TARGET_INPUT else f"→ {name}"


def _values(column: ProfileColumn) -> str:
    if not column.valid:
        return "none"
    if column.numbers is None:
        rows = sorted(column.categories.items(), key=lambda item: (item[0] == semconv.OTHER, -item[1], item[0]))
        shown = [f"{name} {count / column.valid:.0%}" for name, count in rows[:_MOST_CATEGORIES]]
        return ", ".join(shown) + (f", … {len(rows)} in all" if len(rows) > _MOST_CATEGORIES else "")
    found = column.range
    assert found is not None
    show = _time if column.type == "timestamp" else _number
    return f"{show(found[0])} to {show(found[1])}"


def _number(value: float) -> str:
    return f"{value:.0f}" if 1e6 <= abs(value) < 1e19 else f"{value:.6g}"


def _time(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return _number(seconds)


def _missing(column: ProfileColumn) -> str:
    missing = column.states.get(semconv.MISSING, 0)
    return f"{missing / column.rows:.1%}" if missing else "–"
