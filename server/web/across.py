"""Redis, over which the rooms of several processes reach each other."""

from __future__ import annotations

from typing import Final

from server.errors import ToldError

SECONDS: Final = 2


async def require_redis(url: str | None) -> None:
    """Refuse to start without the Redis that is set: notices would be lost and nobody be told."""
    if url is not None and (why := await why_redis_is_silent(url)):
        raise ToldError(f"KUAYU_REDIS_URL: expected a Redis that answers; {why}")


async def why_redis_is_silent(url: str) -> str | None:
    """Return what keeps Redis from answering, or None if it answers."""
    try:
        from redis.asyncio import Redis  # noqa: PLC0415 (only who has several processes needs it)
    except ImportError as error:
        return f"{error.name} is not installed: pip install '.[redis]'"
    try:
        async with Redis.from_url(
            url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS
        ) as client:
            await client.ping()
    except Exception as error:  # noqa: BLE001 (whatever keeps it from answering)
        return str(error) or type(error).__name__
    return None
