"""Chooses the rows that are sent one by one, at most so many a second, by the hash of their ids."""

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from driftline.export.reference_pairs import References
from driftline.export.row_columns import RowColumns, id_column, layout_of
from driftline.features.row_selection import select_rows
from driftline.records import Prediction
from driftline.rows.batch import RowBatch
from driftline.rows.keys import Words, hash_ids, hash_prediction_ids, prediction_id_text, row_keys
from driftline.rows.sampling import RowSampler, fair_shares, thinned_to
from driftline.rows.table import RowTable
from driftline.runtime.call_scope import PREDICTION_IDS, RowIds
from driftline.runtime.self_faults import FAULTS
from driftline.settings import CODES, Settings
from driftline.sketch.arrays import IntArray

_logger = logging.getLogger("driftline")

_SECOND: Final = 1e9
_LEAST_SECONDS: Final = 1.0
"""Budget of an interval, at least: otherwise a flush after each row would send every row."""


@dataclass(slots=True)
class _Stream:
    """The rows of one model and operation since the last batch. reference: its id, where columns are codes of its bins.

    first, last: numbers of calls.
    """

    identity: Mapping[str, Any]
    reference: str = ""
    sampler: RowSampler = field(default_factory=RowSampler)
    first: int = 1 << 128
    last: int = 0


