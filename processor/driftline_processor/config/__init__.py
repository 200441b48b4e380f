"""The configuration of the processor: processor.yaml and the OTLP environment variables → a validated Config.

Every key has a default; an error names the key, the rule and the value. Imports of the processor only `limits`.
"""

from driftline_processor.config.models import (
    Config,
    ExportConfig,
    HistoryConfig,
    HttpConfig,
    LimitsConfig,
    QueueConfig,
    ReceiveConfig,
    SnapshotConfig,
    TelemetryConfig,
    TenantConfig,
    VerdictConfig,
    WindowConfig,
    split_address,
)
from driftline_processor.config.reading import ConfigError, load_config, parse_config
from driftline_processor.config.rules import config_warnings, exposed, is_local, page_exposed
from driftline_processor.config.secrets import masked_url
from driftline_processor.config.table import config_keys, effective_yaml

__all__ = [
    "Config",
    "ConfigError",
    "ExportConfig",
    "HistoryConfig",
    "HttpConfig",
    "LimitsConfig",
    "QueueConfig",
    "ReceiveConfig",
    "SnapshotConfig",
    "TelemetryConfig",
    "TenantConfig",
    "VerdictConfig",
    "WindowConfig",
    "config_keys",
    "config_warnings",
    "effective_yaml",
    "exposed",
    "is_local",
    "load_config",
    "masked_url",
    "page_exposed",
    "parse_config",
    "split_address",
]
