"""Two halls and one case, joined as app.py joins them: real database, files, vault and seals."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw
from sqlalchemy.ext.asyncio import AsyncSession

from docs_gen.template import load_templates
from server.access import Actor, Role, Sitting
from server.cases import messages as case_wire
from server.cases.models import Case
from server.cases.pictures import PNG, Picture, Pictures
from server.cases.reading import Reader
from server.cases.record import SERVICE, Entry, Records
from server.cases.routes import store_picture
from server.cases.rules import CaseState, CheckKind, Origin
from server.cases.service import Cases
from server.certificates import messages as wire
from server.certificates.correcting import Correcting
from server.certificates.corrections import Corrections
from server.certificates.drawing import Drawing
from server.certificates.facts import Drafts
from server.certificates.forms import Order, Signed, SignedList, Sm2Signed
from server.certificates.issuing import Issuing, Key
from server.certificates.models import Certificate
from server.certificates.papers import Papers
from server.certificates.recalls import Recalls
from server.certificates.refusals import Refusals
from server.certificates.reviewing import Reviewing
from server.certificates.reviews import Reviews
from server.certificates.revoking import Revoking
from server.certificates.seals import Seals
from server.certificates.service import Certificates
from server.certificates.statuses import Statuses
from server.certificates.verifying import Verifying
from server.citizens.reading import Views
from server.citizens.service import Citizens
from server.db.unit import Units
from server.files import LocalFiles
from server.items.service import Items, load_items
from server.regions.document import read_document
from server.regions.rules import Catalogue
from server.regions.service import load_regions
from server.signing.service import Signing
from server.texts import NOTICE_VERSION
from server.vault import Vault
from server.web.limits import build_admit

REGIONS = Path(__file__).parents[2] / "regions.toml"
PUBLIC_URL = "http://kuayu.test"
PASSPHRASE = "demo-演示"
SECRET = b"s" * 32
ITEM, KIND = "pension-lump-sum", "pension-balance"
APPLICANT = {"name": "张三丰", "id_number": "341522199001010004", "phone": "13800000000"}
LOCAL_VALUES = {"withdrawal_reason": "其他", "bank_account": "6222000000000000000"}
AGENT_VALUES = {
    "insured_status": "已终止",
    "months_paid": "126",
    "balance": "18342.57",
    "as_of": "2026-11-01",
}

CLERK = Actor(
    id="c" * 32, name="李经办", login_id="l1", roles=frozenset({Role.COUNTER}),
    region="320509", hall="pingwang", counter="pingwang-1",
)  # fmt: skip
OTHER_CLERK = Actor(
    id="b" * 32, name="钱经办", login_id="l4", roles=frozenset({Role.COUNTER}),
    region="320509", hall="pingwang", counter="pingwang-2",
)  # fmt: skip
AGENT = Actor(
    id="a" * 32, name="王审核", login_id="l2", roles=frozenset({Role.AGENT}),
    region="341522", hall="huoqiu", counter="huoqiu-1",
)  # fmt: skip
COLLEAGUE = Actor(
    id="2" * 32, name="周复核", login_id="l5", roles=frozenset({Role.AGENT}),
    region="341522", hall="huoqiu", counter="huoqiu-2",
)  # fmt: skip
SUPERVISOR = Actor(
    id="9" * 32, name="孙值班", login_id="l9", roles=frozenset({Role.SUPERVISOR}),
    region="341522", hall="huoqiu",
)  # fmt: skip
STRANGER = Actor(
    id="d" * 32, name="赵旁人", login_id="l3", roles=frozenset({Role.COUNTER, Role.AGENT}),
    region="330521", hall="deqing", counter="deqing-1",
)  # fmt: skip


@dataclass
class SignerHere:
    """The signer in this very process, on the desk's database and clock: what it reads is real."""

    signing: Signing

    async def look(self) -> None:
        """Nobody else has to be asked."""

    def is_demo(self, authority_id: str) -> bool:
        return self.signing.seals.is_demo(authority_id)

    def picture_of(self, authority_id: str) -> str | None:
        return self.signing.seals.picture_of(authority_id)

    def looks_demo(self, authority_id: str) -> bool:
        return self.signing.seals.known.get(authority_id, False)

    async def sign(self, certificate_id: str, attempt: int) -> Signed:
        return await self.signing.sign(certificate_id, attempt)

    async def list_statuses(self, issuer_code: str, year: int) -> SignedList:
        return await self.signing.list_statuses(issuer_code, year)

    @property
    def sm2(self) -> Mapping[str, bool]:
        return self.signing.seals.sm2

    async def sign_sm2(self, certificate_id: str, pdf: bytes) -> Sm2Signed:
        return await self.signing.sign_sm2(certificate_id, pdf)


