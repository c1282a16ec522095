"""Routes of every kind and with no meaning, to try the web part with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from server.access import Action
from server.db.unit import Unit
from server.errors import ServiceError
from server.web.http import Ask, Empty, FileAnswer, Message, Route, Upload
from server.web.login import Audience, NewLogin

SMALL_FILE = Upload(1000, ("image/png", "image/jpeg"))


class Words(Message):
    """A body with a value of every kind."""

    word: str
    number: int = 0
    several: list[str] = Field(default_factory=list)
    anything: dict[str, Any] = Field(default_factory=dict)


class Ordinal(Message):
    """Which time it is that something was done."""

    time: int


class Heard(Message):
    """Who asked, and how much they sent."""

    who: str
    length: int
    address: str


@dataclass
class Trial:
    """Keeps what the routes did; `hold` makes the keyed one wait in its unit."""

    effects: list[str] = field(default_factory=list)
    refuse_next: bool = False

    async def echo(self, ask: Ask[Words]) -> Words:
        return ask.said

    async def twice(self, ask: Ask[Words]) -> Ordinal:
        async def work(unit: Unit) -> Ordinal:
            await asyncio.sleep(0)
            if self.refuse_next:
                self.refuse_next = False
                raise ServiceError("ticket.gone")
            self.effects.append(ask.said.word)
            unit.notify("room", "queue.changed", {})
            return Ordinal(time=len(self.effects))

        return await ask.command(work)

    async def crash(self, _ask: Ask[Empty]) -> Empty:
        raise ZeroDivisionError("secret detail")

    async def refuse(self, _ask: Ask[Empty]) -> Empty:
        raise ServiceError("field.stale", field="months_paid", yours=1, theirs=2)

    async def nothing(self, _ask: Ask[Empty]) -> None:
        return None

    async def take_file(self, ask: Ask[Empty]) -> Heard:
        return Heard(who=ask.media_type, length=len(ask.content), address=ask.address)

    async def give_file(self, _ask: Ask[Empty]) -> FileAnswer:
        return FileAnswer(b"%PDF-1.7", "application/pdf", '证明"\r\nX: y.pdf')

    async def who(self, ask: Ask[Empty]) -> Heard:
        name = ask.maybe_actor.id if ask.maybe_actor else "nobody"
        return Heard(who=name, length=len(ask.path.get("thing", "")), address=ask.address)

    async def sign_in(self, ask: Ask[Empty]) -> Empty:
        ask.login = NewLogin(Audience.CITIZEN, "t0ken", 60)
        return Empty()

    def routes(self) -> list[Route[Any]]:
        act, read = Action.OPEN_CASE, Action.READ_ME
        anyone, device, citizen = Audience.ANYONE, Audience.DEVICE, Audience.CITIZEN
        facing, own = Action.READ_FACING, Action.READ_OWN_CASE
        return [
            Route("POST", "/api/echo", None, Words, self.echo, Words, "Say it again"),
            Route("GET", "/api/echo", None, Words, self.echo, Words, "Say it again"),
            Route("POST", "/api/once", act, Words, self.twice, Ordinal, "Once a key", keyed=True),
            Route("POST", "/api/each", act, Words, self.twice, Ordinal, "Each time"),
            Route("POST", "/api/crash", None, Empty, self.crash, Empty, "Crash"),
            Route("POST", "/api/refusal", None, Empty, self.refuse, Empty, "Refuse"),
            Route("GET", "/api/nothing", None, Empty, self.nothing, Empty, "?", nullable=True),
            Route("POST", "/api/file", None, Empty, self.take_file, Heard, "?", upload=SMALL_FILE),
            Route("GET", "/api/file", None, Empty, self.give_file, None, "A file"),
            Route("GET", "/api/who", read, Empty, self.who, Heard, "Who asks"),
            Route("GET", "/api/things/{thing}", None, Empty, self.who, Heard, "A thing"),
            Route("GET", "/api/anyone", None, Empty, self.who, Heard, "?", audience=anyone),
            Route("GET", "/api/facing", facing, Empty, self.who, Heard, "?", audience=device),
            Route("GET", "/api/citizen/case", own, Empty, self.who, Heard, "?", audience=citizen),
            Route("POST", "/api/citizen/login", None, Empty, self.sign_in, Empty, "Sign in"),
            Route("POST", "/api/rare", None, Empty, self.nothing, Empty, "?", rate="pick_up"),
        ]
