"""Checks of what is installed: frameworks, their instrumentors, OpenTelemetry's versions, pyarrow beside numpy."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from driftline.tools.doctor.environment import FRAMEWORKS, OTEL_CONTRIB, OTEL_CORE, SERVERS, Environment
from driftline.tools.doctor.finding import Finding, listed, note, ok, problem

_MINOR_BETWEEN: Final = 21
"""Contrib 0.66 belongs to core 1.45, and so on for all releases since 1.0."""

_DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"


def frameworks(environment: Environment) -> Iterator[Finding]:
    """Which frameworks would be recorded."""
    installed = [f"{name} {environment.versions[name]}" for name in FRAMEWORKS if name in environment.versions]
    if installed:
        yield ok("frameworks", f"installed: {listed(installed)}")
    else:
        yield problem(
            "frameworks",
            f"no framework that Driftline records is installed in {environment.python}",
            "run the doctor in the environment of the model server",
        )


def instrumentors(environment: Environment) -> Iterator[Finding]:
    """Whether a framework that is installed is switched off."""
    disabled = {name.strip() for name in environment.text(_DISABLED).split(",")}
    off = {
        FRAMEWORKS[name]: name
        for name in FRAMEWORKS
        if name in environment.versions and ("*" in disabled or FRAMEWORKS[name] in disabled)
    }
    for entry_point, name in off.items():
        yield problem(
            "instrumentors", f"{_DISABLED} switches {entry_point} off: no call of {name}", f"take it out of {_DISABLED}"
        )
    on = {FRAMEWORKS[name] for name in FRAMEWORKS if name in environment.versions} - off.keys()
    if on:
        yield ok("instrumentors", f"enabled: {listed(sorted(on))}")


def auto_instrumentation(environment: Environment) -> Iterator[Finding]:
    """Whether a process that is started here is instrumented without code."""
    if environment.gunicorn_hook:
        yield ok("auto-instrumentation", "gunicorn's settings set OpenTelemetry up in its workers")
        return
    if environment.command:
        return
    if environment.auto_instrumented:
        yield ok("auto-instrumentation", "active: every Python process started here is instrumented")
        return
    yield note(
        "auto-instrumentation",
        "not active in this process; driftline.instrument() alone, as in a notebook, sends sketches and no spans",
        "start the server by `opentelemetry-instrument …`",
    )


def server_instrumentations(environment: Environment) -> Iterator[Finding]:
    """Whether requests can become the parents of model calls."""
    for server in SERVERS:
        needed = f"opentelemetry-instrumentation-{server}"
        if server in environment.versions and needed not in environment.versions and _has_own(server, environment):
            yield note(
                "parents", f"{server} is installed without {needed}: its requests have no span", f"pip install {needed}"
            )


def _has_own(server: str, environment: Environment) -> bool:
    """Flask also has the middleware of WSGI."""
    return server != "flask" or "opentelemetry-instrumentation-wsgi" not in environment.versions


def opentelemetry_versions(environment: Environment) -> Iterator[Finding]:
    """Whether OpenTelemetry's packages are of one release, and complete."""
    versions = environment.versions
    missing = [name for name in ("opentelemetry-sdk", "opentelemetry-distro") if name not in versions]
    for name in missing:
        yield problem("opentelemetry", f"{name} is not installed: nothing sets the SDK up", f"pip install {name}")
    core, contrib = _of(environment, OTEL_CORE), _of(environment, OTEL_CONTRIB)
    mixed = [group for group in (core, contrib) if len(set(group.values())) > 1]
    for group in mixed:
        shown = listed([f"{name} {number}" for name, number in group.items()], 12)
        yield problem(
            "opentelemetry", f"mixed versions: {shown}", f"pip install --upgrade {' '.join(group)}, to one version"
        )
    if not mixed and core and contrib and not _go_together(next(iter(core.values())), next(iter(contrib.values()))):
        a, b = next(iter(core.items())), next(iter(contrib.items()))
        yield problem(
            "opentelemetry",
            f"{a[0]} {a[1]} and {b[0]} {b[1]} are not of one release",
            f"pip install --upgrade {' '.join((*core, *contrib))}",
        )
    elif not mixed and not missing:
        yield ok("opentelemetry", f"SDK {versions['opentelemetry-sdk']}, distro {versions['opentelemetry-distro']}")


def _of(environment: Environment, names: tuple[str, ...]) -> dict[str, str]:
    return {name: environment.versions[name] for name in names if name in environment.versions}


def _go_together(core: str, contrib: str) -> bool:
    """Whether the minor versions are of one release; True for versions that have none."""
    minors = [re.match(r"\d+\.(\d+)", text) for text in (contrib, core)]
    first, second = (int(each[1]) if each else None for each in minors)
    return first is None or second is None or first - second == _MINOR_BETWEEN


def arrow(environment: Environment) -> Iterator[Finding]:
    """Whether pyarrow, which reads training data, works with this numpy."""
    versions = environment.versions
    if not {"numpy", "pyarrow"} <= versions.keys():
        return
    pair = f"pyarrow {versions['pyarrow']} with numpy {versions['numpy']}"
    if not environment.arrow_error:
        yield ok("arrow", pair)
        return
    yield problem(
        "arrow",
        f"{pair} does not work: `driftline profile` will fail ({environment.arrow_error})",
        'pip install --upgrade "numpy>=2", or a pyarrow made for this numpy',
    )


CHECKS: Final[tuple[Callable[[Environment], Iterator[Finding]], ...]] = (
    frameworks,
    instrumentors,
    auto_instrumentation,
    server_instrumentations,
    opentelemetry_versions,
    arrow,
)
