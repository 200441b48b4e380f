"""Fields of reasons: on the wire, in files and in snapshots."""

import json
from typing import get_args

import msgpack
import pytest

from driftline.semconv import REASON_ATTRIBUTES
from driftline_processor.verdicts.fields import KINDS, fields, pack, unpack
from driftline_processor.verdicts.reasons import (
    Bound,
    ChangedDecimals,
    ClockOff,
    ConstantMembers,
    DetectionLimit,
    ExplainedByBlock,
    ExplainedByMembers,
    InSeason,
    InThePast,
    LooksLike,
    ManyCategories,
    ManyColumns,
    MayBeSeason,
    Moved,
    Multiplied,
    NeverSeen,
    NoRows,
    OutcomesMoved,
    Reason,
    Recovered,
    Region,
    Repeated,
    SegmentStandsOut,
    Stated,
    StillOpen,
    Widened,
)

EXPECTED = [
    (
        Moved(Region.WITHIN, 0.1, 0.2, Bound(0.0, 3), Bound(3.25, 3)),
        {"kind": "moved", "event": "within", "before": 0.1, "after": 0.2, "direction": "up", "low": 0.0, "high": 3.25},
    ),
    (
        Moved(Region.CATEGORY, 0.1, 0.0, name="grey"),
        {"kind": "moved", "event": "category", "before": 0.1, "after": 0.0, "direction": "down", "category": "grey"},
    ),
    (
        Moved(Region.STATE, 0.1, 0.2, name="missing"),
        {"kind": "moved", "event": "state", "before": 0.1, "after": 0.2, "direction": "up", "state": "missing"},
    ),
    (
        Moved(Region.SAME_SIDE, 0.5, 0.2, members=("a", "b")),
        {
            "kind": "moved",
            "event": "same_side",
            "before": 0.5,
            "after": 0.2,
            "direction": "down",
            "members": ("a", "b"),
        },
    ),
    (NeverSeen(0.2, ("x", "y"), 3), {"kind": "never_seen", "share": 0.2, "categories": ("x", "y"), "more": 3}),
    (NeverSeen(0.2, low=0.0, high=1.0), {"kind": "never_seen", "share": 0.2, "more": 0, "low": 0.0, "high": 1.0}),
    (
        ChangedDecimals("2", "0", 0.01, 1.0),
        {"kind": "changed_decimals", "usual": "2", "decimals": "0", "before": 0.01, "after": 1.0},
    ),
    (ManyCategories(0.2), {"kind": "many_categories", "share": 0.2}),
    (NoRows(), {"kind": "no_rows"}),
    (ConstantMembers(("a", "b")), {"kind": "constant_members", "members": ("a", "b")}),
    (DetectionLimit(0.3, 10), {"kind": "detection_limit", "move": 0.3, "chunks": 10}),
    (
        Widened(0.05, 0.16, 400.0, 33.0),
        {"kind": "widened", "asked": 0.05, "tolerated": 0.16, "rows": 400.0, "hours": 33.0},
    ),
    (Multiplied(2.0), {"kind": "multiplied", "ratio": 2.0}),
    (InSeason("time of day", 0.3), {"kind": "in_season", "cycle": "time of day", "share": 0.3}),
    (
        MayBeSeason(0.2, 0.1, 3.5, timed=False),
        {"kind": "may_be_season", "allowed": 0.2, "shown": 0.1, "days": 3.5, "timed": False},
    ),
    (
        ManyColumns(97, 128, 0.08, ("emb_3", "emb_7")),
        {"kind": "many_columns", "moved": 97, "columns": 128, "share": 0.08, "most": ("emb_3", "emb_7")},
    ),
    (
        ClockOff("epoch", 0.9, 3600.0),
        {"kind": "clock_off", "clock": "epoch", "share": 0.9, "behind": 3600.0},
    ),
    (ClockOff("counter", 0.9), {"kind": "clock_off", "clock": "counter", "share": 0.9}),
    (Recovered(), {"kind": "recovered"}),
    (
        LooksLike("a", "default", None, 1.5, None, "b", -1.0, 0.25, missing=True),
        {
            "kind": "looks_like",
            "column": "a",
            "change": "default",
            "offset": 1.5,
            "other": "b",
            "value": -1.0,
            "share": 0.25,
            "missing": True,
        },
    ),
    (
        LooksLike("ldl", "factor", factor=0.0259, units="mg/dL → mmol/L"),
        {"kind": "looks_like", "column": "ldl", "change": "factor", "factor": 0.0259, "units": "mg/dL → mmol/L"},
    ),
    (
        OutcomesMoved("label", 0.2, 0.3, "yes", 0.5, 0.75, selection=True),
        {
            "kind": "outcomes_moved",
            "what": "label",
            "before": 0.2,
            "after": 0.3,
            "name": "yes",
            "low": 0.5,
            "high": 0.75,
            "selection": True,
        },
    ),
    (ExplainedByBlock("emb"), {"kind": "explained_by_block", "block": "emb"}),
    (ExplainedByMembers(("a",)), {"kind": "explained_by_members", "members": ("a",)}),
    (
        Repeated(25.0, 1.5, 1500.0, 60.0, 0.3),
        {"kind": "repeated", "times": 25.0, "usual": 1.5, "rows": 1500.0, "effective": 60.0, "most": 0.3},
    ),
    (
        Repeated(25.0, 1.0, 1500.0, 60.0),
        {"kind": "repeated", "times": 25.0, "usual": 1.0, "rows": 1500.0, "effective": 60.0},
    ),
    (
        SegmentStandsOut("weak", ("plan", "age"), ("gold", "up to 30"), "error", 90, 0.01, 0.02, 0.3, 0.05, 0.2, 0.4),
        {
            "kind": "segment",
            "segment": "weak",
            "columns": ("plan", "age"),
            "labels": ("gold", "up to 30"),
            "measure": "error",
            "rows": 90,
            "share": 0.01,
            "reference_share": 0.02,
            "value": 0.3,
            "elsewhere": 0.05,
            "low": 0.2,
            "high": 0.4,
            "dated": True,
            "aspect": "",
            "inside": "",
        },
    ),
    (InThePast(1_739_613_600 * 10**9, most=False), {"kind": "in_the_past", "since": 1_739_613_600.0, "most": False}),
    (StillOpen(1_739_613_600 * 10**9), {"kind": "still_open", "since": 1_739_613_600.0}),
    (Stated("text"), {"kind": "stated", "sentence": "text"}),
]