class RowCollector:
    """Samples the rows of all models, within one budget. For one thread at a time.

    What one model does not use of the budget goes to the others.
    """

    def __init__(
        self,
        settings: Settings,
        references: References,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        """clock: seconds. wall: Unix nanoseconds. references: for names and bins of inputs."""
        self._settings = settings
        self._references = references
        self._columns = RowColumns(settings, references)
        self._clock, self._wall = clock, wall
        self._cut = clock()
        self._most = _budget(settings, settings.export_interval / 1000)
        self._most_bytes = settings.buffer_bytes // 4
        self._secret = None if settings.id_key is None else settings.id_key.encode()
        self._streams: dict[tuple[Any, ...], _Stream] = {}
        self._sequence = 0
        self._warned = False

    def add(self, predictions: Sequence[Prediction]) -> None:
        """Sample predictions. Their captures may be released afterwards."""
        groups: dict[tuple[int, str], list[Prediction]] = defaultdict(list)
        for each in predictions:
            if each.rows and not each.lost:
                groups[id(each.model), each.operation].append(each)
        for calls in groups.values():
            self._try_to_add(calls)

    def _try_to_add(self, calls: list[Prediction]) -> None:
        try:
            self._add(calls)
        except Exception as error:  # noqa: BLE001  # values may be anything; other models are not affected
            FAULTS.note("rows", error)

    def _add(self, calls: list[Prediction]) -> None:
        model, operation = calls[0].model, calls[0].operation
        key = model.name, model.version, model.system, operation
        reference = self._references.id(model) if self._settings.row_inputs == CODES else ""
        stream = self._streams.setdefault(key, _Stream(model.attributes(operation), reference))
        number_of = PREDICTION_IDS.of
        numbers = [number_of([False] if call.token is None else call.token) for call in calls]
        least, greatest = min(numbers), max(numbers)
        stream.first, stream.last = min(stream.first, least), max(stream.last, greatest)
        counts = np.array([call.rows for call in calls])
        starts = np.cumsum(counts) - counts
        keys = self._keys(calls, numbers, counts, starts)
        offset = self._wall() - time.perf_counter() * _SECOND
        ended = np.array([call.ended for call in calls]) * _SECOND + offset

        def take(rows: IntArray) -> RowTable:
            places = np.searchsorted(starts, rows, "right") - 1
            chosen, first = np.unique(places, return_index=True)
            cut = [
                _cut(calls[place], part - starts[place])
                for place, part in zip(chosen.tolist(), np.split(rows, first[1:]), strict=True)
            ]
            return self._columns.table(cut, keys[rows], ended[places].astype(np.int64))

        stream.sampler.offer(keys, take, self._most)
        self._bound()

    def _keys(self, calls: list[Prediction], numbers: list[int], counts: IntArray, starts: IntArray) -> Words:
        """The key of each row, [rows]: of its own id where the caller has one, else of its call and place."""
        total = int(counts.sum())
        places = np.arange(total) - np.repeat(starts, counts)
        hashes = np.repeat(hash_prediction_ids(numbers), counts)
        tokens = [call.token for call in calls]
        for number in [number for number, token in enumerate(tokens) if token is not None and token[0] is not False]:
            given: RowIds = tokens[number][0]
            rows = slice(int(starts[number]), int(starts[number] + counts[number]))
            self._identify(given.ids, hashes[rows], places[rows])
        if calls[0].model.id is not None:
            self._identify_by_column(calls, hashes, places, starts)
        return row_keys(hashes, places)

    def _identify(self, ids: Any, hashes: Words, places: IntArray) -> None:
        """Replace the hashes of rows that have an id, and the places of those that have one of their own."""
        if len(ids) not in (1, len(hashes)):
            FAULTS.note("row ids", ValueError(f"must be one, or one for each of {len(hashes)} rows (got {len(ids)})"))
            return
        found = hash_ids(ids, self._secret)
        hashes[:] = np.where(found.present, found.hashes, hashes)
        if len(ids) > 1:
            places[found.present] = 0

    def _identify_by_column(self, calls: list[Prediction], hashes: Words, places: IntArray, starts: IntArray) -> None:
        self._warn_of_plain_ids(str(calls[0].model.id))
        layouts: dict[Any, list[int]] = defaultdict(list)
        for number, call in enumerate(calls):
            if call.inputs is not None:
                layouts[layout_of(call.inputs)].append(number)
        for members in layouts.values():
            captures = [calls[number].inputs for number in members]
            ids = id_column(calls[0].model, [each for each in captures if each is not None])
            rows = np.concatenate([starts[n] + np.arange(calls[n].rows) for n in members])
            if ids is not None and len(ids) == len(rows):
                found, own = hashes[rows], places[rows]
                self._identify(ids, found, own)
                hashes[rows], places[rows] = found, own

    def _warn_of_plain_ids(self, name: str) -> None:
        if self._secret is None and not self._warned and self._settings.redaction(name).hashed:
            self._warned = True
            _logger.warning("DRIFTLINE_HASH: the ids in %r are hashed without a key: set DRIFTLINE_ID_KEY", name)

    def _bound(self) -> None:
        """Hold no more bytes than queued rows may: with DRIFTLINE_ROWS=all, or in very wide rows."""
        samplers = [stream.sampler for stream in self._streams.values()]
        while sum(sampler.size for sampler in samplers) > self._most_bytes:
            for sampler in samplers:
                sampler.thin(thinned_to(sampler.threshold, 0.5))

    def batches(self) -> Iterator[tuple[Mapping[str, Any], RowBatch]]:
        """End the interval: the batch of each model and operation that was called, and what identifies those."""
        now = self._clock()
        elapsed, self._cut = now - self._cut, now
        limit = _budget(self._settings, max(elapsed, _LEAST_SECONDS))
        streams, self._streams = list(self._streams.values()), {}
        if limit is not None:
            held = [stream.sampler.held for stream in streams]
            for stream, share in zip(streams, fair_shares(held, limit), strict=True):
                stream.sampler.cut(share)
        for stream in streams:
            first, last = prediction_id_text(stream.first), prediction_id_text(stream.last)
            yield stream.identity, _batch(self.uid(), stream.sampler, first, last, stream.reference)

    def uid(self) -> str:
        """An id for a batch: of the process, and in sequence."""
        self._sequence += 1
        return f"{PREDICTION_IDS.process:024x}.{self._sequence}"


def _batch(uid: str, sampler: RowSampler, first: str, last: str, reference: str) -> RowBatch:
    return RowBatch(uid, sampler.threshold, sampler.seen, sampler.table(), first, last, reference)


def _cut(call: Prediction, rows: IntArray) -> Prediction:
    """A call of only these rows. An output that is not one for each row is left out."""
    given, returned = call.inputs, call.outputs
    return call._replace(
        rows=len(rows),
        inputs=None if given is None else select_rows(given, rows),
        outputs=None if returned is None or returned.rows != call.rows else select_rows(returned, rows),
    )


def _budget(settings: Settings, seconds: float) -> int | None:
    """Rows that may be sent in so many seconds; None for all."""
    return None if math.isinf(settings.rows) else math.ceil(settings.rows * seconds)
