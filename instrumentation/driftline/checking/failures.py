"""What a check found wrong with the rows of a call, and the error that refuses them."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

MOST_ROWS: Final = 1000
"""Row numbers that a failure lists."""

_MOST_SHOWN: Final = 3
"""Rules that a message spells out."""


class RuleFailure(NamedTuple):
    """A rule that some rows of a call broke.

    column: "" for a rule of several. rule: its name. requirement: what must hold. row_count: how many rows break it.
    rows: their numbers in the call, from 0, the first MOST_ROWS. values: of the first of them, where they may be shown.
    """

    column: str
    rule: str
    requirement: str
    row_count: int
    rows: tuple[int, ...]
    values: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """Column and rule, as spans have it."""
        return f"{self.column}: {self.rule}" if self.column else self.rule

    def __str__(self) -> str:
        got = f" (got {self.values[0]!r})" if self.values else ""
        return f"{self.column or self.rule} {self.requirement}{got}"


class CannotCheck(ValueError):  # noqa: N818  # what it is, not what went wrong with it
    """Calls are to be rejected, and there is nothing to check them against."""


class InputRejected(ValueError):  # noqa: N818  # the public name, as `InputRejected` reads in `except`
    """A call was refused before the model saw its rows, by `driftline.check` or `DRIFTLINE_CHECK=reject`.

    Attributes:
        model: name of the model.
        failures: the rules that failed, with rows and, where capture allows, values.

    """

    def __init__(self, model: str, failures: Sequence[RuleFailure]) -> None:
        super().__init__(model, tuple(failures))
        self.model = model
        self.failures = tuple(failures)

    @property
    def rows(self) -> tuple[int, ...]:
        """Numbers of the rows that broke a rule, from 0; of each rule the first thousand."""
        return tuple(sorted({row for failure in self.failures for row in failure.rows}))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns with a rule that failed."""
        return tuple(dict.fromkeys(failure.column for failure in self.failures if failure.column))

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that failed."""
        return tuple(dict.fromkeys(failure.rule for failure in self.failures))

    def __str__(self) -> str:
        told = "; ".join(map(str, self.failures[:_MOST_SHOWN]))
        more = len(self.failures) - _MOST_SHOWN
        return f"input of model {self.model!r} rejected: {told}" + (f"; and {more} more" if more > 0 else "")
