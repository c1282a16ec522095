"""Users of the TURN servers, each for one call or leg, one seat and ten minutes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from server.db.unit import Clock
from server.relays.messages import IceServer

# Long enough to connect; a connection that stands goes on without being asked again.
USER_LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class TurnServers:
    """Makes users that the TURN servers can check without asking us.

    By "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00), which coturn
    calls use-auth-secret: the name begins with the second at which it runs out, and the password
    is its HMAC-SHA1 under the secret we share.
    """

    urls: Sequence[str]
    secret: str
    clock: Clock

    def __call__(self, call_or_leg: str, seat: str) -> Sequence[IceServer]:
        """Return the servers with a fresh user; none where none are set."""
        if not self.urls:
            return ()
        expires = int((self.clock() + USER_LASTS).timestamp())
        name = f"{expires}:{call_or_leg}:{seat}"
        digest = hmac.digest(self.secret.encode(), name.encode(), hashlib.sha1)
        password = base64.b64encode(digest).decode("ascii")
        return (IceServer(urls=list(self.urls), username=name, credential=password),)
