"""The main job from end to end, played between two halls against a running service."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .answers import Data
from .cast import Account, Accounts, Cast, OffScriptError
from .client import Client, fragment_of
from .follow import Follower
from .invented import Inventor
from .leg import Leg
from .pictures import STILL, paper, signature, still
from .receiving import Sources, camera_and_microphone
from .seat import Seat

__all__ = ["Account", "Accounts", "OffScriptError", "Rehearsal", "Stages", "rehearse"]

PATIENCE = 20.0  # Seconds in which anything must have happened; the offer itself lives 20.
ENOUGH_PICTURES = 45  # A second and a half: pictures arrive and go on arriving.
BEST_LEVEL = 5  # 非常满意
LARGE_STREAM = re.compile(rb"stream\r?\n(.{400,}?)endstream", re.DOTALL)


@dataclass(frozen=True)
class Stages:
    """How long everything took, in milliseconds."""

    opened: float  # Case asked for → opened.
    ticket_to_offer: float  # Ticket asked for → offer heard by the agent.
    offer_to_accepted: float  # Offer heard → call begun.
    accepted_to_counter_picture: float  # Call begun → agent's first picture at the counter.
    accepted_to_agent_picture: float  # Call begun → counter's first picture at the agent.
    field_to_other_side: float  # Slowest of the fields: written → read on the other side.
    still_to_agent: float  # Still asked for → filed and known to the agent.
    issue_to_counter: float  # Certificate asked for → its file at the counter.
    held_up: float  # Spent waiting because the service limits how often one asks.
    whole: float  # All of it, signing in to the last look, without `held_up`.


@dataclass(frozen=True)
class Rehearsal:
    """What came of one rehearsal."""

    case_id: str
    case_number: str
    item: str
    certificate_id: str
    certificate_number: str
    check_code: str
    verify_url: str
    pdf: Path
    sha256: str
    topology: str  # Of the call at its end: relay or direct.
    frames: dict[str, int]  # Pictures received: by `counter` and by `agent`.
    stages: Stages

    def as_json(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {**asdict(self), "pdf": str(self.pdf)}


async def rehearse(
    url: str,
    accounts: Accounts,
    folder: Path,
    *,
    item_code: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Rehearsal:
    """Play the main job once and put the certificate's PDF into `folder`.

    Without `item_code` the first item is played that the agent's region is the jurisdiction of.
    Raises OffScriptError when the service answers otherwise than the main job has it, or what an
    act waits for does not happen, Refusal for what it refuses, TimeoutError before the first,
    ServerLostError.
    """
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        cast = await stack.enter_async_context(Cast(url, accounts, tls))
        play = Play(cast, stack)
        await play.open_case(item_code)
        for act in play.acts():
            try:
                await act()
            except TimeoutError as error:
                lacking = f": {error}" if str(error) else ""
                raise OffScriptError(
                    f"expected what {act.__name__!r} waits for{lacking}"
                ) from error
        # What is left to do is leaving; a rehearsal ends with the citizen's last look.
        whole = time.perf_counter() - began - cast.held_up
        return play.result(folder, whole)


def expect(condition: object, what: str) -> None:
    """Raise OffScriptError that says `what` was expected, unless it holds."""
    if not condition:
        raise OffScriptError(f"expected {what}")


def altered(pdf: bytes) -> bytes:
    """Return the PDF with one bit of a page's content changed and its structure whole."""
    streams = list(LARGE_STREAM.finditer(pdf))
    expect(streams, "a PDF with content")
    start, end = streams[0].span(1)
    middle = (start + end) // 2
    return pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :]


