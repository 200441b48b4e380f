"""When an alarm closes: on the evidence that opens one, an upper bound where opening asks for a lower one.

Of a horizon that began after the opening, U is the most that may be left of any move: distance + 3 standard errors of
sampling + what a season may mask. The alarm closes where U is within the tolerance, or at most half of what was surely
there; to prove that takes about as many rows as opening did, while "at most the tolerance" takes thousands whatever the
fault. Three standard errors, because 1.645 let an alarm at the tolerance flap.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from driftline.sketch.arrays import BoolArray, FloatArray
from driftline_processor.monitors.drift.detection.assessment import Assessment
from driftline_processor.monitors.drift.detection.column_baseline import ASPECTS
from driftline_processor.monitors.drift.detection.decision import ALARM
from driftline_processor.monitors.drift.detection.detector import Detection
from driftline_processor.monitors.drift.detection.horizon import Judged
from driftline_processor.verdicts.verdict import ClosingEvidence, OpenAlarm

ERRORS: Final = 3.0
"""Standard errors in an upper bound."""

HALF: Final = 0.5
"""An alarm may close on so much of what was surely there. What is left opens another one as soon as it is proven."""


def closing_evidence(judged: Sequence[Judged], alarms: Mapping[int, OpenAlarm]) -> dict[int, ClosingEvidence]:
    """What closes the alarms of columns, by the shortest horizon that does.

    A longer horizon that still holds the fault keeps no alarm open; one in alarm within a longer one does.
    """
    found: dict[int, ClosingEvidence] = {}
    if not alarms:
        return found
    alarmed = np.zeros(judged[0].detection.state.shape[1], bool)
    for horizon, detection in sorted(judged, key=lambda each: -each.horizon.start):
        alarmed |= (detection.state == ALARM).any(axis=0)
        after = {i: alarm for i, alarm in alarms.items() if horizon.start >= alarm.opened and i not in found}
        if not after:
            continue
        usual = horizon.detector.baseline.tolerance
        bounds = np.where(alarmed, np.inf, upper_bounds(detection, usual))
        small = [i for i, alarm in after.items() if alarm.largest_bound <= horizon.detector.tolerances[i]]
        if small:  # by the ratio of a rare event, which is over when that is
            least = horizon.detector.rare.tolerated(usual, detection.events.move.after)
            bounds[small] = np.where(alarmed, np.inf, upper_bounds(detection, least))[small]
        found |= {
            i: ClosingEvidence(horizon.start, float(bounds[i]))
            for i, alarm in after.items()
            if bounds[i] <= HALF * alarm.largest_bound
        }
    return found


def upper_bounds(detection: Detection, least: FloatArray) -> FloatArray:
    """The most that may be left of a move of each column, beyond what its events tolerate, [columns].

    least: the tolerance of each event, [events]: less where one that is rare may have opened the alarm by its ratio. 0
    where all is within the tolerance; infinite where something surely is not, or where nothing was counted.
    """
    events = detection.events
    columns = len(detection.valued)
    masked = events.most(events.masked)[:columns]
    left = _left(events, least, events.masked).reshape(len(ASPECTS), columns)
    others = [_left(each, each.move.tolerance, masked) for each in (detection.novelty, detection.diffuse)]
    surely = _surely(events).reshape(len(ASPECTS), columns).any(axis=0) | _surely(detection.novelty)
    return np.where(detection.valued & ~surely, np.max([*left, *others], axis=0), np.inf)


def _left(assessment: Assessment, tolerance: FloatArray, masked: FloatArray) -> FloatArray:
    upper = assessment.move.distance + ERRORS * assessment.move.error + masked
    return assessment.most(np.where(upper > np.maximum(tolerance, _natural(assessment)), upper, 0.0))


def _surely(assessment: Assessment) -> BoolArray:
    tolerated = np.maximum(assessment.move.tolerance, _natural(assessment))
    return assessment.any(assessment.move.sure > tolerated + assessment.season)


def _natural(assessment: Assessment) -> FloatArray:
    """Half of what natural variation keeps from being an alarm: the other half is the hysteresis."""
    beyond_sampling = np.sqrt(np.maximum(assessment.natural**2 - assessment.move.error**2, 0.0))
    return np.asarray(HALF * assessment.significance.critical * beyond_sampling)
