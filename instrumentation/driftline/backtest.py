"""`driftline.replay`: the Python form of the command, which the processor's package has."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from driftline.reference.profile import Profile


def replay(
    X: Any,
    reference: Profile | str | Path,
    *,
    timestamp: str | None = None,
    window: str | None = None,
    step: str | None = None,
    label: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    ignore: Sequence[str] = (),
    tolerance: float | None = None,
    tolerances: Mapping[str, float] | None = None,
    false_alarms: float | None = None,
    per: str | None = None,
) -> Any:
    """Backtest drift detection: replay logged predictions, as `driftline replay` does. Needs `driftline[processor]`.

    Args:
        X: Rows of logged predictions: a pandas or polars data frame, an Arrow table, or a dictionary of columns.
        reference: Profile of the training data, or its file.
        timestamp: Column with the timestamp of each row; by default the only timestamp column.
        window: Window length: "1h", "7d" or "5000rows".
        step: How often a window is judged; by default the window.
        label: Column with the label.
        prediction: Column with the prediction, if not named as in the reference.
        score: Column with the score, if not named as in the reference.
        ignore: Columns to exclude.
        tolerance: Drift distance to ignore, as a share of rows.
        tolerances: Of single columns, by name or pattern.
        false_alarms: False alarm budget in `per`.
        per: Period of the budget.

    Returns:
        The results: `windows`, `columns`, `alarms` and `incidents` are tables, pandas data frames where pandas is
        there, else lists of dictionaries; `document` is what the command writes as JSON; `to_html()` is a report,
        which a notebook shows.

    Raises:
        ImportError: The processor is not installed.
        ValueError: The data cannot be replayed; the message names the thing, the rule and the value.

    """
    try:
        frames = import_module("driftline_processor.replay.frames")
    except ImportError as error:
        raise ImportError("driftline.replay needs the processor: pip install 'driftline[processor]'") from error
    return frames.replay_frame(
        X,
        reference,
        roles={
            "label": label,
            "prediction": prediction,
            "score": score,
            "timestamp": timestamp,
            "ignore": tuple(ignore),
        },
        options={
            "window": window,
            "step": step,
            "tolerance": tolerance,
            "tolerances": dict(tolerances or {}),
            "false_alarms": false_alarms,
            "per": per,
        },
    )