class Play:
    """The acts of the main job, in their order."""

    #: What the cameras and microphones of both sides give.
    sources: Sources = staticmethod(camera_and_microphone)

    def __init__(self, cast: Cast, stack: AsyncExitStack) -> None:
        """Begin with an empty stage; `stack` closes what the acts open."""
        self._cast, self._stack = cast, stack
        self._counter, self._agent = cast.counter, cast.agent
        self._took: dict[str, float] = {}
        self._seats: dict[str, Seat] = {}
        self._frames: dict[str, int] = {}
        self._topology = ""

    def acts(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """Return what follows on an open case."""
        return (
            self.bring_materials,
            self.meet,
            self.take_still,
            self.check_and_consent,
            self.fill_in,
            self.issue,
            self.settle,
            self.hand_over,
            self.verify_outside,
            self.hang_up,
            self.rate,
        )

    async def open_case(self, item_code: str | None) -> None:
        """Open a case of the item at the counter, for an invented applicant."""
        agent = (await self._agent.me())["clerk"]
        region = agent["region"]
        self._inventor = Inventor(region, seed=secrets.randbits(32))
        offered = [
            item
            for item in (await self._counter.items())["items"]
            if region in item["jurisdictions"]
            and item_code in {None, item["code"]}
            and (not agent["items"] or item["code"] in agent["items"])
        ]
        expect(offered, f"an item that {region} handles")
        self._item: Data = offered[0]
        began = time.perf_counter()
        self._case = await self._counter.open_case(
            self._item["code"], region, self._inventor.applicant(self._item)
        )
        self._took["opened"] = time.perf_counter() - began
        self._cast.case_id = self._id = self._case["id"]
        self._at_counter = Follower(self._counter, self._id)
        self._at_agent = Follower(self._agent, self._id)
        await self._at_counter.watch()
        await self._write_fields(self._counter, "local", None)

    async def bring_materials(self) -> None:
        """Upload every material that is missing; the ticket is refused until all are there."""
        for number, kind in enumerate(self._case["missing_materials"]):
            page = await asyncio.to_thread(paper, kind, seed=number)
            await self._counter.add_material(self._id, kind, page, "image/jpeg")
        left = (await self._counter.case(self._id))["missing_materials"]
        expect(not left, f"a complete list of materials, without {left}")
        # Drawing eight million pixels takes longer than a clerk takes to press the shutter.
        self._still = await asyncio.to_thread(still, "still")

    async def meet(self) -> None:
        """Take a ticket, hear the offer, accept it, and see each other."""
        clients = {"agent": self._agent, "counter": self._counter}
        legs = {name: await self._leg(client) for name, client in clients.items()}
        await self._agent.set_agent_state("ready")
        asked = time.perf_counter()
        await self._counter.take_ticket(self._id)
        offer = await self._cast.offered(self._id, PATIENCE)
        heard = time.perf_counter()
        call = await self._agent.accept_offer(offer["id"])
        accepted = time.perf_counter()
        self._cast.call_id = self._call_id = call["id"]
        await self._counter.heard("call.started", {"call_id": call["id"]}, PATIENCE)
        await self._at_agent.watch()
        for name, client in clients.items():
            self._seats[name] = seat = Seat(
                client, call["id"], leg=legs[name], sources=self.sources
            )
            self._stack.push_async_callback(seat.leave)
        await asyncio.gather(*(seat.take() for seat in self._seats.values()))
        self._took["ticket_to_offer"] = heard - asked
        self._took["offer_to_accepted"] = accepted - heard
        for name, seat in self._seats.items():
            first = (await seat.see(1, PATIENCE)).first_frame_at
            self._took[f"accepted_to_{name}_picture"] = (first or 0.0) - accepted

    async def _leg(self, client: Client) -> Leg | None:
        """Connect with the relay before there is a call, as who waits does; None without one."""
        leg = Leg(client, sources=self.sources)
        self._stack.push_async_callback(leg.close)
        if not await leg.open():
            return None
        async with asyncio.timeout(PATIENCE):
            await leg.connected.wait()
        return leg

    async def take_still(self) -> None:
        """Have the counter's camera take a still at its full resolution."""
        kinds = [material["code"] for material in self._item["materials"]] or ["other"]
        began = time.perf_counter()
        asked, _ = await asyncio.gather(
            self._agent.ask_still(self._call_id, kinds[0]), self._press_shutter(kinds[0])
        )
        await self._at_agent.until("still.filed", within=PATIENCE)
        self._took["still_to_agent"] = time.perf_counter() - began
        case = await self._agent.case(self._id)
        filed = [material for material in case["materials"] if material["origin"] == "still"]
        sizes = [(material["width"], material["height"]) for material in filed]
        expect(sizes == [STILL], f"one still of {STILL}, found {sizes}")
        expect(asked["case_id"] == self._id, "a still of this very case")
        file = await self._agent.material_file(self._id, filed[0]["id"])
        expect(hashlib.sha256(file).hexdigest() == filed[0]["sha256"], "the still as it is kept")

    async def _press_shutter(self, kind: str) -> None:
        """Answer the agent's request with an upload bearing its id."""
        asked = await self._counter.heard("still.requested", {"call_id": self._call_id}, PATIENCE)
        await self._counter.add_material(
            self._id, kind, self._still, "image/jpeg", origin="still", still_id=asked["id"]
        )

    async def check_and_consent(self) -> None:
        """Tick the materials, record the agent's checks, and have the citizen consent and sign."""
        case = await self._agent.case(self._id)
        evidence = [material["id"] for material in case["materials"] if not material["removed"]]
        for material_id in evidence:
            await self._counter.tick_material(self._id, material_id, accepted=True)
            await self._agent.tick_material(self._id, material_id, accepted=True)
        await self._agent.ask_consent(self._id)
        shown = await self._shown("consent")
        expect(shown["case"]["id"] == self._id, "this case on the facing screen")
        await self._cast.screen.give_consent(
            self._id, shown["notice"]["version"], await asyncio.to_thread(signature)
        )
        await self._at_agent.until("consent.given", within=PATIENCE)
        for kind in ("identity", "material", "eligibility"):
            await self._agent.record_check(self._id, kind, passed=True, evidence=evidence)

    async def _shown(self, step: str) -> Data:
        """Wait until the facing screen is at that step and return what it shows."""
        async with asyncio.timeout(PATIENCE):
            while (shown := await self._cast.screen.facing())["step"] != step:
                await self._cast.screen.heard("facing.changed", within=PATIENCE)
        return shown

    async def fill_in(self) -> None:
        """Fill in what only the jurisdiction knows; the counter reads each value as it comes."""
        await self._write_fields(self._agent, "jurisdiction", self._at_counter)

    async def _write_fields(self, writer: Client, side: str, reader: Follower | None) -> None:
        """Write every field of a side, and wait until the other side has read it."""
        slowest = 0.0
        for field in self._item["fields"]:
            if field["side"] != side:
                continue
            name, value = field["name"], self._inventor.value(field)
            began = time.perf_counter()
            written = await writer.write_field(self._id, name, value, 0)
            expect(written["version"] == 1, f"the first version of {name}")
            if reader is not None:
                await reader.until("field.changed", _names(name), PATIENCE)
                slowest = max(slowest, time.perf_counter() - began)
        self._took["field_to_other_side"] = slowest

    async def issue(self) -> None:
        """Look at the preview, issue the certificate, and have its file at the counter."""
        kind = self._item["certificates"][0]["kind"]
        preview = await self._agent.preview_certificate(self._id, kind)
        expect(preview.startswith(b"%PDF-"), "a preview in PDF")
        began = time.perf_counter()
        issued, _ = await asyncio.gather(self._agent.issue(self._id, kind), self._receive())
        self._took["issue_to_counter"] = self._received_at - began
        expect(issued["id"] == self._certificate["id"], "the same certificate on both sides")
        expect(
            hashlib.sha256(self._pdf).hexdigest() == issued["sha256"], "the file that was issued"
        )

    async def _receive(self) -> None:
        """Fetch the certificate at the counter as soon as the case says that there is one."""
        await self._at_counter.until("certificate.issued", within=PATIENCE)
        [self._certificate] = await self._counter.certificates(self._id)
        self._pdf = await self._counter.certificate_file(self._certificate["id"])
        self._received_at = time.perf_counter()

    async def settle(self) -> None:
        """Verify by machine at the counter and settle; the issuer hears who relied on it."""
        verdict = await self._counter.verify_certificate(self._certificate["id"])
        expect(verdict["verdict"] == "genuine", f"a genuine certificate, not {verdict['verdict']}")
        reference = f"YL-{secrets.token_hex(6).upper()}"
        await self._counter.settle(self._id, self._certificate["id"], reference)
        self._cast.case_id = None
        await self._at_agent.until("case.settled", within=PATIENCE)
        await self._at_agent.until("receipt.sent", within=PATIENCE)
        [held] = await self._agent.certificates(self._id)
        expect(len(held["receipts"]) == 1, "one usage receipt at the issuer")

    async def hand_over(self) -> None:
        """Give the citizen a link; the phone follows it once and downloads the certificate."""
        link = await self._counter.mint_pickup_link(self._id)
        citizen = self._cast.citizen
        await self._cast.in_time(lambda: citizen.claim_pickup(link["url"]))
        case = await citizen.citizen_case()
        expect(case["number"] == self._case["number"], "the citizen's own case on the phone")
        [held] = case["certificates"]
        expect(await citizen.citizen_file(held["id"]) == self._pdf, "the same file on the phone")

    async def verify_outside(self) -> None:
        """Have somebody without an account verify it in every way, and an altered copy too."""
        outsider, number = self._cast.outsider, self._certificate["number"]
        url = self._certificate["verify_url"]
        in_link = unquote(urlsplit(url).path.rsplit("/", 1)[-1])
        expect(in_link == number, "the certificate's own number in its QR code")
        ways: list[tuple[str, str, Callable[[], Awaitable[Data]]]] = [
            (
                "by number and check code",
                "genuine",
                lambda: outsider.verify_number(number, self._certificate["check_code"]),
            ),
            ("by QR code", "genuine", lambda: outsider.verify_qr(number, fragment_of(url))),
            ("by file", "genuine", lambda: outsider.verify_file(self._pdf)),
            ("by an altered file", "altered", lambda: outsider.verify_file(altered(self._pdf))),
        ]
        for way, right, ask in ways:
            verdict = (await self._cast.in_time(ask))["verdict"]
            expect(verdict == right, f"{right} {way}, not {verdict}")

    async def hang_up(self) -> None:
        """See that pictures still come on both sides, and end the call."""
        for name, seat in self._seats.items():
            await seat.see(ENOUGH_PICTURES, PATIENCE)
            self._frames[name], self._topology = seat.pictures, seat.topology
        await self._agent.hang_up(self._call_id)
        self._cast.call_id = None
        await self._counter.heard("call.ended", {"call_id": self._call_id}, PATIENCE)

    async def rate(self) -> None:
        """Rate the service on the citizen's phone, once."""
        rated = await self._cast.citizen.rate(BEST_LEVEL)
        expect(rated["level"] == BEST_LEVEL, "the level that was given")

    def result(self, folder: Path, whole: float) -> Rehearsal:
        """Put the PDF into the folder and return what came of it all."""
        folder.mkdir(parents=True, exist_ok=True)
        pdf = folder / f"{self._certificate['number']}.pdf"
        pdf.write_bytes(self._pdf)
        took = {**self._took, "held_up": self._cast.held_up, "whole": whole}
        return Rehearsal(
            case_id=self._id,
            case_number=self._case["number"],
            item=self._item["name"],
            certificate_id=self._certificate["id"],
            certificate_number=self._certificate["number"],
            check_code=self._certificate["check_code"],
            verify_url=self._certificate["verify_url"],
            pdf=pdf,
            sha256=hashlib.sha256(self._pdf).hexdigest(),
            topology=self._topology,
            frames=self._frames,
            stages=Stages(**{name: round(1000 * spent, 1) for name, spent in took.items()}),
        )


def _names(name: str) -> Callable[[Data], bool]:
    """Return the question whether an event's data is of the field of that name."""
    return lambda data: bool(data["name"] == name)
