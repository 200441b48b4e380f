"""A folder of references, `*.json`: read, and read again when a file has changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from driftline.reference.errors import InvalidReference
from driftline_processor.records import Reference
from driftline_processor.reference.read import read_file


class FolderChange(NamedTuple):
    """What a look at the folder found since the last one.

    read: references, by file, of files that are new or have changed. gone: ids that no file holds any more. errors: one
    line a file that cannot be read, with its name; a reference that it held before stays.
    """

    read: Mapping[Path, Reference]
    gone: tuple[str, ...]
    errors: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.read or self.gone or self.errors)


class _Stamp(NamedTuple):
    """What changes when a file does."""

    modified: int
    size: int
    inode: int


class ReferenceFolder:
    """`look` as often as you like: a file is read only when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps: dict[Path, _Stamp] = {}
        self._ids: dict[Path, str] = {}

    def look(self) -> FolderChange:
        """What has changed. A folder that is not there is an empty one."""
        stamps, errors = self._files()
        before = set(self._ids.values())
        for path in self._ids.keys() - stamps.keys():
            del self._ids[path]
        read: dict[Path, Reference] = {}
        for path in sorted(stamps):
            if stamps[path] == self._stamps.get(path):
                continue
            try:
                read[path] = read_file(path)
                self._ids[path] = read[path].id
            except InvalidReference as error:
                errors.append(str(error))
        self._stamps = stamps
        return FolderChange(read, tuple(sorted(before - set(self._ids.values()))), tuple(errors))

    def _files(self) -> tuple[dict[Path, _Stamp], list[str]]:
        stamps: dict[Path, _Stamp] = {}
        errors: list[str] = []
        for path in self._folder.glob("*.json"):
            try:
                found = path.stat()
            except OSError as error:  # a link that leads nowhere, or a file that has just gone
                if path not in self._stamps and path.is_symlink():
                    errors.append(f"{path}: cannot be read: {error.strerror}")
                continue
            stamps[path] = _Stamp(found.st_mtime_ns, found.st_size, found.st_ino)
        return stamps, errors
