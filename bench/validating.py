"""`make soak PART=validators`: certificates of every kind that several validators judge alike."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import secrets
import tempfile
from pathlib import Path

from bench.slices import portions
from docs_gen.samples import longest, sample
from docs_gen.signing import issue
from docs_gen.verifying import Verdict, verify
from tests.support.office import ISSUERS, NOW, TEMPLATES, Office, open_office
from tests.support.validators import pyhanko_says, say

SURNAMES, GIVEN = "赵钱孙李周吴郑王欧阳司马", "一二三四五六七八九十百千娜燕"


async def validators(count: int) -> int:
    """Issue certificates with values of all lengths; raise for one that somebody finds unsound."""
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        office = open_office(Path(folder) / "office")
        for portion in portions(count, 10):
            for _ in range(portion):
                await _judge(office, Path(folder), secrets.randbits(32))
                done += 1
    return done


async def _judge(office: Office, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    kind = chance.choice(sorted(ISSUERS))
    template = TEMPLATES[kind]
    usual = office.facts(kind)
    choices = (usual, sample(template, NOW), longest(template, NOW))
    values = {name: chance.choice(choices).values[name] for name in usual.values}
    limit = template.fields[template.holder].max_length
    name = chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.randrange(1, limit)))
    facts = dataclasses.replace(usual, values={**values, template.holder: name})
    content = (await issue(facts, template, office.key(kind))).pdf
    judged = (folder, content, office.trust, NOW)
    said = await asyncio.to_thread(say, *judged)
    said["pyhanko"] = await asyncio.to_thread(pyhanko_says, *judged)
    verdict = (await verify(content, office.trust, NOW)).verdict
    if verdict is not Verdict.GENUINE or not all(said.values()):
        raise AssertionError(f"{kind} by {seed}: {verdict}, {said}")
