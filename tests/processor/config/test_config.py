"""What may stand in processor.yaml, and how a mistake in it is told."""

from pathlib import Path

import pytest
import yaml

from driftline.sketch.time_units import MINUTE, SECOND
from driftline_processor.config import (
    Config,
    ConfigError,
    config_keys,
    config_warnings,
    effective_yaml,
    exposed,
    load_config,
    parse_config,
)
from driftline_processor.config.durations import format_duration, parse_duration


def problems(text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, environ)
    return caught.value.problems


@pytest.mark.parametrize("text", ["", "# nothing\n", "window:\nexport: {}\n", "{}"])
def test_empty_file_runs(text: str) -> None:
    """An empty file, and one of empty sections, means the defaults."""
    assert parse_config(text, {}) == Config()


def test_absent_file_is_empty(tmp_path: Path) -> None:
    """Without a file the defaults hold; one that is named must be there."""
    assert load_config(None, {}) == Config()

    with pytest.raises(ConfigError, match=r"gone\.yaml: must be a readable text file"):
        load_config(tmp_path / "gone.yaml", {})


def test_issue_example() -> None:
    """The example that users are shown is the default, written out."""
    text = """
    listen: 127.0.0.1:4327
    references: ./references
    store: sqlite:///driftline.db
    window: {size: 5m, step: 1m, lateness: 1m}
    verdict: {tolerance: 0.05, false_alarms: 1, per: 30d}
    export: {endpoint: http://127.0.0.1:4319, protocol: grpc, headers: {}}
    """

    assert parse_config(text, {}) == Config()


def test_every_problem_at_once() -> None:
    """All problems are told together, each with its path, the rule and the value, also those of several keys."""
    text = """
    listen: here
    window: {step: 2m, sise: 5m}
    verdict: {tolerance: 1.5, per: 1x}
    export: {endpoint: "collector:4317"}
    shutdown: true
    """

    assert problems(text) == (
        "listen: must be host:port, such as 127.0.0.1:4327 or [::1]:4327 (got here)",
        "window.sise: unknown key; expected one of: size, step, lateness, retention",
        "verdict.tolerance: must be less than 1 (got 1.5)",
        "verdict.per: must be a duration such as 90s, 5m, 1h30m or 30d, or a number of seconds (got 1x)",
        "export.endpoint: must be a URL starting with http:// or https:// (got collector:4317)",
        "shutdown: must be a duration such as 90s, 5m, 1h30m or 30d, or a number of seconds (got True)",
        "window.step: must divide window.size (got 2m, size 5m)",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("window: {size: 0s}", "window.size: must be greater than 0 (got 0s)"),
        ("window: {lateness: -1m}", "window.lateness: must be greater than or equal to 0 (got -1m)"),
        ("window: {size: 1d, step: 1s}", "window.step: must be at least 1m, a 1440th of window.size (got 1s)"),
        ("verdict: {per: 1m}", "verdict.per: must be at least window.size (got 1m, size 5m)"),
        ("verdict: {tolerance: 0}", "verdict.tolerance: must be greater than 0 (got 0)"),
        ("store: nowhere", "store: must be an SQLAlchemy URL, such as sqlite:///driftline.db (got nowhere)"),
        (
            "store: foo://u:secret@h/d",
            (
                "store: must name a database dialect known to SQLAlchemy "
                "(Can't load plugin: sqlalchemy.dialects:foo) (got foo://u:***@h/d)"
            ),
        ),
        *(
            (f"store: {url}", f"store: must be SQLite or PostgreSQL, by a driver that is not asynchronous (got {url})")
            for url in ("mysql+pymysql://h/d", "postgresql+asyncpg://h/d")
        ),
        ("export: {client_key: /dev/null}", "export.client_key: must be set together with export.client_certificate"),
        (
            "export: {certificate: /nowhere/ca.pem}",
            "export.certificate: must be a readable file (No such file or directory) (got /nowhere/ca.pem)",
        ),
        (
            "export: {endpoint: 'http://[::1]:4327'}",
            "export.endpoint: must not be the processor's own address (got http://[::1]:4327, listen 127.0.0.1:4327)",
        ),
        ("export: [1]", "export: must be a mapping of keys to values (got [1])"),
        ("[1, 2]", "must be a mapping of keys to values (got list)"),
        ("listen: '::1:4327'", "listen: must have an IPv6 host in brackets, such as [::1]:4327 (got ::1:4327)"),
    ],
)
def test_problem(text: str, problem: str) -> None:
    """A mistake is named by its key, the rule that it breaks, and its value."""
    assert problems(text) == (problem,)


