"""The short form of the agreement with scipy, and what a disagreement looks like."""

from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest

from bench.verdicts.agreement import MADE, compare, made
from bench.verdicts.gates import check
from bench.verdicts.oracles import ORACLES, Compared, Raw
from bench.verdicts.results import Results

ORACLE = {oracle.name: oracle for oracle in ORACLES}
EXACT = {"ks, numeric": 0.2, "wasserstein, numeric": 0.5, "js, numeric": 0.3, "js, category": 0.3}
EXACT |= {"chi_square, category": 40.0}


def test_statistics_agree_with_scipy() -> None:
    """Through real sketches and the real engine, of every made column, as it was and moved."""
    found = list(compare("made", made(1_000)))

    assert [each for each in found if not each.holds] == []
    assert len({each.column for each in found}) == 2 * len(MADE)
    assert {each.statistic for each in found} == ORACLE.keys()
    assert [gate["holds"] for gate in check(Results(compared=found))] == [True] * len(ORACLES)


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        ("ks, numeric", 1e-6),
        ("ks, numeric", -0.011),
        ("wasserstein, numeric", 0.04),
        ("wasserstein, numeric", -0.04),
        ("js, numeric", 0.011),
        ("js, category", -1e-6),
        ("chi_square, category", 1e-6),
        *((name, nan) for name in EXACT),
    ],
)
def test_a_disagreement_fails(name: str, difference: float) -> None:
    """Beyond the bound the gate fails, however many values agree; so does a value that is no number."""
    equal = Compared(name, "a", EXACT[name], EXACT[name])
    (gate,) = check(Results(compared=[equal, replace(equal, ours=EXACT[name] + difference), equal]))

    assert equal.holds
    assert (gate["name"], gate["holds"]) == (f"9 agreement with scipy: {name}", False)


def test_the_oracles_say_what_is_worked_out_by_hand() -> None:
    """By hand: half of the rows went beyond the other half, and half of one category became another."""
    numbers = Raw(np.repeat([0.0, 1.0], 50), np.repeat([1.0, 2.0], 50), np.array([-1.0, 0.0, 1.0]))
    names = Raw(np.array(["a"] * 10, object), np.array(["a", "b"] * 5, object), np.zeros(0))

    assert ORACLE["ks, numeric"].exact(numbers) == 0.5
    assert ORACLE["wasserstein, numeric"].exact(numbers) == pytest.approx(1.349)
    assert ORACLE["js, numeric"].exact(numbers) == pytest.approx(0.5**0.5)
    assert ORACLE["js, category"].exact(names) == pytest.approx((1.5 - 0.75 * np.log2(3)) ** 0.5)
    assert ORACLE["chi_square, category"].exact(names) == pytest.approx(20 / 3)


def test_what_was_compared_stays(tmp_path: Path) -> None:
    """The next run reads it, and has its gates."""
    results = Results(compared=[Compared("ks, numeric", "a", 0.1, 0.1)])
    results.write(tmp_path / "verdicts.json", check(results))

    assert Results.read(tmp_path / "verdicts.json") == results
