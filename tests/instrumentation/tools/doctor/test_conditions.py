"""Conditions of filters: true, false, or unknown, as the Collector would judge them."""

import pytest

from driftline.tools.doctor.conditions import holds

ITEM = {
    "metric.name": "ml.pair.rows",
    "name": "ml.pair.rows",
    "resource.attributes": {"ml.dataset.role": None},
    "attributes": {"ml.model.name": "churn"},
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('metric.name == "ml.pair.rows"', True),
        ('name != "ml.pair.rows"', False),
        ('IsMatch(metric.name, "^ml\\\\.pair")', True),
        ('not IsMatch(metric.name, "^ml\\\\.(feature|output)\\\\.")', True),
        ('IsMatch(name, "ml.*") and not IsMatch(name, ".*rows")', False),
        ('HasPrefix(metric.name, "ml.") or metric.name == "x"', True),
        ('HasSuffix(metric.name, ".bytes")', False),
        ('(metric.name == "a" or metric.name == "ml.pair.rows") and true', True),
        ('not (metric.name == "a" or metric.name == "b")', True),
        ('resource.attributes["ml.dataset.role"] != "reference"', True),
        ('resource.attributes["ml.dataset.role"] == nil', True),
        ('attributes["ml.model.name"] == nil', False),
        ("1 > 0", True),
        ("2.5 <= -3", False),
        ("true", True),
        ('resource.attributes["service.name"] == "a"', None),
        ('resource.attributes["service.name"] == "a" and metric.name == "b"', False),
        ('resource.attributes["service.name"] == "a" or metric.name == "ml.pair.rows"', True),
        ('not (resource.attributes["service.name"] == "a")', None),
        ("metric.type == METRIC_DATA_TYPE_SUM", None),
        ('HasAttrOnDatapoint("a", "b")', None),
        ('IsMatch(metric.name, "(")', None),
        ("metric.name > 3", None),
        ("metric.name", None),
        ('metric.name == "unfinished', None),
        ('metric.name == "ml.pair.rows" metric.name', None),
        ("", None),
        ("((", None),
        ("{}", None),
    ],
)
def test_a_condition_is_judged(condition: str, expected: bool | None) -> None:
    """What cannot be known or read is unknown; `and` and `or` know more than their parts."""
    assert holds(condition, ITEM) is expected