def test_yaml_error_has_a_place() -> None:
    """What is no YAML at all is told with its line."""
    (problem,) = problems("window: {size: 5m")

    assert problem.startswith("must be YAML: ")
    assert "line 1" in problem


ENVIRONMENT = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://all.example",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "https://metrics.example",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_EXPORTER_OTLP_HEADERS": "x-key=s3cret, x-team=ml%20ops",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2.5",
    "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    "OTEL_EXPORTER_OTLP_CERTIFICATE": "",
}


def test_environment_fills_what_the_file_leaves_open() -> None:
    """The standard variables apply, those for metrics first, an empty one not at all."""
    export = parse_config("", ENVIRONMENT).export

    assert (export.endpoint, export.protocol, export.compression) == ("https://metrics.example", "http", "none")
    assert export.timeout == 2.5 * SECOND
    assert export.certificate is None
    assert {key: value.get_secret_value() for key, value in export.headers.items()} == {
        "x-key": "s3cret",
        "x-team": "ml ops",
    }


def test_file_beats_environment() -> None:
    """What the file says holds, also where it says the default."""
    export = parse_config(
        "export: {endpoint: 'http://127.0.0.1:4319', protocol: grpc, headers: {}}", ENVIRONMENT
    ).export

    assert (export.endpoint, export.protocol, export.headers) == ("http://127.0.0.1:4319", "grpc", {})


def test_problem_in_the_environment_names_the_variable() -> None:
    """A wrong value that the file does not hold is told with where it comes from."""
    assert problems("", OTEL_EXPORTER_OTLP_COMPRESSION="zip") == (
        "export.compression: must be 'gzip' or 'none' (got zip from OTEL_EXPORTER_OTLP_COMPRESSION)",
    )


def test_secrets_stay_secret() -> None:
    """Neither the configuration's text nor a problem shows a header's value or a database's password."""
    text = "export: {headers: {authorization: s3cret}}\nstore: postgresql://u:s3cret@h/d"
    config = parse_config(text, {})

    assert "s3cret" not in repr(config.export) + effective_yaml(config)
    assert "authorization" in effective_yaml(config)
    assert "s3cret" not in "".join(problems("export: {headers: {authorization: [s3cret]}}"))


def test_effective_reads_back() -> None:
    """What is printed as in force is a file that means the same."""
    config = parse_config("window: {size: 1h, step: 90s, lateness: 0.5}\nqueue: {requests: 7}", {})

    assert parse_config(effective_yaml(config), {}) == config


@pytest.mark.parametrize("address", ["127.0.0.1:4327", "localhost:0", "[::1]:4327"])
def test_loopback_is_no_warning(address: str) -> None:
    """Only an address that others can reach is warned of."""
    assert config_warnings(parse_config(f"listen: '{address}'", {})) == ()


ANYBODY = "listen: anybody who reaches 0.0.0.0:4327 may send: set receive.tokens or receive.client_ca"


@pytest.mark.parametrize(
    ("receive", "warnings"),
    [
        ("insecure: true", (ANYBODY,)),
        ("certificate: F, key: F", (ANYBODY,)),
        ("tokens: F", ("listen: 0.0.0.0:4327 gets tokens and values in the clear: set receive.certificate",)),
        ("tokens: F, certificate: F, key: F", ()),
        ("client_ca: F, certificate: F, key: F", ()),
    ],
)
def test_an_open_address(receive: str, warnings: tuple[str, ...], tmp_path: Path) -> None:
    """Listening for everybody must be meant; what it still lacks is told."""
    (tmp_path / "f").touch()
    written = receive.replace("F", str(tmp_path / "f"))
    config = parse_config(f"listen: 0.0.0.0:4327\nreceive: {{{written}}}", {})

    assert exposed(config) is None
    assert config_warnings(config) == warnings


@pytest.mark.parametrize("address", ["0.0.0.0:4327", "[::]:4327", "192.168.0.7:4327", "model.example:4327"])
def test_an_open_address_without_a_word(address: str) -> None:
    """It is an error of the configuration."""
    assert exposed(parse_config(f"listen: '{address}'", {})) == (
        f"listen: {address} is reachable from other machines, without TLS or tokens: "
        "set receive.certificate or receive.tokens, or receive.insecure: true"
    )


