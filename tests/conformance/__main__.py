"""scikit-learn's own tests, as they are and instrumented: every test must end the same. Called by `make conformance`.

Arguments are modules of `sklearn.tests`, or further arguments of pytest; default: all checks on all estimators.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from driftline.semconv import INFERENCE_ROWS

METRICS = "metrics.json"
MODULES = ("test_common", "test_metaestimators", "test_metadata_routing", "test_pipeline")


def run(arguments: list[str], folder: Path, *, instrumented: bool) -> dict[str, str]:
    """The outcome of each test by its id."""
    file = folder / f"{'instrumented' if instrumented else 'plain'}.json"
    switches = {
        "CONFORMANCE_OUTCOMES": str(file),
        "CONFORMANCE_METRICS": str(folder / METRICS),
        "CONFORMANCE_INSTRUMENTED": "1" if instrumented else "0",
    }
    # In a folder of its own: our pytest settings are not scikit-learn's.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "outcomes", "--rootdir", str(folder), "-c", os.devnull]
    environ = {**os.environ, **switches, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([*command, *arguments], cwd=folder, env=environ, check=False, stdout=subprocess.PIPE)
    print(f"{'instrumented' if instrumented else 'plain':>12}: {done.stdout.decode().splitlines()[-1]}", flush=True)
    return dict(json.loads(file.read_text()))


def main(arguments: list[str]) -> int:
    named = arguments or list(MODULES)
    tests = [part for name in named for part in (["--pyargs", f"sklearn.tests.{name}"] if "-" not in name else [name])]
    with tempfile.TemporaryDirectory() as temporary:
        plain = run(tests, Path(temporary), instrumented=False)
        ours = run(tests, Path(temporary), instrumented=True)
        recorded = INFERENCE_ROWS in (Path(temporary) / METRICS).read_text()
    different = {test for test in plain.keys() | ours.keys() if plain.get(test) != ours.get(test)}
    for test in sorted(different):
        print(f"{test}: {plain.get(test)} without, {ours.get(test)} with Driftline")
    print(f"{len(plain)} tests, {len(different)} end differently")
    if not recorded:
        print("nothing was recorded: the instrumented run was not instrumented")
    return int(bool(different) or not plain or not recorded)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