async def trust_seat(_session: AsyncSession, _actor: Actor, _case: Case) -> None:
    """Ask for no authority beyond the seat: that has tests of its own."""


@dataclass
class Desk:
    """Everything that a test of certificates or citizens stands on."""

    units: Units
    files: LocalFiles
    drawing: Drawing
    seals: Seals
    catalogue: Catalogue
    items: Items
    seats: set[str] = field(default_factory=lambda: {AGENT.id, CLERK.id})
    formers: set[str] = field(default_factory=set)
    calls: dict[str, str] = field(default_factory=dict)
    signed_in: set[Actor] = field(default_factory=lambda: {AGENT, COLLEAGUE, STRANGER})
    dismissed: set[str] = field(default_factory=set)
    pictures: Pictures = field(default_factory=Pictures)

    def __post_init__(self) -> None:
        self.vault = Vault(SECRET)
        self.records = Records(self.vault, self._find_sitting)
        self.reader = Reader(self.records, self.items, self.catalogue)
        self.cases = Cases(self.records, self.reader, self.items, self.catalogue, self._file_still)
        self.papers = Papers(self.files, self.drawing)
        self.drafts = Drafts(
            self.reader, self.cases, self.catalogue, self.drawing.forms,
            picture_of=self._picture_of,
        )  # fmt: skip
        self.reviews = Reviews(self.reader, self._may_review)
        self.signer = SignerHere(self.signing_by(self.seals))
        self.refusals = Refusals(self.reader, self.catalogue, self.drawing, self.signer)
        self.recalls = Recalls(self.records, self.catalogue)
        self.issuing = self.issuing_on(self.units)
        self.reviewing = Reviewing(self.issuing)
        self.correcting = Correcting(self.issuing)
        self.certificates = Certificates(
            self.records, self.reader, self.catalogue, self.recalls, PUBLIC_URL
        )
        self.revoking = Revoking(self.certificates, self.recalls)
        self.statuses = Statuses(self.units, self.signer)
        self.verifying = Verifying(self.units, self.records, self.drawing, self.papers)
        self.citizens = Citizens(self.units, self.vault, self.records, self.cases)
        self.views = Views(self.reader, self.catalogue, self._find_call, self.refusals)

    def issuing_on(self, units: Units) -> Issuing:
        """Issuing with other units, for tests that step in between."""
        return Issuing(
            units, self.records, self.drafts, self.drawing, self.signer, self.papers, trust_seat,
            Corrections(self.cases, self.recalls), self.reviews,
        )  # fmt: skip

    def signing_by(self, seals: Seals) -> Signing:
        """The signer's own reading of what there is; every known clerk is signed in."""
        return Signing(
            self.units.database, self.records, replace(self.drafts, picture_of=seals.picture_of),
            seals, self.drawing, self._find_actor, trust_seat, self.reviews, build_admit(),
            PUBLIC_URL, self.units.clock,
        )  # fmt: skip

    def _picture_of(self, authority_id: str) -> str | None:
        return self.issuing.signer.picture_of(authority_id)

    async def _find_actor(
        self, _session: AsyncSession, clerk_id: str, _now: datetime
    ) -> Actor | None:
        return next((one for one in self.signed_in if one.id == clerk_id), None)

    async def _may_review(self, _session: AsyncSession, _case: Case, clerk_id: str) -> bool:
        return clerk_id not in self.dismissed

    async def _find_sitting(self, _session: AsyncSession, actor: Actor, _case: Case) -> Sitting:
        if actor.id in self.seats:
            return Sitting.PARTY
        return Sitting.FORMER if actor.id in self.formers else Sitting.NONE

    async def _file_still(self, _entry: Entry, _still_id: str, _material_id: str) -> None:
        raise AssertionError("no test here asks for a still")

    async def _find_call(self, _session: AsyncSession, case_id: str) -> str | None:
        return self.calls.get(case_id)

    async def open_case(self, actor: Actor = CLERK, **applicant: str) -> str:
        """A draft of the pension item, with the counter's fields filled in; return its id."""
        order = case_wire.CaseOrder(
            item_code=ITEM,
            jurisdiction=AGENT.region,
            applicant=case_wire.ApplicantGiven(**{**APPLICANT, **applicant}),
        )
        async with self.units.open() as unit:
            case = await self.cases.open_case(unit, actor, order)
        for name, value in LOCAL_VALUES.items():
            await self.write(actor, case.id, name, value)
        return case.id

    async def write(self, actor: Actor, case_id: str, name: str, value: str) -> None:
        """Write one field, over whatever is there."""
        async with self.units.open() as unit:
            found = await self.reader.read(unit.session, actor, case_id)
            version = next(one.version for one in found.fields if one.name == name)
            edit = case_wire.FieldEdit(value=value, version=version)
            await self.cases.edit_field(unit, actor, case_id, name, edit)

    async def file(self, case_id: str, kind: str, actor: Actor = CLERK) -> None:
        """File a picture as a material of this kind."""
        stored = await store_picture(self.files, draw_picture(kind))
        query = case_wire.MaterialQuery(kind=kind, origin=Origin.UPLOAD)
        async with self.units.open() as unit:
            await self.cases.add_material(unit, actor, case_id, query, stored)

    async def move(self, case_id: str, *states: CaseState) -> None:
        """Bring the case through these states, as queue and call would."""
        async with self.units.open() as unit:
            entry = await self.records.begin_as_service(unit, case_id)
            for state in states:
                if state is CaseState.IN_CALL:
                    entry.case.agent_id, entry.case.agent_name = AGENT.id, AGENT.name
                entry.move(state)
                await entry.append(f"test.{state.value}")

    async def note(self, case_id: str, kind: str, actor: Actor = SERVICE) -> None:
        """Have the service, or somebody else, write one event into the case's log."""
        async with self.units.open() as unit:
            entry = await self.records.begin_as_service(unit, case_id)
            entry.actor = actor
            await entry.append(kind)

    async def check_identity(self, case_id: str, *, passed: bool = True) -> None:
        """The agent checks the applicant's identity."""
        order = case_wire.CheckOrder(kind=CheckKind.IDENTITY, passed=passed)
        async with self.units.open() as unit:
            await self.cases.record_check(unit, AGENT, case_id, order)

    async def ask_consent(self, case_id: str) -> None:
        """The counter has the facing screen show the notice."""
        async with self.units.open() as unit:
            await self.cases.ask_consent(unit, CLERK, case_id, NOTICE_VERSION)

    async def give_consent(self, case_id: str) -> None:
        """The citizen signs at the counter's screen."""
        await self.ask_consent(case_id)
        stored = await store_picture(self.files, draw_picture("张三丰"))
        async with self.units.open() as unit:
            await self.citizens.answer_notice(unit, screen(), case_id, NOTICE_VERSION, stored)

    async def ready_case(self, actor: Actor = CLERK, **applicant: str) -> str:
        """A case in a call to which nothing is lacking; return its id."""
        case_id = await self.open_case(actor, **applicant)
        for kind in ("id-card", "application-form"):
            await self.file(case_id, kind, actor)
        await self.move(case_id, CaseState.WAITING, CaseState.IN_CALL)
        await self.check_identity(case_id)
        await self.give_consent(case_id)
        for name, value in AGENT_VALUES.items():
            await self.write(AGENT, case_id, name, value)
        return case_id

    async def issue(self, case_id: str, key: str = "key-00001") -> Certificate:
        """Issue the pension certificate as the agent."""
        return await self.issuing.issue(AGENT, case_id, KIND, self.key(case_id, key))

    def key(self, case_id: str, key: str) -> Key:
        """The agent's Idempotency-Key for issuing on a case."""
        return Key(f"{AGENT.id}:{key}", f"issue {case_id} {KIND}")

    async def certified_case(self, **applicant: str) -> tuple[str, Certificate]:
        """A case with its certificate."""
        case_id = await self.ready_case(**applicant)
        return case_id, await self.issue(case_id, f"key-{case_id}")

    async def settle(self, case_id: str, certificate_id: str) -> None:
        """The counter ends the case in its local transaction."""
        order = wire.SettlementOrder(certificate_id=certificate_id, reference="YL-2026-000431")
        async with self.units.open() as unit:
            await self.certificates.settle(unit, CLERK, case_id, order)

    async def ask_revocation(
        self, certificate_id: str, reason: str = "余额有误", actor: Actor = AGENT
    ) -> str:
        """An agent asks that a certificate be revoked; return the request's id."""
        async with self.units.open() as unit:
            shown = await self.revoking.revoke(unit, actor, certificate_id, reason)
        assert shown.pending_revocation is not None
        return shown.pending_revocation.id

    async def revoke(self, certificate_id: str, reason: str = "余额有误") -> wire.Certificate:
        """An agent asks for it and the supervisor approves."""
        request_id = await self.ask_revocation(certificate_id, reason)
        async with self.units.open() as unit:
            return await self.revoking.approve(unit, SUPERVISOR, request_id)

    async def case(self, case_id: str) -> Case:
        """The case as it is now."""
        async with self.units.database.reading() as session:
            return await session.get_one(Case, case_id)

    async def log(self, case_id: str) -> list[str]:
        """The kinds of the case's events, oldest first."""
        async with self.units.database.reading() as session:
            found = await self.reader.events(session, CLERK, case_id, 0)
        return [event.kind for event in found.events]

    async def events(self, case_id: str, kind: str) -> list[dict[str, object]]:
        """The data of the case's events of one kind."""
        async with self.units.database.reading() as session:
            found = await self.reader.events(session, CLERK, case_id, 0)
        return [event.data for event in found.events if event.kind == kind]


