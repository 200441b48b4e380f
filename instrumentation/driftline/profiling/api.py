"""`driftline.profile`: training data in memory → profile."""

from collections.abc import Sequence
from typing import Any

from driftline.profiling.in_memory import in_memory
from driftline.profiling.plan import Roles
from driftline.profiling.profiler import profile_table
from driftline.profiling.tables import Table
from driftline.reference.profile import Profile

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
    kind: str | None = None,
    unknown_token: int | None = None,
) -> Profile:
    """The profile of training data: what live data is compared with.

    Args:
        X: the model's inputs, [rows, features]: a data frame, an array (its features are named x0, x1, ...), an Arrow
            table or a dictionary of columns. Tensors, arrays of more than two dimensions, and dictionaries of them
            are summarized as in serving: an image's mean, an embedding's projections, a text's length.
        y: the label, [rows], or the name of its column in X.
        model: name under which the model is served; `save` takes the beginning of the file's name otherwise.
        version: its version; without one, the profile serves all versions.
        prediction: what the model said of these rows, classes or numbers, [rows] or the name of a column.
        score: the probability of the second class, or the decision function, [rows] or the name of a column.
        timestamp: when each row was, times or Unix seconds, [rows] or the name of a column: chunks are stretches of
            time then. Without it the only column with times is taken; without that, chunks are stretches of rows.
        categorical: columns of numbers that are codes of categories.
        ignore: columns to leave out.
        keep: columns to count even if they look like ids.
        kind: what X is, where its shape does not tell: "tabular", "image", "audio", "embedding", "tokens". Of
            embeddings the distance to their mean is a column too: `describe(model, centroid=X.mean(axis=0))` makes it
            one in serving.
        unknown_token: id of the token that stands for unknown words.

    Raises:
        ProfileError: the data has no rows or no inputs; a name is no column; a column has another number of rows, or
            values that cannot be what it is said to be.

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
    )
    return profile_table(
        Table.of([in_memory(X, beside, kind, unknown_token)]), roles, model=model or "", version=version or ""
    )


def _beside(role: str) -> str:
    """Name of a column that came beside X: one that no column of X has."""
    return f"<{role}>"
