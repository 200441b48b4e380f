"""What goes wrong in a demo, and what must be said about it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from driftline.reference.profile_column import ColumnKey
from driftline.tools.demo.schedule import Phase
from driftline.tools.demo.services import Addresses


@dataclass(frozen=True, slots=True)
class Expected:
    """alarm: the column that must be alarmed. also: those that may be, as they show the same fault."""

    alarm: ColumnKey
    also: frozenset[ColumnKey] = frozenset()

    def allows(self, column: ColumnKey) -> bool:
        return column == self.alarm or column in self.also


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that the server has answered, one answer a row. id: of the prediction, "" where it is not told."""

    id: str
    rows: pd.DataFrame
    answers: list[dict[str, Any]]
    phase: Phase


FollowUp = Callable[[Answered], None]
"""Called in the traffic's thread after each request, such as to send the labels of its rows."""


def unchanged(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as they are: what breaks is elsewhere."""
    return rows


def no_deployment(_model_file: Path) -> None:
    """The model stays as it is."""


@contextmanager
def no_follow_up(_addresses: Addresses) -> Iterator[FollowUp]:
    """Nothing happens after a request."""
    yield lambda _answered: None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault, told in clauses: "`coming` in 0:30", "`lasting` for 0:12", "3.4 s after `begun`".

    app: the server's. change: what the fault makes of a request's rows. deploy: what happens to the model's file when
    the fault begins; the server loads a file that has changed. server: more environment variables of the model server.
    settings: more top-level lines of the processor's configuration. follow: opens what is told of each answered
    request.
    """

    name: str
    expected: Expected
    coming: str
    lasting: str
    begun: str
    app: str = "driftline.tools.demo.server:app"
    change: Callable[[pd.DataFrame], pd.DataFrame] = unchanged
    deploy: Callable[[Path], None] = no_deployment
    server: Mapping[str, str] = field(default_factory=dict)
    settings: str = ""
    follow: Callable[[Addresses], AbstractContextManager[FollowUp]] = no_follow_up
