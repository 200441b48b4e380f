"""The one reader of references: what `load_profile` refuses, and the pairs that a model server takes from a file."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

import driftline
from driftline.profiling import ProfileError
from driftline.reference.errors import InvalidReference
from driftline.reference.pairs import read_pairs
from driftline.sketch.pairs import Pair
from reference_requests import FAULTS, GOLDEN, attribute, drop, metric, request


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_profile_is_named_with_its_file(fault: str, tmp_path: Path) -> None:
    """`load_profile` checks all that the processor checks."""
    change, message = FAULTS[fault]
    broken = request()
    change(broken)
    (tmp_path / "x.json").write_text(json_format.MessageToJson(broken))

    with pytest.raises(ProfileError) as caught:
        driftline.load_profile(tmp_path / "x.json")
    assert str(caught.value).startswith(f"{tmp_path / 'x.json'}: {message}")


def test_only_the_pairs_of_a_file_are_read() -> None:
    """By name, with members and thresholds."""
    found = read_pairs(GOLDEN)

    assert (found.model, found.version) == ("visits", "3")
    assert found.pairs == {
        "age × balance #0fc1a4": Pair(("age", "balance"), (51.5, -0.25)),
        "age × items #ed673f": Pair(("age", "items"), (51.5, 1.5)),
        "balance × items #6fcfdf": Pair(("balance", "items"), (-0.25, 1.5)),
    }


def described_pair(message: Any) -> Any:
    """The point that describes the first pair."""
    points = metric(message, "ml.reference.column").gauge.data_points
    return next(point for point in points if any(pair.key == "ml.pair.name" for pair in point.attributes))


PAIR_FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    **{name: FAULTS[name] for name in ("live", "no id", "no model")},
    "three members": (
        lambda r: attribute(described_pair(r), "ml.pair.members").array_value.values.add(string_value="city"),
        "column 'age × balance #0fc1a4': ml.pair.members must be two, with ml.pair.thresholds (got ['age', 'balance'",
    ),
    "no thresholds": (
        lambda r: drop(described_pair(r), "ml.pair.thresholds"),
        "column 'age × balance #0fc1a4': ml.pair.thresholds must be an array (got nothing)",
    ),
    "infinite threshold": (
        lambda r: setattr(
            attribute(described_pair(r), "ml.pair.thresholds").array_value.values[0], "double_value", float("inf")
        ),
        "column 'age × balance #0fc1a4': ml.pair.thresholds must be finite numbers (got [inf, -0.25])",
    ),
    "empty name": (
        lambda r: setattr(attribute(described_pair(r), "ml.pair.name"), "string_value", ""),
        "ml.reference.column: ml.pair.name must be a string (got '')",
    ),
}


@pytest.mark.parametrize("fault", PAIR_FAULTS)
def test_pairs_are_refused_as_a_whole_reference_is(fault: str, tmp_path: Path) -> None:
    """In the words of the same reader: only what pairs need is looked at."""
    change, message = PAIR_FAULTS[fault]
    broken = request()
    change(broken)
    (tmp_path / "x.json").write_text(json_format.MessageToJson(broken))

    with pytest.raises(InvalidReference) as caught:
        read_pairs(tmp_path / "x.json")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "content", ["{", "[]", '"x"', '{"resourceMetrics": 5}', '{"resourceMetrics": [{}]}', "[" * 10**5]
)
def test_no_json_of_otlp_is_refused(content: str, tmp_path: Path) -> None:
    """Whatever it is instead: one error class."""
    (tmp_path / "x.json").write_text(content)

    with pytest.raises(InvalidReference, match="must be OTLP JSON, an ExportMetricsServiceRequest"):
        read_pairs(tmp_path / "x.json")


def test_values_are_read_as_protobuf_reads_them(tmp_path: Path) -> None:
    """Whole thresholds, as another writer may put them, are strings in JSON."""
    document = json.loads(GOLDEN.read_text("utf-8"))
    for each in document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
        for point in each.get("gauge", {}).get("dataPoints", ()):
            for pair in point["attributes"]:
                if pair["key"] == "ml.pair.thresholds":
                    pair["value"] = {"arrayValue": {"values": [{"intValue": "52"}, {"doubleValue": 1}]}}
    (tmp_path / "x.json").write_text(json.dumps(document))

    assert {pair.thresholds for pair in read_pairs(tmp_path / "x.json").pairs.values()} == {(52.0, 1.0)}


def test_the_format_needs_no_arrow_and_servers_load_it_only_with_a_reference() -> None:
    """The processor runs without pyarrow's start-up, and a model server without that of the parser."""
    code = (
        "import sys, driftline.export.pipeline\n"
        "loaded = [name for name in sys.modules if name.startswith('driftline.reference')]\n"
        "assert not loaded, loaded\n"
        "import driftline.reference.pairs\n"
        "assert 'driftline.reference.profile' not in sys.modules\n"
        "import driftline.reference.read\n"
        "loaded = {'pyarrow', 'pandas', 'driftline.profiling'} & sys.modules.keys()\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
