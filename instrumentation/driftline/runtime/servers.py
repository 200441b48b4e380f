"""Servers that end without their handlers at exit: uvicorn raises the signal again that asked it to stop."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any


def flushing(shutdown: Callable[..., Any], flush: Callable[[], object]) -> Callable[..., Any]:
    """`uvicorn.Server.shutdown` that flushes when the last request has been answered."""

    @functools.wraps(shutdown)
    async def stop(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await shutdown(self, *args, **kwargs)
        finally:
            await asyncio.to_thread(flush)

    return stop
