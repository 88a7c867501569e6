"""Calls that last are looked at again: who was let in may have been shut out since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import grpc
from grpc_status import rpc_status

from music.errors import Unauthenticated, Unavailable
from wire.errors import to_status

INTERVAL_S: Final = 2.0


def watched(handler: Any, check: Callable[[], Awaitable[object]], every_s: float = INTERVAL_S) -> Any:
    """A handler that answers with a stream, and whose call ends as `check` says once that raises Unauthenticated.

    The handler is cancelled, as it is when its caller goes away.
    """

    async def answer(asked: Any, context: Any) -> AsyncGenerator[Any, None]:
        behave: Callable[[Any, Any], AsyncIterator[Any]] = (
            handler.stream_stream if handler.request_streaming else handler.unary_stream
        )
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - gRPC runs each call in a task of its own
        watch = asyncio.create_task(_shut_out(task, check, every_s))
        try:
            async for response in behave(asked, context):
                yield response
        except asyncio.CancelledError:
            error = watch.result() if watch.done() and not watch.cancelled() else None
            if error is None:
                raise
            task.uncancel()
            await context.abort_with_status(rpc_status.to_status(to_status(error)))
        finally:
            watch.cancel()

    make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
    return make(answer, handler.request_deserializer, handler.response_serializer)


async def _shut_out(call: asyncio.Task[Any], check: Callable[[], Awaitable[object]], every_s: float) -> Unauthenticated:
    """Returns once the call is cancelled because of what `check` raised."""
    while True:
        await asyncio.sleep(every_s)
        try:
            # While the bus is away nobody new is let in, and who is in stays.
            with suppress(Unavailable):
                await check()
        except Unauthenticated as error:
            call.cancel()
            return error
