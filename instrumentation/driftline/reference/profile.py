"""A training profile: what the training data held, column by column, in the whole and by chunk."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from driftline.reference.atomic_write import replacing
from driftline.reference.chunks import Chunks
from driftline.reference.clocks import Clock, merge_clocks
from driftline.reference.errors import ProfileError
from driftline.reference.merge import merge_chunks, merge_columns, merge_pairs
from driftline.reference.outcome_profile import OutcomeProfile, merge_outcomes
from driftline.reference.profile_column import ProfileColumn
from driftline.reference.row_repeats import RowRepeats
from driftline.reference.write import to_json, to_request
from driftline.segments.merge import merge_training
from driftline.segments.training import SegmentTraining

_SAME_LENGTH: Final = 0.01
"""As a share: chunks of two profiles whose mean lengths differ no more are of the same length."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A training profile: the reference that live data is compared with.

    Attributes:
        model: name of the model that the data trained, "" if not given.
        version: its version, "" if not given.
        rows: rows of the data.
        chunks: stretches of the data, by time or by rows.
        columns: inputs, outputs and the label.
        notes: decisions worth reporting, one line each; they are not saved.
        pairs: pairs of inputs, each as a column with two categories.
        row_repeats: how often rows repeat, of all inputs, and of those in `columns`.
        clocks: inputs that tell the time, which are in no column.
        outcomes: how labels went with predictions and scores; None where not all of them were given.
        segments: counts of the bins and categories of the inputs, and of pairs of them; None where they are not known.

    """

    model: str
    version: str
    rows: int
    chunks: Chunks
    columns: tuple[ProfileColumn, ...]
    notes: tuple[str, ...] = ()
    pairs: tuple[ProfileColumn, ...] = ()
    row_repeats: tuple[RowRepeats, ...] = ()
    clocks: tuple[Clock, ...] = ()
    outcomes: OutcomeProfile | None = None
    segments: SegmentTraining | None = None

    def merge(self, other: "Profile") -> "Profile":
        """The profile of the rows of both.

        Sketches merge exactly, at the coarser of both scales; chunks are projected on the bins of the merged sketch.
        Without timestamps the rows of `other` come after these. Pairs of inputs are kept if both profiles split them
        at the same medians, and counts of segments if both have the same cells and judge rows by the same confidence;
        `notes` say what is left out.

        Args:
            other: a profile of the same model and version with the same columns.

        Returns:
            A new profile; both others stay as they are.

        Raises:
            ProfileError: the profiles differ in model, version, columns or the type of a column.

        Example:
            >>> import driftline
            >>> january, february = driftline.profile({"age": [31, 42]}), driftline.profile({"age": [50]})
            >>> january.merge(february).rows
            3

        """
        for what, mine, theirs in (("model", self.model, other.model), ("version", self.version, other.version)):
            if mine != theirs:
                raise ProfileError(f"{what}: profiles to merge must be of the same one (got {mine!r} and {theirs!r})")
        chunks, places = merge_chunks(self.chunks, self.rows, other.chunks, other.rows)
        pairs = merge_pairs(self.pairs, other.pairs, places)
        outcomes = merge_outcomes(self.outcomes, other.outcomes)
        segments = _merged_segments(self, other, chunks)
        lost = (
            *_lost(len(self.pairs) - len(pairs)),
            *_lost_outcomes(self.outcomes is not None and outcomes is None),
            *_lost_segments(self.segments is not None and segments is None),
        )
        return replace(
            self,
            rows=self.rows + other.rows,
            chunks=chunks,
            columns=merge_columns(self.columns, other.columns, places),
            notes=tuple(dict.fromkeys((*self.notes, *other.notes, *lost))),
            pairs=pairs,
            row_repeats=_of_same_columns(self.row_repeats, other.row_repeats),
            clocks=merge_clocks(self.clocks, other.clocks),
            outcomes=outcomes,
            segments=segments,
        )

    def named(self, path: str | Path) -> "Profile":
        """The same with a model name: its own, or else the file's name up to the first dot."""
        return self if self.model else replace(self, model=Path(path).name.split(".")[0])

    def save(self, path: str | Path) -> None:
        """Write the profile as OTLP JSON: the same bytes for the same data.

        The file is replaced atomically, so a processor that watches its folder never reads half of one. A profile
        without a model name is saved under the file's name up to the first dot.

        Args:
            path: the file to write.

        Raises:
            OSError: it cannot be written.

        """
        with replacing(Path(path)) as file:
            file.write(to_json(self.named(path).to_request()))

    def to_request(self) -> ExportMetricsServiceRequest:
        """The profile as an OTLP metrics request."""
        columns = (*self.columns, *self.pairs)
        named = (self.model, self.version, self.chunks)
        return to_request(
            *named,
            columns,
            row_repeats=self.row_repeats,
            clocks=self.clocks,
            outcomes=self.outcomes,
            segments=self.segments,
        )


def _of_same_columns(ours: tuple[RowRepeats, ...], theirs: tuple[RowRepeats, ...]) -> tuple[RowRepeats, ...]:
    others = {each.inputs: each for each in theirs}
    return tuple(each.merge(others[each.inputs]) for each in ours if each.inputs in others)


def _merged_segments(a: Profile, b: Profile, chunks: Chunks) -> SegmentTraining | None:
    """None where cells differ, or lengths of chunks do: how much counts vary is known by these."""
    if a.segments is None or b.segments is None:
        return None
    mine, its, merged = (float((each.ends - each.starts).mean()) for each in (a.chunks, b.chunks, chunks))
    if abs(mine - its) > _SAME_LENGTH * mine:
        return None
    return merge_training(a.segments, b.segments, len(chunks), mine / merged)


def _lost_segments(lost: bool) -> tuple[str, ...]:
    what = "Left out the counts of segments, whose cells differ: no segments are found with this reference"
    return (f"{what}. Profile all data at once to keep them",) if lost else ()


def _lost(pairs: int) -> tuple[str, ...]:
    if not pairs:
        return ()
    return (f"Left out {pairs} pairs of inputs split at different medians: profile all data at once to keep them",)


def _lost_outcomes(lost: bool) -> tuple[str, ...]:
    if not lost:
        return ()
    return ("Left out how labels go with predictions, counted in different cells: profile all data at once to keep it",)
