"""The side of a package, in an environment of its own: requests on standard input, answers on standard output.

A request is a pickle of plain values, as the two sides have different versions of NumPy: ("fit", columns, rows of a
window) once for each stream, then ("window", columns) for each window. A column is a list of texts, None where missing,
or the bytes of float64. The answer: the columns in alarm, and the CPU seconds it took.
"""

import importlib
import pickle
import sys
import time
import warnings
from typing import Any

import numpy as np


def main(package: str) -> None:
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a package prints is no answer
    warnings.simplefilter("ignore")
    rules = importlib.import_module(f"with_{package}")
    rule = None
    while True:
        try:
            kind, columns, *about = pickle.load(requests)
        except EOFError:
            return
        begun, alarmed = time.process_time(), []
        columns = {name: _values(column) for name, column in columns.items()}
        try:
            if kind == "fit":
                rule = rules.Rule(columns, *about)
            else:
                alarmed = sorted(rule.window(columns))
            answer = (alarmed, time.process_time() - begun, None)
        except Exception as error:  # noqa: BLE001  # whatever a package raises is its answer
            answer = ([], 0.0, f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers, protocol=4)
        answers.flush()


def _values(column: Any) -> Any:
    return np.frombuffer(column) if isinstance(column, bytes) else np.array(column, object)


if __name__ == "__main__":
    main(sys.argv[1])
