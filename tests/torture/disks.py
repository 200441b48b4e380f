"""Disks that are full, and free again."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from torture.processors import Processor

_SPARE_BYTES = 200_000


class Disk(NamedTuple):
    """A folder, and how to leave its processor next to no room there, and to give it room again."""

    folder: Path
    fill: Callable[[Processor], None]
    free: Callable[[Processor], None]


@contextmanager
def file_system(folder: Path) -> Iterator[Disk]:
    """A file system of 32 MiB in memory, filled by another's file; mounting it takes root."""
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a file system")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], check=True)
    ballast = folder / "ballast"

    def fill(_: Processor) -> None:
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        ballast.write_bytes(bytes(max(free - _SPARE_BYTES, 0)))

    try:
        yield Disk(folder, fill, lambda _: ballast.unlink())
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def quota(folder: Path) -> Iterator[Disk]:
    """The processor's files may not grow any more: a limit that the system enforces, for any user."""
    folder.mkdir()

    def limit(processor: Processor, size: int) -> None:
        resource.prlimit(processor.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def fill(processor: Processor) -> None:
        limit(processor, max(path.stat().st_size for path in folder.iterdir()) + _SPARE_BYTES)

    yield Disk(folder, fill, lambda processor: limit(processor, resource.RLIM_INFINITY))
