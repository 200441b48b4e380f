"""`driftline.profile`: training data in memory → profile."""

from collections.abc import Mapping, Sequence
from typing import Any

from driftline import semconv
from driftline.profiling.in_memory import in_memory
from driftline.profiling.plan import Roles
from driftline.profiling.profiler import profile_table
from driftline.profiling.tables import Table
from driftline.reference.column_blocks import checked_blocks
from driftline.reference.errors import ProfileError
from driftline.reference.profile import Profile
from driftline.reference.tolerances import checked
from driftline.segments.declared import checked_segments

ROLES = ("label", "prediction", "score", "timestamp")


def profile(
    X: Any,
    y: Any = None,
    *,
    model: str | None = None,
    version: str | None = None,
    prediction: Any = None,
    score: Any = None,
    timestamp: Any = None,
    categorical: Sequence[str] = (),
    ignore: Sequence[str] = (),
    keep: Sequence[str] = (),
    tolerances: Mapping[str, float] | None = None,
    blocks: Mapping[str, Sequence[str]] | None = None,
    segments: Sequence[str] = (),
    kind: str | None = None,
    unknown_token: int | None = None,
) -> Profile:
    """Profile training data: the reference that live data is compared with.

    Args:
        X: inputs of the model, [rows, features]: a data frame, an array (features are named x0, x1, ...), a sparse
            matrix, an Arrow table, lists of lists or of dictionaries, or a dictionary of columns. Tensors, arrays with
            more than two dimensions and dictionaries of them are summarized as in serving, e.g. by an image's mean, an
            embedding's projections or a text's length.
        y: labels, [rows], or the name of a column of X. It keeps its name, also that of a series, else it is `label`.
        model: name of the served model. Default: the name of the saved file up to the first dot.
        version: version of the model. Without one, the profile applies to all versions.
        prediction: predictions for these rows, classes or numbers, [rows], or the name of a column of X.
        score: probability of the positive class, or the decision function, [rows], or the name of a column of X.
        timestamp: time of each row, [rows], as times or as Unix seconds, or the name of a column of X. Default: the
            only column of times. Chunks are of equal duration with timestamps, else of equal numbers of rows.
        categorical: names of numeric columns that hold category codes.
        ignore: names of columns to leave out.
        keep: names of columns to keep even if they look like IDs, clocks or counters.
        tolerances: how far columns may move before it matters, as a share of rows, by name or pattern of names such as
            `{"fraud*": 0.001}`: the column's own name counts, else the first pattern that matches. All others have the
            processor's `verdict.tolerance`.
        blocks: columns that belong together, by names or patterns of names: `{"address": ["street*", "zip"]}`. They are
            judged together, which sees what no single one proves, and raise one alarm.
        segments: parts of the rows that are always told of: names of columns, of which every bin or category is one, or
            conditions such as `age >= 65 and region == "north"`.
        kind: kind of X if its shape does not show it: "tabular", "image", "audio", "embedding" or "tokens". For
            embeddings the distance to their mean is a column too; `describe(model, centroid=X.mean(axis=0))` adds it
            in serving.
        unknown_token: id of the token for unknown words.

    Returns:
        The profile: `save` it where the processor and the model server find it.

    Raises:
        ProfileError: X has no rows or no inputs, a name is no column, columns differ in length, or the values of a
            column do not fit its role, a tolerance is no share of rows, or a segment is no condition on inputs.

    Example:
        >>> import driftline
        >>> profile = driftline.profile({"age": [31, 42, 57], "plan": ["a", "b", "a"]}, y=[0, 1, 0], model="churn")
        >>> [(column.key.name, column.type, column.rows) for column in profile.columns]
        [('age', 'integer', 3), ('plan', 'string', 3), ('label', 'integer', 3)]

    """
    given = dict(zip(ROLES, (y, prediction, score, timestamp), strict=True))
    named = {role: value for role, value in given.items() if isinstance(value, str)}
    beside = {_beside(role): value for role, value in given.items() if value is not None and role not in named}
    roles = Roles(
        **named,
        **{role: _beside(role) for role in ROLES if _beside(role) in beside},
        categorical=tuple(categorical),
        ignore=tuple(ignore),
        keep=tuple(keep),
        label_name=_label_name(y) if "label" not in named else "",
    )
    return profile_table(
        Table.of([in_memory(X, beside, kind, unknown_token)]),
        roles,
        model=model or "",
        version=version or "",
        tolerances=checked(tolerances or {}),
        blocks=checked_blocks(blocks or {}),
        segments=_checked_segments(segments),
    )


def _checked_segments(segments: Sequence[str]) -> tuple[str, ...]:
    try:
        return checked_segments(segments)
    except ValueError as error:
        raise ProfileError(f"segments: {error}") from error


def _label_name(y: Any) -> str:
    """Of labels given beside X: a series has a name."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else semconv.TARGET_LABEL


def _beside(role: str) -> str:
    """Name for a column given beside X, distinct from every column of X."""
    return f"<{role}>"
