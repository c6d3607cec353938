"""Working while the store is asked: what needs no answer need not wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Found = TypeVar("Found")
Made = TypeVar("Made")


async def meanwhile(asking: Coroutine[Any, Any, Found], work: Callable[[], Made]) -> tuple[Found, Made]:
    """The answer, and what `work` made after the question was on its way. Where either fails, the question is over when
    this is; where nobody waits any more, it is broken off.
    """
    question = asyncio.create_task(asking)
    try:
        await asyncio.sleep(0)
        made = work()
        return await question, made
    except Exception:
        await asyncio.gather(question, return_exceptions=True)
        raise
    except BaseException:
        question.cancel()
        await asyncio.gather(question, return_exceptions=True)
        raise
