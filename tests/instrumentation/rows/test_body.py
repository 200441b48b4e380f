"""The body of a row batch: what goes in comes out, and damaged bytes are an error."""

import datetime as dt
import zlib
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from driftline.rows import body
from driftline.rows.body import decode_table, encode_table, encode_tables
from driftline.rows.table import INPUT, OUTPUT, RowColumn, RowTable

START = 1_790_000_000_000_000_000
X = RowColumn(INPUT, "x")


def table(*columns: Any, rows: int | None = None) -> RowTable:
    rows = len(columns[0]) if rows is None else rows
    named = {RowColumn(INPUT, f"x{number}"): values for number, values in enumerate(columns)}
    return RowTable(np.arange(rows, dtype=np.uint64) << np.uint64(50), START + np.arange(rows) * 1_000_000, named)


def round_trip(values: Any) -> Any:
    (found,) = decode_table(encode_table(table(values))).columns.values()
    return found


DTYPES = st.one_of(
    *(hnp.integer_dtypes(endianness=end) for end in "<>"),
    *(hnp.unsigned_integer_dtypes(endianness=end) for end in "<>"),
    *(hnp.floating_dtypes(endianness=end, sizes=(16, 32, 64)) for end in "<>"),
    hnp.complex_number_dtypes(sizes=(64, 128)),
    hnp.boolean_dtypes(),
    hnp.datetime64_dtypes(),
    hnp.timedelta64_dtypes(),
)


@settings(deadline=None, max_examples=60)
@given(DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, st.integers(0, 40))))
def test_numbers_and_times_come_back(values: Any) -> None:
    """Bit for bit, in their own type, whatever they were narrowed to on the way."""
    found = round_trip(values)

    assert found.dtype == values.dtype.newbyteorder("<")
    assert found.tobytes() == values.astype(found.dtype).tobytes()


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(SCALARS, max_size=40))
def test_mixed_values_keep_their_types(items: list[Any]) -> None:
    """1, 1.0, True and "1" are four values."""
    values = np.empty(len(items), object)
    values[:] = items
    found = round_trip(values).tolist()

    assert [(type(each), each) for each in found] == [(type(each), each) for each in items]


@pytest.mark.parametrize(
    ("item", "sent"),
    [
        (float("nan"), None), (float("inf"), "inf"), (b"ab", "ab"), (np.float32(1.5), 1.5), (Decimal("1.50"), "1.50"),
        ([1, 2], "[1, 2]"), (dt.date(2026, 1, 2), "2026-01-02"), ("x" * 5000, "x" * 1024), (np.str_("a"), "a"),
        ("\ud800", "?"),
    ],
)  # fmt: skip
def test_other_values_are_texts(item: Any, sent: Any) -> None:
    """And long texts are cut: they are content."""
    values = np.empty(2, object)
    values[:] = [item, item]
    assert round_trip(values).tolist() == [sent, sent]


@pytest.mark.parametrize("values", [np.array(["a", "bc"]), np.array([b"a", b"bc"])])
def test_arrays_of_texts(values: Any) -> None:
    """Fixed widths are numpy's own matter."""
    assert round_trip(values).tolist() == ["a", "bc"]


def test_keys_and_times_come_back() -> None:
    """Times to the microsecond."""
    sent = RowTable(np.array([2**64 - 1, 5], np.uint64), np.array([START + 7_654_321, START]), {})
    found = decode_table(encode_table(sent))

    assert found.keys.tolist() == sent.keys.tolist()
    assert found.times.tolist() == [START + 7_654_000, START]


def test_rows_of_unlike_tables_are_joined() -> None:
    """What a column lacks is missing; whole numbers stay exact, and types are not mixed up."""
    one = RowTable(np.zeros(1, np.uint64), np.zeros(1, np.int64), {X: np.array([2**60])})
    other = RowTable(np.zeros(2, np.uint64), np.zeros(2, np.int64), {RowColumn(OUTPUT, "y"): np.array([True, False])})
    text = RowTable(np.zeros(1, np.uint64), np.zeros(1, np.int64), {X: np.array(["a"], object)})

    found = RowTable.joined([one, other, text])

    assert found.columns[X].tolist() == [2**60, None, None, "a"]
    assert found.columns[RowColumn(OUTPUT, "y")].tolist() == [None, True, False, None]
    assert RowTable.joined([one, other]).columns[X].tolist() == [2**60, None, None]
    small = RowTable(np.zeros(1, np.uint64), np.zeros(1, np.int64), {X: np.array([7])})
    np.testing.assert_array_equal(RowTable.joined([small, other]).columns[X], [7, np.nan, np.nan])


