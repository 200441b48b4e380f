"""Checks of the command that starts a server: what is known to lose rows or spans there."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from driftline.tools.doctor.environment import Environment
from driftline.tools.doctor.finding import Finding, note, ok, problem

_PYTHON: Final = re.compile(r"python[0-9.]*")


def interpreter(environment: Environment) -> Iterator[Finding]:
    """Whether the command runs in an environment that has Driftline."""
    if environment.command_python and not environment.command_instrumented:
        yield problem(
            "command",
            f"{environment.command[0]} runs {environment.command_python}, beside which is no opentelemetry-instrument",
            f'{environment.command_python} -m pip install "driftline[sklearn]", and run its `driftline doctor`',
        )
    elif environment.command_python:
        yield note(
            "command",
            f"{environment.command[0]} runs {environment.command_python}: what is installed there is not looked at",
            "run the `driftline doctor` of that environment",
        )


def isolated_python(environment: Environment) -> Iterator[Finding]:
    """OpenTelemetry comes in by PYTHONPATH, which -I and -E ignore; -S imports no sitecustomize."""
    words = environment.command
    if not words or not _PYTHON.fullmatch(Path(words[0]).name):
        return
    options = [word for word in _before_script(words[1:]) if re.fullmatch(r"-[A-Za-z]+", word)]
    found = [option for option in options if set(option[1:]) & set("IES") and option[1] not in "mcWX"]
    for option in found:
        yield problem(
            "command", f"python {option} keeps opentelemetry-instrument out of the process", f"leave {option} away"
        )


def _before_script(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        if not word.startswith("-") or word in ("-m", "-c"):
            return
        yield word


def mlflow(environment: Environment) -> Iterator[Finding]:
    """MLflow serves a model in an environment of its own, unless told not to."""
    words = environment.command
    if not _runs(words, "mlflow") or "serve" not in words:
        return
    managers = [after for word, after in zip(words, (*words[1:], ""), strict=True) if word == "--env-manager"]
    managers += [word.partition("=")[2] for word in words if word.startswith("--env-manager=")]
    if managers[-1:] == ["local"]:
        yield ok("command", "mlflow serves the model in this environment")
        return
    message = "mlflow serves the model in an environment of its own"
    remedy = 'add `--env-manager local`, or log the model with extra_pip_requirements=["driftline[sklearn]"]'
    if environment.requirements is None:
        yield note("command", f"{message}, with Driftline only if the model requires it", remedy)
    elif any(each.strip().startswith("driftline") for each in environment.requirements):
        yield ok("command", f"{message}, with Driftline")
    else:
        yield problem("command", f"{message}, without Driftline: it answers, and no row is counted", remedy)


def django(environment: Environment) -> Iterator[Finding]:
    """OpenTelemetry's instrumentation of Django reads the settings before the program sets their name."""
    named = environment.text("DJANGO_SETTINGS_MODULE")
    if named and not environment.importable.get(named, True):
        yield problem(
            "django",
            f"DJANGO_SETTINGS_MODULE={named} cannot be imported from here: requests get no span",
            "add the folder of the project to PYTHONPATH",
        )
    elif named:
        yield ok("django", f"DJANGO_SETTINGS_MODULE={named}")
    elif any(Path(word).name == "manage.py" for word in environment.command) or _is_django_wsgi(environment):
        yield problem(
            "django",
            "DJANGO_SETTINGS_MODULE is not set when OpenTelemetry's instrumentation of Django reads it",
            "export DJANGO_SETTINGS_MODULE=<project>.settings PYTHONPATH=.",
        )


def _is_django_wsgi(environment: Environment) -> bool:
    """`project.wsgi:application` is the name that Django's template gives."""
    installed = {"django", "opentelemetry-instrumentation-django"} <= environment.versions.keys()
    return installed and any(re.fullmatch(r"\w+\.[aw]sgi(:application)?", word) for word in environment.command)


def uwsgi(environment: Environment) -> Iterator[Finding]:
    """Without threads, which uWSGI does not run unless told to, nothing is exported."""
    words = environment.command
    if not _runs(words, "uwsgi"):
        return
    if not any(word.lstrip("-").split("=")[0] in ("enable-threads", "threads") for word in words):
        yield problem("command", "uwsgi without threads: nothing is exported in the background", "add --enable-threads")
    if not any(word.lstrip("-").split("=")[0] in ("lazy-apps", "lazy") for word in words):
        yield note("command", "uwsgi forks after it has loaded the application", "add --lazy-apps")


def gunicorn(environment: Environment) -> Iterator[Finding]:
    """Workers that are forked from a process with the model are exact: worth saying, as others are not."""
    options = (*environment.command, *environment.text("GUNICORN_CMD_ARGS").split())
    if "--preload" in options and (_runs(environment.command, "gunicorn") or environment.text("GUNICORN_CMD_ARGS")):
        yield ok("command", "gunicorn --preload: each worker starts recording anew after its fork")


def celery(environment: Environment) -> Iterator[Finding]:
    """A child that is killed cannot send what it has."""
    limits = [word for word in environment.command if word.startswith("--time-limit")]
    if _runs(environment.command, "celery") and limits:
        yield note(
            "command",
            f"celery {limits[0]} kills a child with the rows since its last export",
            "use --soft-time-limit, or a shorter DRIFTLINE_EXPORT_INTERVAL",
        )


def _runs(words: tuple[str, ...], program: str) -> bool:
    """`program …`, also as a path or as `python -m program …`."""
    if not words:
        return False
    head = [Path(words[0]).name, *words[1:3]]
    return head[0] == program or (len(head) == 3 and head[1:] == ["-m", program])


CHECKS: Final[tuple[Callable[[Environment], Iterator[Finding]], ...]] = (
    interpreter,
    isolated_python,
    mlflow,
    django,
    uwsgi,
    gunicorn,
    celery,
)
