"""What a user writes in processor.yaml. Every key has a default; an error names the key, the rule and the value."""

from driftline_processor.config.models import Config, Export, Queue, Snapshot, Telemetry, VerdictConfig, WindowConfig
from driftline_processor.config.reading import ConfigError, load, read_text
from driftline_processor.config.rules import warnings
from driftline_processor.config.table import effective, table

__all__ = [
    "Config",
    "ConfigError",
    "Export",
    "Queue",
    "Snapshot",
    "Telemetry",
    "VerdictConfig",
    "WindowConfig",
    "effective",
    "load",
    "read_text",
    "table",
    "warnings",
]