def screen(counter: str = "pingwang-1") -> Actor:
    """The facing screen of a counter."""
    return Actor(
        id="e" * 32, name="办事人", login_id="e" * 32, roles=frozenset({Role.DEVICE}),
        region="320509", hall="pingwang", counter=counter,
    )  # fmt: skip


def load_catalogue() -> tuple[Catalogue, Items]:
    """What regions.toml says."""
    document = read_document(REGIONS)
    catalogue = load_regions(document)
    return catalogue, load_items(document, catalogue)


def recognise_nothing(catalogue: Catalogue) -> None:
    """Have no region count another's certificates any longer, as a new regions.toml may say."""
    object.__setattr__(catalogue, "recognitions", ())


def revoke_alone(items: Items) -> None:
    """Have no certificate need a second clerk's approval to be revoked, as regions.toml may say."""
    for item in items.by_version.values():
        for line in item.certificates:
            object.__setattr__(line, "revocation_needs_approval", False)


def draw_picture(text: str) -> Picture:
    """A small PNG that differs by its text."""
    image = Image.new("RGB", (320, 200), "white")
    ImageDraw.Draw(image).text((20, 80), json.dumps(text), fill="black")
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return Picture(kept.getvalue(), PNG, 320, 200, 1)


def signature() -> str:
    """A signature as the pad sends it."""
    return base64.b64encode(draw_picture("signed").content).decode()


