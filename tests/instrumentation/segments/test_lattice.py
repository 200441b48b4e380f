"""Cells of bins and categories, and pairs of them."""

import numpy as np

from driftline.segments.lattice import CODES, Lattice, raked


def made(rows: int = 500, columns: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, CODES, (rows, columns)).astype(np.uint8)


def test_every_cell_counts_the_rows_in_it() -> None:
    """Of single columns and of pairs, by status; `holds` finds the same rows."""
    lattice, codes = Lattice(4), made()
    status = np.random.default_rng(1).integers(0, 3, len(codes))
    table = lattice.count(codes, status, 3)
    for cell in range(0, lattice.cells, 7):
        rows = lattice.holds(codes, cell)
        assert table[cell].tolist() == np.bincount(status[rows], minlength=3).tolist()


def test_counts_add_up_over_parts_in_any_order() -> None:
    """So windows, processes and replicas may be counted apart."""
    lattice, codes = Lattice(4), made()
    status = np.zeros(len(codes), np.int64)
    parts = [lattice.count(codes[part], status[part], 1) for part in (slice(300, None), slice(0, 300))]
    assert (sum(parts) == lattice.count(codes, status, 1)).all()


def test_weights_count_as_many_rows() -> None:
    """A row of weight three is three rows."""
    lattice, codes = Lattice(4), made(50)
    status = np.zeros(50, np.int64)
    three = lattice.count(codes, status, 1, np.full(50, 3.0))
    assert (three == 3 * lattice.count(codes, status, 1)).all()


def test_no_more_than_thirty_columns_are_paired() -> None:
    """Single cells are counted of all; pairs of the first thirty, or of those that were chosen."""
    lattice = Lattice(40)
    assert (lattice.singles, lattice.cells) == (400, 400 + 43_500)
    assert Lattice(40, [3, 39]).where(400) == {3: 0, 39: 0}


def test_some_of_the_columns_are_a_lattice_of_their_own() -> None:
    """Their cells hold what they held among all."""
    lattice, codes = Lattice(4), made()
    status = np.zeros(len(codes), np.int64)
    whole = lattice.count(codes, status, 1)[:, 0]
    part = lattice.only([0, 2]).count(codes[:, [0, 2]], status, 1)[:, 0]
    assert (whole[lattice.cells_of([0, 2])] == part).all()


def test_a_raked_table_has_the_margins_that_were_asked_for() -> None:
    """What goes with what stays: odds ratios are those of before."""
    rng = np.random.default_rng(0)
    tables = rng.uniform(1, 9, (1, CODES, CODES))
    first, second = (rng.dirichlet(np.full(CODES, 9.0), 1) for _ in range(2))
    fitted = raked(tables, first, second, rounds=100)
    np.testing.assert_allclose(fitted.sum(2), first)
    np.testing.assert_allclose(fitted.sum(1), second)
    odds = [table[0, 0, 0] * table[0, 5, 5] / table[0, 0, 5] / table[0, 5, 0] for table in (tables, fitted)]
    np.testing.assert_allclose(odds[0], odds[1])
