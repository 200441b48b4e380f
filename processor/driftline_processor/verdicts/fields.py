"""Reasons as named fields: in JSON, as attributes of alarm events, and in snapshots, whatever they are called here."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

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

KINDS: Final[Mapping[type[Reason], str]] = {
    Moved: "moved",
    NeverSeen: "never_seen",
    ChangedDecimals: "changed_decimals",
    ManyCategories: "many_categories",
    ManyColumns: "many_columns",
    NoRows: "no_rows",
    ConstantMembers: "constant_members",
    DetectionLimit: "detection_limit",
    Widened: "widened",
    Multiplied: "multiplied",
    InSeason: "in_season",
    MayBeSeason: "may_be_season",
    InThePast: "in_the_past",
    Recovered: "recovered",
    ExplainedByMembers: "explained_by_members",
    Repeated: "repeated",
    ClockOff: "clock_off",
    SegmentStandsOut: "segment",
    ExplainedByBlock: "explained_by_block",
    LooksLike: "looks_like",
    OutcomesMoved: "outcomes_moved",
    StillOpen: "still_open",
    Stated: "stated",
}


def fields(reason: Reason) -> dict[str, Any]:
    """The kind of a reason, and what is known of it: numbers, texts and tuples of texts."""
    known = {name: value for name, value in _FIELDS[type(reason)](reason).items() if value is not None and value != ()}
    return {"kind": KINDS[type(reason)], **known}


def pack(reason: Reason) -> dict[str, Any]:
    """Plain values that MessagePack knows."""
    if not isinstance(reason, Moved):
        return fields(reason)
    return {**fields(reason), "digits": [bound.digits if bound else None for bound in (reason.low, reason.high)]}


def unpack(packed: Mapping[str, Any]) -> Reason:
    """The reason that was packed."""
    return _REASONS[packed["kind"]](packed)


def _moved(reason: Moved) -> dict[str, Any]:
    return {
        "event": reason.region.value,
        "before": reason.before,
        "after": reason.after,
        "direction": "up" if reason.after > reason.before else "down",
        "low": reason.low and reason.low.value,
        "high": reason.high and reason.high.value,
        "category": reason.name if reason.region is Region.CATEGORY else None,
        "state": reason.name if reason.region is Region.STATE else None,
        "members": reason.members,
    }


def _unpacked_moved(packed: Mapping[str, Any]) -> Moved:
    low, high = (
        Bound(packed[name], digits) if name in packed else None
        for name, digits in zip(("low", "high"), packed["digits"], strict=True)
    )
    return Moved(
        region=Region(packed["event"]),
        before=packed["before"],
        after=packed["after"],
        low=low,
        high=high,
        name=packed.get("category", packed.get("state")),
        members=tuple(packed.get("members", ())),
    )


def _unpacked_segment(packed: Mapping[str, Any]) -> SegmentStandsOut:
    known = {name: value for name, value in packed.items() if name != "kind"}
    return SegmentStandsOut(**{**known, "columns": tuple(known["columns"]), "labels": tuple(known["labels"])})


_FIELDS: Final[Mapping[type[Reason], Callable[[Any], dict[str, Any]]]] = {
    Moved: _moved,
    NeverSeen: lambda reason: {
        "share": reason.share,
        "categories": reason.categories,
        "more": reason.more,
        "low": reason.low,
        "high": reason.high,
    },
    ChangedDecimals: lambda reason: {
        "usual": reason.usual,
        "decimals": reason.level,
        "before": reason.before,
        "after": reason.after,
    },
    ManyCategories: lambda reason: {"share": reason.share},
    ManyColumns: lambda reason: {
        "moved": reason.moved,
        "columns": reason.columns,
        "share": reason.share,
        "most": reason.most,
    },
    NoRows: lambda _: {},
    ConstantMembers: lambda reason: {"members": reason.members},
    DetectionLimit: lambda reason: {"move": reason.move, "chunks": reason.chunks},
    Widened: lambda reason: {
        "asked": reason.asked,
        "tolerated": reason.tolerated,
        "rows": reason.rows,
        "hours": reason.hours,
    },
    Multiplied: lambda reason: {"ratio": reason.ratio},
    InSeason: lambda reason: {"cycle": reason.cycle, "share": reason.share},
    MayBeSeason: lambda reason: {
        "allowed": reason.allowed,
        "shown": reason.shown,
        "days": reason.days,
        "timed": reason.timed,
    },
    InThePast: lambda reason: {"since": reason.since / 1e9, "most": reason.most},
    Recovered: lambda _: {},
    ExplainedByMembers: lambda reason: {"members": reason.members},
    Repeated: lambda reason: {
        "times": reason.times,
        "usual": reason.usual,
        "rows": reason.rows,
        "effective": reason.effective,
        "most": reason.most,
    },
    ClockOff: lambda reason: {"clock": reason.clock, "share": reason.share, "behind": reason.behind},
    OutcomesMoved: lambda reason: {
        "what": reason.what,
        "before": reason.before,
        "after": reason.after,
        "name": reason.name,
        "low": reason.low,
        "high": reason.high,
        "selection": reason.selection,
    },
    SegmentStandsOut: asdict,
    ExplainedByBlock: lambda reason: {"block": reason.block},
    LooksLike: lambda reason: {
        "column": reason.column,
        "change": reason.change,
        "factor": reason.factor,
        "offset": reason.offset,
        "units": reason.units,
        "other": reason.other,
        "value": reason.value,
        "share": reason.share,
        "missing": reason.missing or None,
    },
    StillOpen: lambda reason: {"since": reason.since / 1e9},
    Stated: lambda reason: {"sentence": reason.sentence},
}

_REASONS: Final[Mapping[str, Callable[[Mapping[str, Any]], Reason]]] = {
    "moved": _unpacked_moved,
    "never_seen": lambda packed: NeverSeen(
        share=packed["share"],
        categories=tuple(packed.get("categories", ())),
        more=packed["more"],
        low=packed.get("low"),
        high=packed.get("high"),
    ),
    "changed_decimals": lambda packed: ChangedDecimals(
        packed["usual"], packed["decimals"], packed["before"], packed["after"]
    ),
    "many_categories": lambda packed: ManyCategories(packed["share"]),
    "many_columns": lambda packed: ManyColumns(
        packed["moved"], packed["columns"], packed["share"], tuple(packed.get("most", ()))
    ),
    "no_rows": lambda _: NoRows(),
    "constant_members": lambda packed: ConstantMembers(tuple(packed["members"])),
    "detection_limit": lambda packed: DetectionLimit(packed["move"], packed["chunks"]),
    "widened": lambda packed: Widened(packed["asked"], packed["tolerated"], packed.get("rows"), packed.get("hours")),
    "multiplied": lambda packed: Multiplied(packed["ratio"]),
    "in_season": lambda packed: InSeason(packed["cycle"], packed["share"]),
    "may_be_season": lambda packed: MayBeSeason(packed["allowed"], packed["shown"], packed["days"], packed["timed"]),
    "in_the_past": lambda packed: InThePast(round(packed["since"] * 1e9), packed["most"]),
    "recovered": lambda _: Recovered(),
    "explained_by_members": lambda packed: ExplainedByMembers(tuple(packed["members"])),
    "repeated": lambda packed: Repeated(
        packed["times"], packed["usual"], packed["rows"], packed["effective"], packed.get("most")
    ),
    "clock_off": lambda packed: ClockOff(packed["clock"], packed["share"], packed.get("behind")),
    "outcomes_moved": lambda packed: OutcomesMoved(
        packed["what"],
        packed["before"],
        packed["after"],
        packed.get("name"),
        packed.get("low"),
        packed.get("high"),
        packed["selection"],
    ),
    "segment": _unpacked_segment,
    "explained_by_block": lambda packed: ExplainedByBlock(packed["block"]),
    "looks_like": lambda packed: LooksLike(**{name: value for name, value in packed.items() if name != "kind"}),
    "still_open": lambda packed: StillOpen(round(packed["since"] * 1e9)),
    "stated": lambda packed: Stated(packed["sentence"]),
}
