"""The status that `driftline doctor --processor` asks for: a bounded google.protobuf.Struct of what is known anyway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import json_format, struct_pb2

from driftline.sketch.time_units import SECOND
from driftline_processor import __version__
from driftline_processor.config import Config, ExportConfig, masked_url
from driftline_processor.engine.matching import Matching, ModelMatch, UnusedReference
from driftline_processor.engine.model_state import ModelStatus
from driftline_processor.service.exporter import ExportHealth

MOST_NAMES: Final = 20
"""Of a list; its length is told beside it."""

_MOST_TEXT: Final = 120
"""Bytes of a name. A hundred models with as many and as long names as there can be fit into gRPC's default of 4 MiB."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the status is made of, for one tenant.

    now: Unix nanoseconds. queue: requests and bytes, of all tenants. totals: of internal counters.
    """

    now: int
    config: Config
    export: ExportConfig
    models: tuple[ModelStatus, ...]
    matching: Matching
    totals: Mapping[str, float]
    queue: tuple[int, int]
    storage_ok: bool
    exports: tuple[ExportHealth, ...]


def encode_status(status: Status) -> bytes:
    """The message on the wire."""
    return bytes(json_format.ParseDict(status_document(status), struct_pb2.Struct()).SerializeToString())


def status_document(status: Status) -> dict[str, Any]:
    """The status as JSON values; times are Unix seconds. Of models and unused references the first are listed."""
    window = status.config.window
    matches = {match.model: match for match in status.matching.models}
    return {
        "version": __version__,
        "time": status.now / SECOND,
        "window": {"size": window.size / SECOND, "step": window.step / SECOND, "lateness": window.lateness / SECOND},
        "models": [_model(model, matches.get(model.key, ModelMatch(model.key)), status.now) for model in status.models],
        "model_count": max(len(status.matching.models), len(status.models)),
        "unused_references": [_unused(each) for each in status.matching.unused[:MOST_NAMES]],
        "unused_reference_count": len(status.matching.unused),
        "counters": dict(status.totals),
        "queue": {"requests": status.queue[0], "bytes": status.queue[1]},
        "storage_ok": status.storage_ok,
        "export": {"endpoint": masked_url(status.export.endpoint), "protocol": status.export.protocol},
        "exports": [each._asdict() for each in status.exports],
    }


def _model(model: ModelStatus, match: ModelMatch, now: int) -> dict[str, Any]:
    return {
        "name": _short(model.key.name),
        "version": _short(model.key.version),
        "resource": {_short(name): _short(value) for name, value in model.key.resource},
        "rows": model.rows,
        "silent_seconds": max(now - model.received, 0) / SECOND,
        "last_window_end": model.judged / SECOND if model.judged else None,
        "alarms": model.alarms,
        "matching": _match(match),
    }


def _match(match: ModelMatch) -> dict[str, Any]:
    return {
        "reference": match.reference,
        "reference_name": _short(match.reference_name),
        "reference_version": _short(match.reference_version),
        "provisional": match.provisional,
        "judged_from": match.judged_from / SECOND if match.judged_from else None,
        "names": match.names.value,
        "matched": match.matched,
        "missing": _names(match.missing),
        "missing_count": len(match.missing),
        "unknown": _names(match.unknown),
        "unknown_count": len(match.unknown),
        "pairs": _names(match.pairs),
        "pair_count": len(match.pairs),
        "suggestions": [_names(pair) for pair in match.suggestions[:MOST_NAMES]],
        "types": [{key: _short(text) for key, text in each._asdict().items()} for each in match.types[:MOST_NAMES]],
        "type_count": len(match.types),
        "nearest": None if match.nearest is None else _unused(match.nearest),
    }


def _unused(reference: UnusedReference) -> dict[str, str]:
    return {key: _short(text) for key, text in reference._asdict().items()}


def _names(names: Sequence[str]) -> list[str]:
    return [_short(name) for name in names[:MOST_NAMES]]


def _short(text: str) -> str:
    """Names are the senders' own: a lone surrogate could not be encoded."""
    encoded = text[: _MOST_TEXT + 1].encode("utf-8", "replace")
    return encoded.decode() if len(encoded) <= _MOST_TEXT else f"{encoded[:_MOST_TEXT].decode(errors='ignore')}…"
