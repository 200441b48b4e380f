"""What can happen to a store while nobody uses it: each damage is done to a copy."""

import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

FILES: Final = ("driftline.db", "driftline.db-wal")
Damage = Callable[[Path], None]

STATEMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "a request of noise": (
        "update driftline_journal set body={noise} where id=(select max(id) from driftline_journal)",
    ),
    "a request of an unknown signal": ("update driftline_journal set signal='profiles'",),
    "a request of nothing": (
        "delete from driftline_journal",
        "insert into driftline_journal(received, signal, body) values (-5, 'traces', {nothing})",
    ),
    "a snapshot of noise": (
        "update driftline_snapshots set body={noise} where id=(select min(id) from driftline_snapshots)",
    ),
    "a snapshot of nothing": (
        "update driftline_snapshots set body={nothing} where id=(select min(id) from driftline_snapshots)",
    ),
    "snapshots that are another map": ("update driftline_snapshots set checksum=null, body={other_map}",),
    "snapshots of form 99": ("update driftline_snapshots set checksum=null, body={form_99}",),
    "schema 99": ("update driftline_meta set value='99' where key='schema'",),
    "schema abc": ("update driftline_meta set value='abc' where key='schema'",),
    "no schema": ("delete from driftline_meta",),
    "no journal": ("drop table driftline_journal",),
    "snapshots of another shape": ("drop table driftline_snapshots", "create table driftline_snapshots (x int)"),
    "a reference of noise": ("insert into driftline_references values ('r', {nothing}, {noise})",),
    "a reference of nothing": ("insert into driftline_references values ('r', {nothing}, {nothing})",),
}
"""Of rows, in SQL that both databases understand; `literals` gives them their bytes."""

_BYTES: Final = {
    "noise": b"\xc1\xc1\x00\xff",
    "nothing": b"",
    "other_map": b"\x81\xa4form\x02",
    "form_99": b"\x81\xa4form\x63",
}


def literals(pattern: str) -> dict[str, str]:
    """Bytes as a database writes them; the pattern has `{}` in the place of their hexadecimal digits."""
    return {name: pattern.format(body.hex()) for name, body in _BYTES.items()}


def rows(statements: tuple[str, ...]) -> Damage:
    """Changes rows."""

    def change(folder: Path) -> None:
        with closing(_in_one_file(folder)) as database, database:
            for statement in statements:
                database.execute(statement.format(**literals("x'{}'")))

    return change


def cut(name: str, share: float) -> Damage:
    """Leaves so much of a file."""

    def change(folder: Path) -> None:
        if name == FILES[0]:
            _in_one_file(folder).close()
        body = (folder / name).read_bytes()
        (folder / name).write_bytes(body[: int(len(body) * share)])

    return change


def flip(name: str, times: int) -> Damage:
    """Changes bytes somewhere, the same at every run."""

    def change(folder: Path) -> None:
        chance = random.Random(times)
        if name == FILES[0]:
            _in_one_file(folder).close()
        body = bytearray((folder / name).read_bytes())
        for _ in range(times):
            body[chance.randrange(100, len(body))] ^= chance.randrange(1, 256)
        (folder / name).write_bytes(bytes(body))

    return change


def put(name: str, body: bytes, *, alone: bool = False) -> Damage:
    """Something else stands where a file was; `alone`: and nothing beside it."""

    def change(folder: Path) -> None:
        for file in FILES if alone else ():
            (folder / file).unlink(missing_ok=True)
        (folder / name).write_bytes(body)

    return change


def _header_of_zeros(folder: Path) -> None:
    _in_one_file(folder).close()
    file = folder / FILES[0]
    file.write_bytes(bytes(100) + file.read_bytes()[100:])


def _folder(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    (folder / FILES[0]).mkdir()


def _nothing(_: Path) -> None:
    """As a kill left it."""


def _in_one_file(folder: Path) -> sqlite3.Connection:
    """What is in the WAL goes into the file."""
    database = sqlite3.connect(folder / FILES[0])
    database.execute("pragma wal_checkpoint(truncate)")
    return database


DAMAGES: Final[Mapping[str, Damage]] = {
    "none": _nothing,
    "the file cut in half": cut("driftline.db", 0.5),
    "the file cut to a tenth": cut("driftline.db", 0.1),
    "the WAL cut in half": cut("driftline.db-wal", 0.5),
    "a WAL of noise": put("driftline.db-wal", random.Random(1).randbytes(100_000)),
    "no WAL": lambda folder: (folder / "driftline.db-wal").unlink(),
    "a byte of the WAL changed": flip("driftline.db-wal", 1),
    "20 bytes changed": flip("driftline.db", 20),
    "500 bytes changed": flip("driftline.db", 500),
    "a header of zeros": _header_of_zeros,
    "an empty file": put("driftline.db", b"", alone=True),
    "a text": put("driftline.db", b"hello world\n" * 100, alone=True),
    "a folder": _folder,
    **{name: rows(statements) for name, statements in STATEMENTS.items()},
}
