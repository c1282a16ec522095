"""What is done now and then and belongs to no domain."""

from __future__ import annotations

import asyncio

import structlog

from server.citizens.service import Citizens
from server.db.replies import forget_old
from server.db.unit import Units
from server.staff.service import StaffService
from server.web.socket import Hub

log = structlog.get_logger("kuayu.chores")

LOGINS_EVERY = 1.5
DAY = 86_400.0


async def end_logins(hub: Hub, staff: StaffService, citizens: Citizens) -> None:
    """Drop the sockets of logins that ended, on whichever process, within two seconds."""
    while True:
        await asyncio.sleep(LOGINS_EVERY)
        try:
            live = hub.logins()
            ended = await staff.ended_logins(live) if live else set()
            ended |= await citizens.ended_logins(live) if live else set()
            for login_id in ended:
                await hub.drop_login(login_id)
        except Exception:
            log.exception("crash", worker="logins")


async def forget_replies(units: Units) -> None:
    """Drop the answers kept under old Idempotency-Keys, daily."""
    while True:
        try:
            async with units.open() as unit:
                await forget_old(unit)
        except Exception:
            log.exception("crash", worker="replies")
        await asyncio.sleep(DAY)
