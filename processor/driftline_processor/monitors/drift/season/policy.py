"""What a season may make of a stream's windows: nothing, or what its own last hours and days show.

A policy is chosen once for a reference, and begins a season for each window: what that allows, what is noted of the
window when it was judged, and which whole days and weeks are judged as well.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from driftline.reference.chunks import COARSE
from driftline.sketch.arrays import FloatArray
from driftline.sketch.time_units import DAY, WEEK
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.horizon import Horizon, Judged, Reach, in_chunks
from driftline_processor.monitors.drift.history.stream_history import StreamHistory
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, has_time_of_day, slides
from driftline_processor.monitors.drift.season.learned_season import SeasonLearner
from driftline_processor.monitors.drift.season.rebin_by_day import FINE
from driftline_processor.monitors.drift.season.stretch_levels import StretchReader
from driftline_processor.records import ColumnKey


class NoSeason:
    """The reference itself shows all that is known of a season, or nothing is."""

    allowance: Final = None
    observes: Final = False

    def begin(self, _stream: StreamWindow | None) -> "NoSeason":
        """For one window."""
        return self

    def observe(self, judged: Judged) -> None:
        """Notes what was detected."""

    def whole(self, _counts: BinnedCounts) -> Iterator[Horizon]:
        """Remembers the counts of a window, and gives the whole days and weeks that are complete with it."""
        return iter(())


NO_SEASON: Final = NoSeason()


class NothingToLearn:
    """Of a reference whose own chunks show what an hour may do."""

    def allowance(self, history: StreamHistory, end: int) -> None:
        """None is needed."""

    def allowance_of_day(self, history: StreamHistory, end: int) -> None:
        """None is needed."""

    def see(self, history: StreamHistory, end: int, events: Assessment) -> None:
        """Nothing is noted."""

    def sees(self, _history: StreamHistory, _end: int) -> bool:
        """Nothing ever is."""
        return False

    def learn(self, history: StreamHistory) -> None:
        """Nothing is learned."""

    def relearn(self, history: StreamHistory) -> None:
        """Nothing is taken back."""


class StreamSeason:
    """Learned from the stream's own hours and days; whole days are judged, in which every time of day has its part.

    daily: the reference in chunks of a day, to hold whole days against; where it has none, whole weeks are judged, too.
    chunk: seconds in a chunk of the reference; None without timestamps.
    """

    def __init__(
        self,
        detector: Detector,
        learner: SeasonLearner | NothingToLearn,
        daily: Detector | None,
        chunk: float | None,
    ) -> None:
        self.detector, self.learner, self.daily, self.chunk = detector, learner, daily, chunk

    def begin(self, stream: StreamWindow | None) -> "WindowSeason | NoSeason":
        """For one window."""
        if stream is None or not has_time_of_day(stream.window):
            return NO_SEASON
        return WindowSeason(self, stream)


class WindowSeason:
    """The season of one window in a stream."""

    def __init__(self, policy: StreamSeason, stream: StreamWindow) -> None:
        trailing, self._window = stream.trailing, stream.window
        self._policy, self._learner = policy, policy.learner
        columns = len(policy.detector.baseline.sizes)
        trailing.history = trailing.history or StreamHistory.begin(self._window.start, columns)
        self._history = trailing.history
        if self._history.relearn:
            self._learner.relearn(self._history)
        self.allowance = self._learner.allowance(self._history, self._window.end)

    @property
    def observes(self) -> bool:
        """Whether anything is noted of the window."""
        return self._learner.sees(self._history, self._window.end)

    def observe(self, judged: Judged) -> None:
        """Notes what the stream does by itself. judged: the window."""
        self._learner.see(self._history, self._window.end, judged.detection.events)

    def whole(self, counts: BinnedCounts) -> Iterator[Horizon]:
        """Remembers the counts of a window; each hour the last 24 are judged, and each day the last seven."""
        if slides(self._window) or not self._history.add(self._window, counts.vector):
            return
        self._learner.learn(self._history)
        day, week = self._history.whole_day(), self._history.whole_week()
        if day is not None:
            yield self._horizon(Reach.DAY, day, DAY)
        if week is not None and self._policy.daily is None:
            yield self._horizon(Reach.WEEK, week, WEEK)

    def _horizon(self, reach: Reach, vector: FloatArray, duration: int) -> Horizon:
        """The last 24 hours, in which days of the week may still differ, or the last seven days."""
        policy, end = self._policy, self._history.hours[-1].end
        start = end - duration
        lasting = self._window.end - start
        counts = BinnedCounts.of_vector(vector, len(policy.detector.sizes))
        if policy.daily is not None:
            return Horizon(reach, start, lasting, counts, policy.daily, chunks=1.0)
        allowance = self._learner.allowance_of_day(self._history, end) if reach is Reach.DAY else None
        chunks = in_chunks(duration, policy.chunk)
        return Horizon(reach, start, lasting, counts, policy.detector, chunks, allowance)


Season: TypeAlias = NoSeason | WindowSeason
SeasonPolicy: TypeAlias = NoSeason | StreamSeason


def season_policy(
    detector: Detector,
    keys: Sequence[ColumnKey],
    days: Detector | None,
    chunk: float,
    tolerance: float,
    *,
    stretches: StretchReader | None = None,
) -> SeasonPolicy:
    """For a reference of these columns, in chunks of so many seconds, 0 without timestamps.

    days: the same reference in chunks of a day. stretches: a reader to share with another policy of the reference.
    """
    knows_hours = 0.0 < chunk <= FINE
    if knows_hours and days is None:
        return NO_SEASON
    reader, blank = stretches or StretchReader(detector), not 0.0 < chunk <= COARSE
    learner = NothingToLearn() if knows_hours else SeasonLearner(detector, reader, keys, tolerance, blank=blank)
    return StreamSeason(detector, learner, days, chunk if chunk > 0.0 else None)