@pytest.mark.parametrize(
    ("receive", "problem"),
    [
        ("certificate: F", "receive.key: must be set together with receive.certificate"),
        ("key: F", "receive.key: must be set together with receive.certificate"),
        ("client_ca: F", "receive.client_ca: needs receive.certificate and receive.key"),
        ("tokens: G", "receive.tokens: must be a readable file (No such file or directory) (got G)"),
    ],
)
def test_receiving_by_halves(receive: str, problem: str, tmp_path: Path) -> None:
    """Certificate and key belong together; files must be there."""
    (tmp_path / "f").touch()
    with pytest.raises(ConfigError) as error:
        parse_config(f"receive: {{{receive.replace('F', str(tmp_path / 'f'))}}}", {})

    assert error.value.problems == (problem,)


def test_every_key_has_a_default_and_a_meaning() -> None:
    """The documentation's table is made from the models: every key, its default, its meaning."""
    keys = list(config_keys())

    assert ("window.size", "5m", "Length of the sliding window") in keys
    assert all(key.meaning and "None" not in "".join(key) for key in keys)
    names = [key.name for key in keys]
    assert {name.partition(".")[0] for name in names} == set(Config.model_fields)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("90s", 90 * SECOND),
        ("5m", 5 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("30d", 30 * 24 * 60 * MINUTE),
        ("1w", 7 * 24 * 60 * MINUTE),
        ("1.5s", 3 * SECOND // 2),
        ("250ms", SECOND // 4),
        (" 5m ", 5 * MINUTE),
        (90, 90 * SECOND),
        (0.5, SECOND // 2),
        ("-1m", -MINUTE),
    ],
)
def test_duration(text: object, nanoseconds: int) -> None:
    """Durations are read as people write them, and written so that they read the same."""
    assert parse_duration(text) == nanoseconds
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "5M", "1h-30m", "５m", True, None, [], float("nan"), 1e300])
def test_no_duration(text: object) -> None:
    """Anything else is an error, not a guess."""
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(text)


def test_tolerances_of_columns() -> None:
    """By name or pattern, in the order in which they are written, and shown so; names may look like numbers."""
    config = parse_config("verdict: {tolerances: {'fraud*': 0.001, 7: 0.2, '*': 0.1}}", {})

    assert list(config.verdict.tolerances.items()) == [("fraud*", 0.001), ("7", 0.2), ("*", 0.1)]
    assert "  tolerances:\n    fraud*: 0.001\n    '7': 0.2\n    '*': 0.1\n" in effective_yaml(config)
    assert parse_config("verdict:\n  tolerances:\n", {}).verdict.tolerances == {}


def test_declared_segments_of_models() -> None:
    """By name or pattern; one is a list of one. What is no condition is told before anything starts."""
    config = parse_config("segments: {declared: {'churn*': [region, age >= 65 and plan == 'gold'], m: x > 1}}", {})
    assert config.segments.declared == {"churn*": ("region", "age >= 65 and plan == 'gold'"), "m": ("x > 1",)}
    assert parse_config("segments:\n  declared:\n", {}).segments.declared == {}
    (problem,) = problems("segments: {declared: {m: ['age >= ', region]}}")
    assert problem.startswith("segments.declared: must be a condition on columns")


def test_wrong_tolerances_of_columns_are_told() -> None:
    """With the pattern, the rule and the value, all at once."""
    found = problems("verdict: {tolerances: {'a*': 2, b: 0, c: lots, d: [1], e: .nan}}")

    assert "verdict.tolerances.a*: must be less than 1 (got 2)" in found
    assert "verdict.tolerances.b: must be greater than 0 (got 0)" in found
    assert any(each.startswith("verdict.tolerances.c: must be a valid number") for each in found)
    assert len(found) == 5
    assert problems("verdict: {tolerances: {'': 0.1}}") == (
        "verdict.tolerances: must be by names of columns, or patterns of names (got {'': 0.1})",
    )
    assert problems("verdict: {tolerances: [0.1]}") == ("verdict.tolerances: must be a valid dictionary (got [0.1])",)


NAME = "must be a name of letters, digits, `_`, `.` and `-`, 63 at most"


