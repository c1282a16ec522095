"""Signing in and out over HTTP."""

from __future__ import annotations

from typing import Any

from server.access import Action, authorize
from server.staff.messages import Me, SignIn
from server.staff.rules import LOGIN_LIVES
from server.staff.service import StaffService
from server.web.http import Ask, Empty, Route
from server.web.login import Audience, NewLogin


def routes(service: StaffService) -> list[Route[Any]]:
    """Return the routes of staff."""

    async def sign_in(ask: Ask[SignIn]) -> Me:
        before = ask.maybe_actor.login_id if ask.maybe_actor else None
        token, login = await service.sign_in(ask.said.name, ask.said.password, replacing=before)
        ask.login = NewLogin(Audience.STAFF, token, int(LOGIN_LIVES.total_seconds()))
        return await service.me(login.id)

    async def sign_out(ask: Ask[Empty]) -> Empty:
        authorize(ask.actor, Action.SIGN_OUT)
        await service.sign_out(ask.actor.login_id)
        ask.login = NewLogin(Audience.STAFF, "", 0)
        return Empty()

    async def read_me(ask: Ask[Empty]) -> Me:
        authorize(ask.actor, Action.READ_ME)
        return await service.me(ask.actor.login_id)

    return [
        Route("POST", "/api/login", None, SignIn, sign_in, Me, "Sign a clerk in", rate="sign_in"),
        Route("POST", "/api/logout", Action.SIGN_OUT, Empty, sign_out, Empty, "End the login"),
        Route("GET", "/api/me", Action.READ_ME, Empty, read_me, Me, "Say who is signed in"),
    ]