@pytest.mark.parametrize(("reason", "named"), EXPECTED)
def test_fields_are_named_whatever_the_code_calls_them(reason: Reason, named: dict[str, object]) -> None:
    """What is not known is left out; all of it is JSON."""
    assert fields(reason) == named
    assert json.loads(json.dumps(fields(reason)))["kind"] == named["kind"]


@pytest.mark.parametrize("reason", [reason for reason, _ in EXPECTED])
def test_what_is_packed_is_unpacked(reason: Reason) -> None:
    """Through MessagePack too, as snapshots are read."""
    assert unpack(msgpack.unpackb(msgpack.packb(pack(reason)), use_list=False)) == reason


def test_every_kind_has_fields() -> None:
    """The table is complete, and the cases above are."""
    assert set(KINDS) == set(get_args(Reason)) == {type(reason) for reason, _ in EXPECTED}


def test_every_field_has_an_attribute_of_one_type() -> None:
    """Backends make a column of each name: a number in one event must not be a text in another."""
    types: dict[tuple[str, str], set[type]] = {}
    for reason, _ in EXPECTED:
        if isinstance(reason, Stated | StillOpen):
            continue  # the sentence of an event is an attribute anyway, and when its alarm opened
        kind, *named = fields(reason).items()
        for name, value in named:
            types.setdefault((kind[1], name), set()).add(type(value))

    assert types.keys() == REASON_ATTRIBUTES.keys()
    assert all(len(each) == 1 for each in types.values())
