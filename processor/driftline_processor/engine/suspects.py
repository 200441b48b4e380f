"""The calls of a window that may have moved a column, from the examples that are kept of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from driftline.semconv import MISSING, OPPOSITE, SAME, TARGET_INPUT
from driftline_processor.engine.alarm_traces import Find, Suspect
from driftline_processor.engine.call_examples import CallExample, CallExamples
from driftline_processor.monitors.drift.explain.suspicion import suspicion
from driftline_processor.monitors.outputs import monitor as outputs
from driftline_processor.records import ColumnKey, ColumnSummary, Reference, Window, WindowResult
from driftline_processor.verdicts.reasons import Moved


def finder(
    examples: CallExamples,
    window: Window,
    reference: Reference | None,
    columns: Mapping[ColumnKey, ColumnSummary],
    numbered: Sequence[str] = (),
) -> Find:
    """Finds the suspects of a column of the reference. columns: what the window held, by the names of the reference.

    What no call shows is missing in all of them: then any will do.
    numbered: where they came by other names, these, in its order.
    """

    def find(key: ColumnKey, aspect: str) -> tuple[Suspect, ...]:
        column, summary = None if reference is None else reference.columns.get(key), columns.get(key)
        if column is None or summary is None:
            return ()
        held = list(_of_pair(column.pair.members, column.pair.thresholds) if column.pair else of(key))
        if not held and aspect == MISSING:
            held = [each._replace(value=None) for each in next(filter(None, map(of, columns)), [])]
        shares = suspicion(column, summary, aspect, [each.value for each in held])
        return tuple(Suspect(share, each) for share, each in zip(shares, held, strict=True))

    def of(key: ColumnKey) -> list[CallExample]:
        assert reference is not None
        return examples.of(window, key) or examples.of(window, _as_sent(key, reference, numbered))

    def _of_pair(members: Iterable[str], thresholds: Iterable[float]) -> Iterator[CallExample]:
        """Rows that are kept of both members, by the sides on which they lie."""
        first, second = (
            {(each.call, each.row): _is_above(each, threshold) for each in of(ColumnKey(TARGET_INPUT, name))}
            for name, threshold in zip(members, thresholds, strict=True)
        )
        for each in of(ColumnKey(TARGET_INPUT, next(iter(members)))):
            sides = first.get((each.call, each.row)), second.get((each.call, each.row))
            if None not in sides:
                yield each._replace(value=SAME if sides[0] == sides[1] else OPPOSITE)

    return find


def of_collapses(find: Find, result: WindowResult, examples: CallExamples) -> Find:
    """Finds the calls of a collapse in the bucket that its verdict tells of; those of other verdicts as before."""
    buckets = {each.column: each.verdict.reasons for each in result.columns if each.verdict is not None}

    def suspects(key: ColumnKey, aspect: str) -> Sequence[Suspect]:
        if aspect != outputs.ASPECT:
            return find(key, aspect)
        moved = next((reason for reason in buckets.get(key, ()) if isinstance(reason, Moved)), None)
        held = examples.of(result.window, key)
        return [Suspect(1.0, each) for each in held if moved is not None and outputs.is_in(moved, each.value)]

    return suspects


def _is_above(example: CallExample, threshold: float) -> bool | None:
    number = example.value
    return number > threshold if isinstance(number, float) and number == number else None  # noqa: PLR0124  (NaN)


def _as_sent(key: ColumnKey, reference: Reference, numbered: Sequence[str]) -> ColumnKey:
    """The name of an input in spans: the numbered one, where that is how it was matched."""
    if not numbered or key.target != TARGET_INPUT or key.name not in reference.inputs:
        return key
    return ColumnKey(TARGET_INPUT, numbered[reference.inputs.index(key.name)])
