"""`python -m fuzz SECONDS FOLDER TARGET…`: atheris leads bytes through entrances by what they reach, from a corpus on.

The first byte says by which of the targets the others enter. What is new goes into FOLDER; what breaks something ends
the run with another status than 0, and is left there as `crash-…`: keep it, without the first byte, in the corpus.
"""

import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent / "corpus"
SEED = os.environ.get("FUZZ_SEED", "0")  # 0: another one each time
PACKAGES = ["driftline_processor", "driftline.reference", "driftline.sketch"]


def main(seconds: str, folder: str, *targets: str) -> None:
    logging.disable()  # an unreadable row is an error in the log, and most are unreadable
    with atheris.instrument_imports(include=PACKAGES):
        entrances: list[Callable[[bytes], None]] = [import_module(f"fuzz.targets.{name}").enter for name in targets]
    seeds = Path(folder) / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(targets):
        for file in (CORPUS / name).iterdir():
            (seeds / f"{name}-{file.name}").write_bytes(bytes([number]) + file.read_bytes())

    def enter(data: bytes) -> None:
        if data:
            entrances[data[0] % len(entrances)](data[1:])

    # The limit is on the peak that the kernel tells, which a child inherits of its parent: pytest has 2 GB at times.
    options = (f"-max_total_time={seconds}", "-timeout=60", "-rss_limit_mb=6144", "-max_len=65536", f"-seed={SEED}")
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", folder, str(seeds)], enter)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
