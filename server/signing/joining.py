"""The only place where the parts of the signer are joined."""

from __future__ import annotations

from dataclasses import dataclass

from server.calls.authority import Authorities
from server.calls.models import Call
from server.calls.queries import find_sitting
from server.cases.reading import Reader
from server.cases.record import Entry, Records
from server.cases.service import Cases
from server.certificates.drawing import Drawing
from server.certificates.facts import Drafts
from server.certificates.forms import Forms
from server.certificates.reviews import Reviews
from server.certificates.seals import Seals
from server.db.engine import Database, open_database
from server.db.unit import Clock, Unit, utc_now
from server.items.service import read_catalogue
from server.recordings.service import Recordings
from server.regions.rules import Catalogue
from server.settings import Settings, SignerSettings
from server.signing.service import Signing
from server.staff.service import find_signed_in
from server.vault import Vault
from server.web.limits import build_admit


@dataclass(frozen=True, slots=True)
class Signer:
    """Every part of the signer, joined."""

    database: Database
    catalogue: Catalogue
    seals: Seals
    drawing: Drawing
    signing: Signing

    async def close(self) -> None:
        """Let go of the processes with the keys and without them, and of the database."""
        await self.seals.close()
        await self.drawing.close()
        await self.database.close()


def build_signer(settings: Settings, own: SignerSettings, clock: Clock = utc_now) -> Signer:
    """Join the parts; CatalogueError if regions.toml is wrong. Nothing is started yet."""
    forms = Forms()
    seals = Seals(
        own.keys, own.passphrase, fallback=settings.fallback_font, tsa_urls=settings.tsa_urls
    )
    # It looks at files in a process without keys, by the signer's own trust list.
    drawing = Drawing(forms, own.keys)
    catalogue, items = read_catalogue(settings.regions, forms.pages)
    database = open_database(settings.database_url)
    records = Records(Vault(settings.secret), find_sitting)
    reader = Reader(records, items, catalogue)
    cases = Cases(records, reader, items, catalogue, _file_no_still)
    recordings = Recordings(records, reader, _arrange_nothing)
    authorities = Authorities(reader)
    signing = Signing(
        database=database,
        records=records,
        drafts=Drafts(reader, cases, catalogue, forms, recordings.require, seals.picture_of),
        seals=seals,
        drawing=drawing,
        find_actor=find_signed_in,
        require_authority=authorities.require,
        reviews=Reviews(reader, authorities.may_review),
        admit=build_admit(),
        public_url=settings.public_url,
        clock=clock,
    )
    return Signer(database, catalogue, seals, drawing, signing)


async def _file_no_still(_entry: Entry, _still_id: str, _material_id: str) -> None:
    raise NotImplementedError("the signer files nothing")


async def _arrange_nothing(_unit: Unit, _call: Call) -> None:
    raise NotImplementedError("the signer arranges no call")