def order_of(row: Certificate) -> Order:
    """What the certificate was drawn from, as anyone might guess it."""
    catalogue, _ = load_catalogue()
    authority = next(one for _, one in catalogue.authorities if one.id == row.authority_id)
    return Order(
        template=load_templates()[row.kind],
        title=row.title,
        number=row.number,
        check_code=row.check_code,
        jurisdiction=row.jurisdiction,
        authority=authority,
        values={
            "applicant_name": APPLICANT["name"],
            "applicant_id_number": APPLICANT["id_number"],
            "insured_status": "已终止",
            "months_paid": "126",
            "balance": "99999.00",
            "as_of": "2026-11-01",
        },
        holder="张**",
        signing_time=row.signing_at,
        verify_url=f"{PUBLIC_URL}/v/{row.number}",
        demo=True,
    )


@contextmanager
def running_seals(folder: Path, now: datetime, tsa_urls: tuple[str, ...] = ()) -> Iterator[Seals]:
    """Seals with demo keys for every authority of regions.toml, their process running."""
    catalogue, _ = load_catalogue()
    seals = Seals(folder, PASSPHRASE, tsa_urls=tsa_urls)

    async def start() -> None:
        await seals.prepare_demo(catalogue.authorities, now)
        await seals.start(demo=True)

    asyncio.run(start())
    try:
        yield seals
    finally:
        asyncio.run(seals.close())
