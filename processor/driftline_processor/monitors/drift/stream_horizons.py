"""The horizons that end with a window: it by itself, and the longer ones in which an alarm may open or close."""

from collections.abc import Iterator
from dataclasses import replace

from driftline.sketch.arrays import FloatArray
from driftline_processor.monitors.drift.binning.binned_counts import BinnedCounts
from driftline_processor.monitors.drift.detection.assessment import Z95
from driftline_processor.monitors.drift.detection.detector import Detector
from driftline_processor.monitors.drift.detection.horizon import Horizon, Reach, in_chunks
from driftline_processor.monitors.drift.detection.tolerance_bound import SPENT
from driftline_processor.monitors.drift.history.trailing_windows import StreamWindow, TrailingSpan
from driftline_processor.monitors.drift.season.policy import Season
from driftline_processor.records import Window


class StreamHorizons:
    """The horizons of a stream against a reference.

    chunk: seconds in a chunk of the reference; None without timestamps. every: blocks of columns are judged, which may
    move together in a horizon where no column surely does by itself.
    """

    def __init__(self, reference: str, detector: Detector, chunk: float | None, *, every: bool) -> None:
        self._reference, self._detector, self._chunk, self._every = reference, detector, chunk, every

    def of(self, counts: BinnedCounts, duration: int, stream: StreamWindow | None, season: Season) -> Iterator[Horizon]:
        """The window, the last 2 to 32, and whole days and weeks, in which every time has its part."""
        if stream is None:
            yield Horizon(Reach.WINDOW, 0, duration, counts, self._detector, in_chunks(duration, self._chunk))
            return
        window = stream.window
        counts = self._detector.without_time(counts, window, stream.hours)

        def together(reach: Reach, start: int, lasting: int, counts: BinnedCounts) -> Horizon:
            chunks, at = in_chunks(lasting, self._chunk), Window(start, window.end)
            return Horizon(reach, start, lasting, counts, self._detector, chunks, season.allowance, at)

        yield replace(together(Reach.WINDOW, window.start, duration, counts), hours=stream.hours, spent=SPENT[1])
        for span, longer in self._spans(stream, counts.vector):
            lasting = window.end - span.start
            yield replace(together(Reach.TRAILING, span.start, lasting, longer), spent=SPENT[span.windows])
        for whole in season.whole(counts):
            if self._every or _may_close(stream, whole.start) or whole.may_alarm:
                yield whole

    def _spans(self, stream: StreamWindow, counts: FloatArray) -> Iterator[tuple[TrailingSpan, BinnedCounts]]:
        """The longer spans in which an alarm may open or close, and what they hold."""
        spans = list(stream.trailing.spans(self._reference, stream.window, counts))
        if not spans:
            return
        held = [BinnedCounts.of_vector(span.counts, len(self._detector.sizes)) for span in spans]
        may_open = self._detector.may_alarm(BinnedCounts.stack(held), 0.0 if self._every else Z95)
        for span, longer, opens in zip(spans, held, may_open, strict=True):
            if opens or _may_close(stream, span.start):
                yield span, longer


def _may_close(stream: StreamWindow, start: int) -> bool:
    """Whether a horizon that begins then may close an alarm."""
    return any(start >= alarm.opened for alarm in stream.alarms.values())
