"""Checks of a running processor: what arrives, what matches, what is dropped, whether results leave."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from driftline.tools.doctor.finding import Finding, counted, listed, note, ok, problem
from driftline.tools.doctor.processor_status import ProcessorAnswer

_DROPS: Final = {
    "rejected.items": ("item", "items", "could not be used", "see the processor's log"),
    "refused.requests": (
        "request",
        "requests",
        "refused: its queue was full, or it could not store",
        "see the processor's log",
    ),
    "late.rows": ("row", "rows", "came after their window was judged", "raise window.lateness, or set the clocks"),
    "dropped.sets": ("batch", "batches", "of results not delivered", "see the processor's log, and export.endpoint"),
}
"""Counters of loss: what they count, what became of it, and the remedy."""

_PATIENCE: Final = 3
"""Windows without a new one after which a model counts as silent."""


def findings(answer: ProcessorAnswer) -> Iterator[Finding]:
    """All findings."""
    status = answer.status
    if status is None:
        yield _no_status(answer)
        return
    yield ok("processor", f"driftline-processor {status['version']} at {answer.address}")
    yield from _models(status)
    for model in status["models"]:
        yield from _model(model, status)
    yield from _references(status)
    yield from _drops(status)
    yield from _export(status)


def _no_status(answer: ProcessorAnswer) -> Finding:
    if answer.code == "UNIMPLEMENTED":
        return problem(
            "processor",
            f"{answer.address} speaks gRPC, but is no driftline-processor of this version",
            "name the processor's `listen` address, 127.0.0.1:4327 by default, not the Collector's",
        )
    if answer.code == "UNAUTHENTICATED":
        return problem(
            "processor",
            f"the processor at {answer.address} takes no token like this, or wants one",
            "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN, with one of its receive.tokens or of a tenant's",
        )
    return problem(
        "processor",
        f"no processor answers at {answer.address} ({answer.code})",
        "start driftline-processor, or name its `listen` address: https://HOST:PORT where it has receive.certificate, "
        "with --certificate for a CA of your own; with --client-certificate and --client-key for receive.client_ca",
    )


def _models(status: Mapping[str, Any]) -> Iterator[Finding]:
    if not status["models"]:
        yield problem(
            "arrival",
            "no model has sent anything",
            "check the servers by `driftline doctor`, and the Collector by `driftline doctor --collector FILE`",
        )
    more = int(status["model_count"]) - len(status["models"])
    if more > 0:
        yield note("arrival", f"{counted(more, 'model')} more; those that sent something last are told")


def _model(model: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Finding]:
    name = _name(model)
    alarms = f", {counted(model['alarms'], 'open alarm')}" if model["alarms"] else ""
    end = model["last_window_end"]
    window = "no window yet" if end is None else f"last window ended {_ago(status['time'] - end)}"
    yield ok("model", f"{name}: {counted(model['rows'], 'row')}, {window}{alarms}")
    length = status["window"]["size"] + status["window"]["lateness"]
    if model["silent_seconds"] > _PATIENCE * length:
        yield note("arrival", f"{name}: silent for {_span(model['silent_seconds'])}")
    yield from _matching(name, model["matching"])


def _name(model: Mapping[str, Any]) -> str:
    """With version and resource, which tell models of one name apart."""
    also = [text for text in (model["version"], *model["resource"].values()) if text]
    return f"{model['name']} ({', '.join(also)})" if also else str(model["name"])


def _matching(name: str, match: Mapping[str, Any]) -> Iterator[Finding]:
    if match["reference"] is None or match["provisional"]:
        yield _no_reference(name, match)
        return
    reference = (
        f"reference {match['reference_name']}{' ' + match['reference_version'] if match['reference_version'] else ''}"
    )
    wrong = list(_mismatches(name, match))
    if not wrong:
        how = ", by position: the data has no names" if match["names"] == "position" else ""
        yield ok("matching", f"{name}: all {counted(match['matched'], 'column')} of {reference} arrive{how}")
    yield from wrong


def _no_reference(name: str, match: Mapping[str, Any]) -> Finding:
    stands_in = "; its first window stands in" if match["provisional"] else ""
    near = match["nearest"]
    if near is None:
        return problem(
            "matching", f"{name} has no reference{stands_in}", "driftline profile … into the folder `references`"
        )
    version = f" version {near['version']}" if near["version"] else ""
    remedy = (
        f"serve version {near['version']}, or profile without --version"
        if near["name"] == name.partition(" ")[0]
        else f"set DRIFTLINE_MODEL_NAME={near['name']} in the server, or profile with --model {name.partition(' ')[0]}"
    )
    return problem(
        "matching", f"{name} has no reference{stands_in}; nearest is the unused {near['name']}{version}", remedy
    )


def _mismatches(name: str, match: Mapping[str, Any]) -> Iterator[Finding]:
    hints = [f"{unknown} is perhaps {missing}" for unknown, missing in match["suggestions"]]
    if match["missing_count"]:
        total = int(match["matched"] + match["missing_count"])
        how_many = "none" if not match["matched"] else f"{match['matched']:.0f}"
        yield problem(
            "matching",
            f"{name}: {how_many} of the {total} columns of the reference arrive; missing: "
            f"{_some(match['missing'], match['missing_count'])}",
            f"{listed(hints)}: rename on one side" if hints else "send these columns, or profile what is served",
        )
    if match["unknown_count"]:
        yield problem(
            "matching",
            f"{name}: not in the reference, so not judged: {_some(match['unknown'], match['unknown_count'])}",
            "profile the training data with these columns, or rename them",
        )
    for each in match["types"]:
        yield problem(
            "types",
            f"{name}: {each['column']} arrives as {each['got']}, and was {each['expected']} in training",
            f"pass {each['expected']} values; numbers that are codes: driftline profile --categorical",
        )
    if match["pair_count"]:
        yield problem(
            "pairs",
            f"{name}: {counted(match['pair_count'], 'pair')} of the reference counted by no server: "
            f"{_some(match['pairs'], match['pair_count'])}",
            "set DRIFTLINE_REFERENCE in the servers; let the Collector pass ml.pair.rows",
        )


def _some(names: list[str], total: float) -> str:
    more = int(total) - len(names)
    return listed(names) if more <= 0 else f"{listed(names, len(names))} and {more} more"


def _references(status: Mapping[str, Any]) -> Iterator[Finding]:
    used = sorted(
        {match["reference_name"] for match in _matches(status) if match["reference"] and not match["provisional"]}
    )
    if used:
        yield ok("references", f"used: {listed(used)}")
    models = listed(sorted({model["name"] for model in status["models"]}))
    for reference in status["unused_references"]:
        version = f" version {reference['version']}" if reference["version"] else ""
        yield problem(
            "references",
            f"{reference['name']}{version} is used by no model; models are: {models or 'none'}",
            f"name the model so, or profile with --model {reference['nearest']}"
            if reference["nearest"]
            else "serve this model, or take the file away",
        )
    more = int(status["unused_reference_count"]) - len(status["unused_references"])
    if more > 0:
        yield note("references", f"{counted(more, 'reference')} more are used by no model")


def _matches(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (model["matching"] for model in status["models"])


def _drops(status: Mapping[str, Any]) -> Iterator[Finding]:
    lost = {name: status["counters"].get(name, 0) for name in _DROPS}
    for name, (noun, plural, became, remedy) in _DROPS.items():
        if lost[name]:
            yield problem("drops", f"{counted(lost[name], noun, plural)} {became}", remedy)
    if not any(lost.values()):
        yield ok("drops", "nothing rejected, refused, late or dropped since its start")


def _export(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether results leave, and requests are stored."""
    where = f"{status['export']['endpoint']} by {status['export']['protocol']}"
    for export in status["exports"]:
        if export["failing"]:
            yield problem(
                "export",
                f"{export['what']} cannot be sent to {where}; {counted(export['waiting'], 'batch', 'batches')} wait",
                "check export.endpoint and export.protocol in processor.yaml",
            )
        elif export["exported"]:
            yield ok("export", f"{export['what']} go to {where}")
    if not status["storage_ok"]:
        yield problem("store", "requests cannot be stored, and are refused", "check the disk or database of `store`")


def _ago(seconds: float) -> str:
    return f"{_span(max(seconds, 0.0))} ago"


def _span(seconds: float) -> str:
    """In the largest unit that fits."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return counted(seconds // length, unit)
    return counted(seconds // 1, "second")