@pytest.mark.parametrize(
    ("tenants", "problem"),
    [
        ("{a: }", "tenants: a must have tokens or certificates, by which its senders are known"),
        ("{a: {certificates: [x]}}", "tenants: certificates of a need receive.client_ca"),
        ("[1]", "tenants: must be by names of tenants (got [1])"),
        ("{a: 3}", "tenants.a: must be a mapping of keys to values (got 3)"),
        (
            "{a b: {tokens: F}}",
            "tenants.a b: must be a name of letters, digits, `_`, `.` and `-`, 63 at most (got a b)",
        ),
        ("{'': {tokens: F}}", f"tenants.: {NAME} (got )"),
        ("{a: {tokens: G}}", "tenants.a.tokens: must be a readable file (No such file or directory) (got G)"),
        ("{a: {tokens: F, certificates: x}}", "tenants.a.certificates: must be a list of names (got x)"),
        (
            "{a: {tokens: F, token: x}}",
            "tenants.a.token: unknown key; expected one of: tokens, certificates, references, export",
        ),
        (
            "{a: {tokens: F, export: {headers: {k: [s3cret]}}}}",
            "tenants.a.export.headers.k: must be a valid string (got ****)",
        ),
        (
            "{a: {tokens: F, export: [headers: {k: s3cret}]}}",
            "tenants.a.export: must be a mapping of keys to values (got ****)",
        ),
        (
            "{a: {tokens: F, export: {client_key: F}}}",
            "tenants: a must set export.client_key together with export.client_certificate",
        ),
        (
            "{a: {tokens: F, export: {endpoint: 'http://[::1]:4327'}}}",
            "export.endpoint: must not be the processor's own address (got http://[::1]:4327, listen 127.0.0.1:4327)",
        ),
    ],
)
def test_a_problem_with_tenants(tenants: str, problem: str, tmp_path: Path) -> None:
    """Each is named by its place, without a secret."""
    (tmp_path / "f").write_text("x")
    with pytest.raises(ConfigError) as caught:
        parse_config(f"tenants: {tenants.replace('F', str(tmp_path / 'f'))}", {})

    assert caught.value.problems == (problem,)


def test_a_certificate_of_two_tenants(tmp_path: Path) -> None:
    """It cannot tell whose a sender is."""
    (tmp_path / "f").write_text("x")
    file = tmp_path / "f"
    text = f"""
receive: {{certificate: {file}, key: {file}, client_ca: {file}}}
tenants: {{a: {{certificates: [x, y]}}, b: {{certificates: [y]}}}}
"""
    with pytest.raises(ConfigError, match=r"^tenants: 'y' must be a certificate of one tenant \(got a and b\)$"):
        parse_config(text, {})


def test_what_a_tenant_takes_from_the_rest(tmp_path: Path) -> None:
    """Its folder is below that of all, and its results go where all go; our headers go to no other endpoint."""
    file = tmp_path / "f"
    file.write_text("x")
    config = parse_config(
        f"""
listen: 0.0.0.0:4327
references: profiles
export:
  {{endpoint: "https://all:4317", headers: {{k: s3cret}}, client_key: {file}, client_certificate: {file}, timeout: 3s}}
tenants:
  acme: {{tokens: {file}}}
  globex: {{tokens: {file}, references: elsewhere, export: {{headers: {{x-scope-orgid: gl0bex}}}}}}
  initech: {{tokens: {file}, export: {{endpoint: "https://initech:4317"}}}}
""",
        {},
    )
    acme, globex, initech = (config.export_of(name) for name in config.tenants)

    assert [config.references_of(name) for name in ("", *config.tenants)] == [
        Path(text) for text in ("profiles", "profiles/acme", "elsewhere", "profiles/initech")
    ]
    assert acme == config.export
    assert (globex.endpoint, globex.client_key, list(globex.headers)) == ("https://all:4317", file, ["x-scope-orgid"])
    assert (initech.headers, initech.client_key, initech.client_certificate) == ({}, None, None)
    assert (initech.endpoint, initech.timeout) == ("https://initech:4317", 3 * SECOND)
    assert exposed(config) is None
    shown = yaml.safe_load(effective_yaml(config))["tenants"]
    assert shown["globex"]["export"]["headers"] == {"x-scope-orgid": "****"}
    assert (shown["acme"]["references"], shown["acme"]["export"]) == ("profiles/acme", None)