def test_large_tables_are_cut() -> None:
    """No body is above the limit, and no row is lost or out of order."""
    rng = np.random.default_rng(0)
    whole = table(*rng.normal(size=(30, 9000)))
    parts = list(encode_tables(whole))

    assert len(parts) == 2
    assert all(len(data) <= body.MAX_BODY for _, data in parts)
    assert np.concatenate([decode_table(data).keys for _, data in parts]).tolist() == whole.keys.tolist()


def test_what_deflates_well_is_cut_before_it_inflates_beyond_the_limit() -> None:
    """The decoder takes every body that the encoder makes."""
    for part, data in encode_tables(table(*(np.arange(30_000) % 7 * 0.1 for _ in range(60)))):
        assert len(decode_table(data)) == len(part)


GOOD = encode_table(
    table(np.arange(40.0), np.array(["a", "b"] * 20, object), np.arange(40) > 7, np.arange(40).astype("M8[ns]"))
)


def test_damaged_bytes_are_an_error() -> None:
    """2,000 bodies with a bit turned and the end cut off: a ValueError, or a whole table."""
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(2000):
        data = bytearray(GOOD)
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        refused += _is_refused(bytes(data[: rng.integers(len(data) - 20, len(data) + 1)]))
    assert refused > 1900


def test_a_damaged_interior_is_an_error() -> None:
    """As before, but deflated afterwards, so that no checksum helps."""
    rng = np.random.default_rng(1)
    raw, refused = zlib.decompress(GOOD[8:]), 0
    for _ in range(2000):
        data = bytearray(raw)
        data[rng.integers(600)] ^= 1 << rng.integers(8)
        refused += _is_refused(GOOD[:8] + zlib.compress(bytes(data)))
    assert refused > 500


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_an_error(data: bytes) -> None:
    """Nothing else is raised, also behind a good beginning."""
    assert _is_refused(data)
    assert _is_refused(b"MLR1\x05\x00\x00\x00" + zlib.compress(data))


def _is_refused(data: bytes) -> bool:
    try:
        found = decode_table(data)
    except ValueError:
        return True
    assert {len(values) for values in found.columns.values()} <= {len(found)}
    assert len(found.times) == len(found)
    return False


def _sealed(header: str, columns: bytes = b"") -> bytes:
    text = header.encode()
    return b"MLR1" + len(text).to_bytes(4, "little") + zlib.compress(text + columns)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "must begin"),
        (b"PK\x03\x04" + bytes(20), "must begin"),
        (GOOD[:100], "cut off"),
        (GOOD + b"x", "nothing behind"),
        (b"MLR1" + bytes(4) + zlib.compress(bytes(1 << 26)), "more than"),
        (_sealed("[]"), "list of at most"),
        (_sealed("[" * 100_000), "must be JSON"),
        (_sealed('{"rows": -1, "start": 0, "columns": []}'), "rows must be"),
        (_sealed('{"rows": 1e9, "start": 0, "columns": []}'), "rows must be"),
        (_sealed('{"rows": 1, "start": 0, "columns": [["key", "", "u8", "u8"]]}', bytes(7)), "cut off"),
        (_sealed('{"rows": 1, "start": 0, "columns": [["key", "", "u8", "u8"]]}', bytes(8)), "keys and times"),
        (_sealed('{"rows": 1, "start": 0, "columns": [["key", "", "u8", "u8"]]}', bytes(9)), "last column"),
        (_sealed('{"rows": 1, "start": 0, "columns": [["input", "x", "O", "O"]]}', bytes(8)), "unknown"),
        (_sealed('{"rows": 1, "start": 0, "columns": [["input", "x", "O", "u1", ["a"]]]}', b"\1"), "1 values"),
        (_sealed('{"rows": 1, "start": 0, "columns": [["input", "x", "O", "u1", [{}]]]}', b"\0"), "scalars"),
        (_sealed('{"rows": 1, "start": 0, "columns": [["input", "x", "M8[xx]", "i8"]]}', bytes(8)), "unknown"),
    ],
)
def test_reasons_are_given(data: bytes, reason: str) -> None:
    """Each says which rule is broken."""
    with pytest.raises(ValueError, match=reason):
        decode_table(data)
