"""A configuration file: a configuration that can be shown, or ConfigError with its problems."""

from driftline_processor.config import ConfigError, config_warnings, effective_yaml, exposed, parse_config


def enter(data: bytes) -> None:
    try:
        config = parse_config(data.decode("utf-8", "replace"), {})
    except ConfigError as error:
        problems = error.problems
    else:
        problems = ("none",)
        effective_yaml(config)
        config_warnings(config)
        exposed(config)
    assert problems
    assert all(problems)
