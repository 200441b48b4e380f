"""Gathers the facts of this environment. Reads; changes nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Final

from driftline.tools.doctor.credentials import certificates_of, headers_of
from driftline.tools.doctor.endpoint_probe import probe
from driftline.tools.doctor.environment import DISTRIBUTIONS, Endpoint, Environment, ReferenceFile
from driftline.tools.doctor.targets import targets

LAUNCHER: Final = "opentelemetry-instrument"

_ARROW_TEST: Final = """
import numpy, pyarrow, pyarrow.csv, pyarrow.parquet
assert pyarrow.array(numpy.arange(3.0)).to_numpy().sum() == 3
"""
_ARROW_SECONDS: Final = 60.0


def look(variables: Mapping[str, str] = os.environ, command: Sequence[str] = ()) -> Environment:
    """The environment that a server started now would run in. command: that starts it."""
    versions = dict(_versions())
    python = interpreter_of(command, variables)
    return Environment(
        python=sys.executable,
        variables=dict(variables),
        versions=versions,
        components={kind: _names(group) for kind, group in _GROUPS.items()},
        auto_instrumented=_is_auto_instrumented(variables),
        arrow_error=_arrow_error() if {"numpy", "pyarrow"} <= versions.keys() else "",
        endpoints=() if command else tuple(_endpoints(variables)),
        config_file=_is_file(variables.get("OTEL_CONFIG_FILE", "").strip()),
        gunicorn_hook=_has_gunicorn_hook(command),
        references=tuple(references_at(variables.get("DRIFTLINE_REFERENCE", "").strip())),
        importable={name: is_importable(name, variables) for name in _settings_modules(variables)},
        requirements=model_requirements(command),
        command=tuple(command),
        command_python=python,
        command_instrumented=not python or launcher_beside(python) is not None,
    )


_GROUPS: Final = {
    "traces": "opentelemetry_traces_exporter",
    "metrics": "opentelemetry_metrics_exporter",
    "distro": "opentelemetry_distro",
    "configurator": "opentelemetry_configurator",
}
"""Entry points by what they are."""


def launcher_beside(python: str) -> str | None:
    """`opentelemetry-instrument` of the environment of an interpreter."""
    return shutil.which(LAUNCHER, path=str(Path(python).parent))


def _versions() -> list[tuple[str, str]]:
    return [(name, found) for name in DISTRIBUTIONS if (found := _version(name))]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _names(group: str) -> tuple[str, ...]:
    return tuple(sorted({each.name for each in entry_points(group=group)}))


def _is_auto_instrumented(variables: Mapping[str, str]) -> bool:
    import opentelemetry.instrumentation.auto_instrumentation as auto

    folder = str(Path(auto.__file__).parent)
    return folder in variables.get("PYTHONPATH", "").split(os.pathsep)


def _arrow_error() -> str:
    """In a process of its own: a mismatch may abort it."""
    command = (sys.executable, "-W", "ignore", "-c", _ARROW_TEST)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_ARROW_SECONDS)  # noqa: S603  # ours
    except subprocess.TimeoutExpired:
        return ""
    lines = done.stderr.strip().splitlines()
    return "" if not done.returncode else lines[-1] if lines else f"status {done.returncode}"


def _endpoints(variables: Mapping[str, str]) -> Iterator[Endpoint]:
    """Those that are set; the defaults do not matter where a file configures the SDK."""
    declared = variables.get("OTEL_CONFIG_FILE", "").strip()
    for target in targets(variables):
        if target.variable or not declared:
            yield probe(target, headers_of(variables), certificates_of(variables))


def _is_file(path: str) -> bool:
    return not path or Path(path).is_file()


def _has_gunicorn_hook(command: Sequence[str]) -> bool:
    """Whether the file of gunicorn's settings, the default one or that of -c, sets something up in its hooks."""
    named = [after for word, after in pairwise(command) if word in ("-c", "--config")]
    file = Path(named[-1] if named else "gunicorn.conf.py")
    if file.suffix != ".py" or not file.is_file():
        return False
    text = file.read_text(errors="replace")
    return "driftline" in text or "opentelemetry" in text


def references_at(text: str) -> list[ReferenceFile]:
    """The references in a file or folder; of an empty folder one without a path."""
    if not text:
        return []
    path = Path(text)
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    return [read_model(file) for file in files] or [ReferenceFile("")]


def read_model(file: Path) -> ReferenceFile:
    """The model of a reference, or why it cannot be read."""
    from driftline.reference.errors import InvalidReference
    from driftline.reference.read import read_file

    try:
        profile = read_file(file).profile
        return ReferenceFile(str(file), profile.model, version=profile.version)
    except InvalidReference as error:
        return ReferenceFile(str(file), error=str(error).removeprefix(f"{file}: "))


def model_requirements(command: Sequence[str]) -> tuple[str, ...] | None:
    """The requirements of the MLflow model whose folder is one of the words; None without one."""
    folders = (Path(word.removeprefix("file://")) for word in command)
    model = next((folder for folder in folders if (folder / "MLmodel").is_file()), None)
    if model is None:
        return None
    try:
        return tuple((model / "requirements.txt").read_text().split("\n"))
    except OSError:
        return ()


def _settings_modules(variables: Mapping[str, str]) -> list[str]:
    named = variables.get("DJANGO_SETTINGS_MODULE", "").strip()
    return [named] if named else []


def is_importable(module: str, variables: Mapping[str, str]) -> bool:
    """Whether a process started here would find the top-level package of a module, and its file in it."""
    places = [*variables.get("PYTHONPATH", "").split(os.pathsep), str(Path.cwd())]
    relative = module.replace(".", "/")
    files = (f"{relative}.py", f"{relative}/__init__.py")
    return any((Path(place) / file).exists() for place in places if place for file in files) or _is_found(module)


def _is_found(module: str) -> bool:
    try:
        return find_spec(module.partition(".")[0]) is not None and find_spec(module) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def interpreter_of(command: Sequence[str], variables: Mapping[str, str]) -> str:
    """The Python that a command runs, "" if it is this one or cannot be told."""
    program = shutil.which(command[0], path=variables.get("PATH")) if command else None
    if program is None:
        return ""
    if not Path(program).name.startswith("python"):
        program = _shebang(Path(program))
    if not program or Path(program).parent == Path(sys.executable).parent:
        return ""
    return program


def _shebang(script: Path) -> str:
    """The interpreter that the first line of a script names."""
    with script.open("rb") as file:
        line = file.readline(512)
    if not line.startswith(b"#!"):
        return ""
    words = line[2:].decode(errors="replace").split()
    return words[0] if words and "python" in Path(words[0]).name else ""
