"""Settings."""

import logging
from dataclasses import fields

import pytest

from driftline.settings import HASHED, HIDDEN, SHOWN, Settings


def test_defaults_need_nothing() -> None:
    """Without environment and keywords every field has its default."""
    assert Settings.read({}) == Settings()


def test_keywords_come_before_the_environment() -> None:
    """A keyword wins; None means that it was not given."""
    environ = {"DRIFTLINE_MODEL_NAME": "environment", "DRIFTLINE_SPAN_ROWS": "3"}

    assert Settings.read(environ, model_name="keyword").model_name == "keyword"
    assert Settings.read(environ, model_name=None).model_name == "environment"
    assert Settings.read(environ).span_rows == 3


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_every_field_has_a_variable_and_a_meaning(field: object) -> None:
    """The configuration table is made from these."""
    metadata = field.metadata  # type: ignore[attr-defined]

    assert metadata["variable"] == f"DRIFTLINE_{field.name.upper()}"  # type: ignore[attr-defined]
    assert metadata["meaning"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"capture": "some"}, "capture: must be one of all, outputs, none (got 'some')"),
        ({"span_rows": 0}, "span_rows: must be at least 1 (got 0)"),
        ({"span_bytes": "many"}, "span_bytes: invalid literal"),
        ({"model_name": " "}, "model_name: must be a non-empty string (got ' ')"),
    ],
)
def test_a_wrong_keyword_is_an_error(given: dict[str, object], message: str) -> None:
    """The error names the keyword, the rule and the value."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        Settings.read({}, **given)


def test_an_unknown_keyword_is_an_error() -> None:
    """The error lists what there is."""
    with pytest.raises(TypeError, match=r"unknown settings \['colour'\]: choose from \['buffer_bytes'"):
        Settings.read({}, colour="red")


def test_a_wrong_variable_is_logged_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """A server starts, with the default."""
    with caplog.at_level(logging.WARNING):
        settings = Settings.read({"DRIFTLINE_SPAN_ROWS": "-1"})

    assert settings.span_rows == Settings().span_rows
    assert "DRIFTLINE_SPAN_ROWS: must be at least 1 (got '-1'); using 8" in caplog.text


def test_a_mistyped_privacy_switch_shows_nothing() -> None:
    """DRIFTLINE_CAPTURE that is not understood is none, not all."""
    assert Settings.read({"DRIFTLINE_CAPTURE": "nothing"}).capture == "none"


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        (Settings(), SHOWN),
        (Settings(capture="outputs"), HIDDEN),
        (Settings(capture="none"), HIDDEN),
        (Settings(exclude=("inc*",)), HIDDEN),
        (Settings(hash=("income",)), HASHED),
        (Settings(include=("income", "age")), SHOWN),
        (Settings(include=("age",)), HIDDEN),
        (Settings(include=("age",), hash=("income",)), HASHED),
        (Settings(include=("income",), exclude=("income",)), HIDDEN),
        (Settings(capture="none", include=("income",)), HIDDEN),
    ],
)
def test_what_may_be_said_of_a_feature(settings: Settings, shown: object) -> None:
    """Capture before exclude before hash before include."""
    assert settings.redaction("income") is shown


def test_lists_are_separated_by_commas() -> None:
    """As other OpenTelemetry variables."""
    assert Settings.read({"DRIFTLINE_EXCLUDE": " name, e*mail ,"}).exclude == ("name", "e*mail")
