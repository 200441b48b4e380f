"""Credentials in URLs are never shown."""

import pytest

from driftline_processor.config import masked_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://u:s3cret@db:5432/d", "postgresql+psycopg://u:***@db:5432/d"),
        ("postgresql+psycopg://u:s3/cr?et@db/d", "postgresql+psycopg://u:***@db/d"),
        (
            "postgresql+psycopg://db/d?user=u&password=s3cret&sslmode=on",
            "postgresql+psycopg://db/d?user=u&password=***&sslmode=on",
        ),
        ("postgresql://db/d?sslpassword=s3cret", "postgresql://db/d?sslpassword=***"),
        ("https://key:s3cret@api.example.com:4318/otlp", "https://key:***@api.example.com:4318/otlp"),
        ("https://api.example.com/otlp?api_key=s3cret#x", "https://api.example.com/otlp?api_key=***#x"),
        ("https://api.example.com/?Access-Token=s3cret", "https://api.example.com/?Access-Token=***"),
        ("http://127.0.0.1:4317", "http://127.0.0.1:4317"),
        ("sqlite:///driftline.db", "sqlite:///driftline.db"),
        ("sqlite://", "sqlite://"),
        ("127.0.0.1:4317", "127.0.0.1:4317"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    """Everything but passwords, and parameters named like secrets."""
    assert masked_url(url) == shown
