"""What goes over the wire about staff."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple

from pydantic import Field

from server.access import Role
from server.staff import models
from server.staff.rules import PASSWORD_LENGTH_MOST
from server.web.http import Message

NAME_LENGTH_MOST = 64


class SignIn(Message):
    """A clerk's name and password."""

    name: Annotated[str, Field(max_length=NAME_LENGTH_MOST)]
    password: Annotated[str, Field(max_length=PASSWORD_LENGTH_MOST)]


class PlaceNames(NamedTuple):
    """What people call a region, a hall and a counter."""

    region: str
    hall: str
    counter: str


class Clerk(Message):
    """A clerk as they see themselves; `items` empty means every item."""

    id: str
    name: str
    display_name: str
    region: str
    region_name: str
    hall: str
    hall_name: str
    counter: str
    counter_name: str
    roles: list[Role]
    items: list[str]


class Me(Message):
    """Who is signed in, until when at the latest, and what time the service goes by."""

    clerk: Clerk
    expires_at: datetime
    server_time: datetime


def describe_clerk(clerk: models.Clerk, names: PlaceNames) -> Clerk:
    """Return a clerk's account without what only the service needs."""
    return Clerk(
        id=clerk.id,
        name=clerk.name,
        display_name=clerk.display_name,
        region=clerk.region,
        region_name=names.region,
        hall=clerk.hall,
        hall_name=names.hall,
        counter=clerk.counter,
        counter_name=names.counter,
        roles=[Role(role) for role in clerk.roles],
        items=clerk.items,
    )
