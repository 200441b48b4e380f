"""What becomes of a request of any signal, once the port has it."""

from driftline_processor.decode import Malformed, OtlpSignal, TooLarge, decode_request
from driftline_processor.engine.engine_settings import EngineSettings
from driftline_processor.engine.tenant_engines import TenantEngines
from driftline_processor.limits import LIMITS
from driftline_processor.service.compression import inflated

SECOND = 10**9
NOW = 1_800_000_060 * SECOND
SETTINGS = EngineSettings(10 * SECOND, 5 * SECOND, SECOND, 0.05, 1.0, 86_400 * SECOND)


def taken(signal: OtlpSignal, data: bytes) -> None:
    """As the receiver and the worker take it."""
    try:
        _, batch = decode_request(signal, inflated(data, LIMITS.request), LIMITS, "acme")
    except (Malformed, TooLarge):
        return
    assert all(items >= 1 and reason for items, reason in batch.rejections)
    engines = TenantEngines.of(["acme"], SETTINGS)
    engines.observe("acme", batch, NOW)
    engines.advance(NOW + 3600 * SECOND, 100)
    restored = TenantEngines.of(["acme"], SETTINGS)
    states = [state for state in engines.snapshot().values() if state is not None]
    restored.restore("acme", states, NOW)
    assert restored.rows() == engines.rows()
    assert all(rows >= 0 for rows in engines.rows().values())
