"""Another package in an environment of its own, asked through a pipe."""

import pickle
import subprocess
import venv
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.verdicts.said import Edges, Said
from bench.verdicts.stream import TIME, Column, Columns, Stream

RIVALS: Final = Path(__file__).parent / "rivals"
ENVIRONMENTS: Final = Path(".verdicts")
PACKAGES: Final = ("evidently", "nannyml", "alibi", "river")


class PackageError(Exception):
    """What a package said when it could not do it."""


def prepare(package: str) -> None:
    """Makes the environment of a package, where there is none of these requirements."""
    home, requirements = ENVIRONMENTS / package, RIVALS / f"{package}.txt"
    ready = home / ".ready"
    if ready.exists() and ready.read_text() == requirements.read_text():
        return
    venv.create(home, with_pip=True)
    subprocess.run([_python(package), "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
    ready.write_text(requirements.read_text())


def _python(package: str) -> Path:
    return ENVIRONMENTS / package / "bin" / "python"


class Package:
    """One stream, judged by a package. It keeps the training rows."""

    def __init__(self, name: str) -> None:
        self._name, self._edges = name, Edges()
        self.kept, self.seconds = 0, 0.0

    def fit(self, stream: Stream) -> None:
        self.kept = sum(_size(values) for values in stream.reference.values())
        self._ask("fit", stream.reference, stream.rows)

    def window(self, rows: Columns) -> Said:
        alarmed, seconds = self._ask("window", rows)
        self.seconds += seconds
        return self._edges.said(frozenset(alarmed))

    def _ask(self, kind: str, rows: Columns, *about: object) -> tuple[list[str], float]:
        server = _server(self._name)
        assert server.stdin is not None
        assert server.stdout is not None
        plain = {name: _plain(values) for name, values in rows.items() if name != TIME}
        pickle.dump((kind, plain, *about), server.stdin, protocol=4)
        server.stdin.flush()
        alarmed, seconds, error = pickle.load(server.stdout)
        if error:
            raise PackageError(f"{self._name}: {error}")
        return alarmed, seconds


@cache
def _server(package: str) -> "subprocess.Popen[bytes]":
    """It ends when its input does: with this process."""
    command = [_python(package), RIVALS / "serve.py", package]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _plain(values: Column) -> Any:
    return values.tolist() if values.dtype == object else np.asarray(values, np.float64).tobytes()


def _size(values: Column) -> int:
    return sum(len(str(value)) for value in values) if values.dtype == object else values.nbytes
