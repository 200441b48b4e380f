"""What backends were told of a model's alarms, so that a window that is judged again tells nothing twice.

A window that is judged again has the alarms of all of its rows. One that opens in another window than was told goes on
under the id that is known, and one that was told and opens no more is closed. The judged alarms themselves know nothing
of this: they are those of rows that came in order.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, TypeVar

from driftline_processor.engine.alarms import Alarm, close_all
from driftline_processor.engine.incidents import Incident, close_incident
from driftline_processor.records import AlarmChange, AlarmEvent, ColumnKey, IncidentEvent, WindowResult

Event = TypeVar("Event", AlarmEvent, IncidentEvent)
Subject: TypeAlias = ColumnKey | None
"""What an alarm is about; None: the incident of the model."""

CORRECTED: Final = "did not move: rows have come late, and its windows were judged again"


@dataclass(slots=True)
class Announced:
    """An alarm or incident of which an event was told. id, opened: as they were told.

    last: the time of its last event; closed: of its last closing, 0 without. judged: the id that its windows give it
    now, "" where none does. state: as it was when it was told last.
    """

    id: str
    opened: int
    state: Alarm | Incident | None
    last: int = 0
    closed: int = 0
    judged: str = ""


@dataclass(slots=True)
class Announcements:
    """Of one model. events: what was told, by alarm, change and time, with that time."""

    by_subject: dict[Subject, list[Announced]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)

    def go_back(self, judged: Collection[str]) -> None:
        """Windows are judged again, from when these alarms and incidents were open."""
        for known in self._all():
            known.judged = known.judged if known.judged in judged else ""

    def publish(
        self, result: WindowResult, alarms: Mapping[ColumnKey, Alarm], incident: Incident | None
    ) -> WindowResult:
        """What is to be told of a result: of a window, or of a model at rest.

        Args:
            result: With all events of its alarms and of its incident.
            alarms: Those that are open after it.
            incident: The one that is open after it.

        """
        changed = [self._told(event.column, event, alarms.get(event.column)) for event in result.alarms]
        incidents = [self._told(None, event, incident) for event in result.incidents]
        shown = replace(
            self._renamed(result, [event for event in changed if event is not None]),
            incidents=tuple(event for event in incidents if event is not None),
        )
        return self._without_orphans(shown)

    def forget(self, before: int) -> None:
        """What was told of windows that end at or before this is told: they are not judged again."""
        self.events = {event: time for event, time in self.events.items() if time > before}
        kept = (
            (subject, [each for each in held if not each.closed or each.closed > before])
            for subject, held in self.by_subject.items()
        )
        self.by_subject = {subject: held for subject, held in kept if held}

    def _told(self, subject: Subject, event: Event, state: Alarm | Incident | None) -> Event | None:
        """The event as it is told; None where it was told before."""
        known = self._known(subject, event)
        new = not known.last
        known.state = state or known.state
        opening, said = event.change is AlarmChange.OPENED, f"{known.id}-{event.change.value}-{event.time}"
        if said in self.events or (opening and not new):
            return None
        self.events[said] = event.time
        known.last = max(known.last, event.time)
        if event.change is AlarmChange.CLOSED:
            known.closed = event.time
        return replace(event, id=known.id, opened=known.opened)

    def _known(self, subject: Subject, event: AlarmEvent | IncidentEvent) -> Announced:
        """The one that goes on, or was told when other windows opened it; else a new one."""
        held = self.by_subject.setdefault(subject, [])
        free = [each for each in held if not each.judged and (not each.closed or each.closed > event.time)]
        found = next((each for each in held if each.judged == event.id), next(iter(free), None))
        if found is None:
            found = Announced(event.id, event.opened, None)
            held.append(found)
        found.judged = event.id
        return found

    def _renamed(self, result: WindowResult, changed: list[AlarmEvent]) -> WindowResult:
        """With the ids that are known."""
        names = {each.judged: each.id for each in self._all() if each.judged}
        columns = (
            each if each.alarm is None else replace(each, alarm=names.get(each.alarm, each.alarm))
            for each in result.columns
        )
        alarms = (replace(event, incident=names.get(event.incident, event.incident)) for event in changed)
        return replace(result, columns=tuple(columns), alarms=tuple(alarms))

    def _without_orphans(self, result: WindowResult) -> WindowResult:
        """With the end of what was told to be open, up to this window, and is not."""
        end = result.window.end
        orphans = {
            subject: each
            for subject, held in self.by_subject.items()
            for each in held
            if not each.judged and not each.closed and each.last <= end
        }
        if not orphans:
            return result
        alarms, incidents = list(result.alarms), list(result.incidents)
        told = self.by_subject.get(None, [])
        for subject, each in orphans.items():
            each.closed = end
            if subject is not None and isinstance(each.state, Alarm):
                (closed,) = close_all({subject: each.state}, result, CORRECTED).alarms
                incident = told[-1].id if told else ""
                alarms.append(replace(closed, id=each.id, opened=each.opened, incident=incident))
            elif isinstance(each.state, Incident):
                incidents.append(replace(close_incident(each.state, result), id=each.id, opened=each.opened))
        return replace(result, alarms=tuple(alarms), incidents=tuple(incidents))

    def _all(self) -> Iterator[Announced]:
        return (each for held in self.by_subject.values() for each in held)
