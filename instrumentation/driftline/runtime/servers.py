"""Servers that skip their exit handlers: uvicorn re-raises the signal that stopped it, so `atexit` never runs."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any


def flush_on_shutdown(shutdown: Callable[..., Any], flush: Callable[[], object]) -> Callable[..., Any]:
    """Wrap `uvicorn.Server.shutdown` to flush once the last request has been answered."""

    @functools.wraps(shutdown)
    async def stop(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await shutdown(self, *args, **kwargs)
        finally:
            await asyncio.to_thread(flush)

    return stop
