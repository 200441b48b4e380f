"""Tolerances of single columns: which one counts, how a wrong one is told, and that a reference keeps them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import driftline
from driftline.reference.errors import ProfileError
from driftline.reference.tolerances import parse, tolerance_of, unmatched

ROWS = 2_000


def data() -> dict[str, list[float]]:
    random = np.random.default_rng(0)
    return {name: random.normal(size=ROWS).tolist() for name in ("age", "fraud_card", "fraud_wire", "x[0]")}


def tolerances(profile: driftline.Profile) -> dict[str, float | None]:
    return {column.key.name: column.tolerance for column in profile.columns}


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("fraud_card", 0.002),
        ("fraud_wire", 0.001),
        ("Fraud", None),
        ("x[0]", 0.3),
        ("x0", 0.3),
        ("x1", 0.4),
        ("age", None),
    ],
)
def test_the_own_name_counts_then_the_first_pattern(name: str, tolerance: float | None) -> None:
    """Whatever comes first, a column's own name counts; patterns count in their order, and tell cases apart."""
    given = {"fraud*": 0.001, "fraud_card": 0.002, "frau*": 0.5, "x[0]": 0.3, "x?": 0.4}

    assert tolerance_of(name, given) == tolerance


def test_patterns_without_a_column_are_known() -> None:
    """A pattern that another one comes before is of use to nobody's surprise; one that matches nothing is a typo."""
    assert unmatched({"fruad*": 0.1, "f*": 0.1, "fraud*": 0.1, "x[0]": 0.1}, ["fraud", "x[0]"]) == ["fruad*"]


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, float("nan"), float("inf"), True, None, "0.1", [0.1]])
def test_a_wrong_value_is_told_with_its_name_and_the_rule(value: Any) -> None:
    """In memory: anything but a number between 0 and 1."""
    with pytest.raises(
        ProfileError, match=r"tolerances: that of 'a\*' must be a share of rows between 0 and 1"
    ) as caught:
        driftline.profile(data(), tolerances={"a*": value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("text", ["0.1", "=0.1", "a=", "a=5%", "a=0", "a=1", "a=nan"])
def test_a_wrong_option_is_told(text: str) -> None:
    """On the command line: no pattern, or no share."""
    with pytest.raises(ProfileError, match=r"\(got '"):
        parse(text)


def test_a_name_may_hold_an_equals_sign() -> None:
    """The last one counts."""
    assert parse("a=b = 0.01") == ("a=b", 0.01)


def test_a_reference_keeps_them(tmp_path: Path) -> None:
    """Saved, loaded and merged; a profile with other tolerances is another reference."""
    profile = driftline.profile(data(), model="m", tolerances={"fraud*": 0.001, "nothing*": np.float32(0.5)})
    profile.save(tmp_path / "m.json")
    plain = driftline.profile(data(), model="m")

    expected = {"age": None, "fraud_card": 0.001, "fraud_wire": 0.001, "x[0]": None}
    assert tolerances(profile) == tolerances(driftline.load_profile(tmp_path / "m.json")) == expected
    assert tolerances(plain.merge(profile)) == tolerances(profile.merge(plain)) == expected
    assert {"Tolerance 0.001: 'fraud_card', 'fraud_wire'", "Tolerance of 'nothing*': matches no column"} <= {
        *profile.notes
    }
    assert profile.to_request() != plain.to_request()


def test_a_wrong_one_in_a_reference_is_refused(tmp_path: Path) -> None:
    """With the column, the rule and the value."""
    path = tmp_path / "m.json"
    driftline.profile(data(), model="m", tolerances={"age": 0.125}).save(path)
    path.write_text(path.read_text().replace("0.125", "1.25"))

    with pytest.raises(ProfileError, match=r"column 'age': ml\.column\.tolerance must be a share .* \(got 1\.25\)"):
        driftline.load_profile(path)
