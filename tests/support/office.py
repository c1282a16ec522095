"""An issuing office for tests of docs_gen alone: demo keys in a folder, and facts to issue on."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyhanko.sign.signers import SimpleSigner

from docs_gen import qr
from docs_gen.data import Facts, Issuer
from docs_gen.numbers import identifier
from docs_gen.seal import SealProvider
from docs_gen.sealkeys import SealKey
from docs_gen.signing import issue
from docs_gen.template import load_templates
from docs_gen.trust import TrustList, create_demo, load_qr_key, load_trust, qr_key_id
from docs_gen.verifying import Finding, verify

PASSPHRASE = "a passphrase for tests"
NOW = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
TEMPLATES = load_templates()
ISSUERS = {
    "pension-balance": Issuer(
        "霍邱县人力资源和社会保障局（演示）",
        "11341522MB0000001T",
        "霍邱县人力资源和社会保障局",
        "341522",
    ),
    "household-registration": Issuer(
        "苏州市公安局吴江分局（演示）", "11320509MB0000002F", "苏州市公安局吴江分局", "320509"
    ),
    "no-violations": Issuer(
        "霍邱县市场监督管理局（演示）", "11341522MB00000031", "霍邱县市场监督管理局", "341522"
    ),
    "pension-non-receipt": Issuer(
        "苏州市吴江区人力资源和社会保障局（演示）",
        "11320509MB0000001C",
        "苏州市吴江区人力资源和社会保障局",
        "320509",
    ),
    "pension-contributions": Issuer(
        "霍邱县人力资源和社会保障局（演示）",
        "11341522MB0000001T",
        "霍邱县人力资源和社会保障局",
        "341522",
    ),
    "marriage-record": Issuer(
        "霍邱县民政局（演示）", "11341522MB00000044", "霍邱县民政局", "341522"
    ),
    "statement": Issuer(
        "霍邱县城关镇人民政府（演示）", "11341522MB00000057", "霍邱县城关镇人民政府", "341522"
    ),
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "pension-balance": {
        "applicant_name": "张三丰",
        "applicant_id_number": "341522196001010006",
        "insured_status": "已终止",
        "months_paid": "168",
        "balance": "12345.60",
        "as_of": "2026-10-31",
    },
    "household-registration": {
        "applicant_name": "李小龙",
        "applicant_id_number": "341522201801010007",
        "household_address": "江苏省苏州市吴江区平望镇通运路1号幸福小区12幢3单元501室",
        "household_head": "李大江",
        "relation_to_head": "子女",
        "registered_since": "2018-03-05",
        "school_name": "平望实验小学",
    },
    "no-violations": {
        "enterprise_name": "霍邱县云上环保科技（集团）有限责任公司",
        "credit_code": "91341522M000100Y43",
        "period_from": "2023-11-01",
        "period_to": "2026-10-31",
        "finding": "未发现违法违规记录",
        "move_to": "苏州市吴江区市场监督管理局",
    },
    "pension-non-receipt": {
        "applicant_name": "张三丰",
        "applicant_id_number": "341522196001010006",
        "insurance": "城乡居民基本养老保险",
        "insured_status": "关系已转出",
        "finding": "未领取养老保险待遇",
        "as_of": "2026-10-31",
    },
    "pension-contributions": {
        "applicant_name": "张三丰",
        "applicant_id_number": "341522196001010006",
        "months_paid": "24",
        "balance": "1234.50",
        "as_of": "2026-10-31",
        "contributions": "2024\t12\t500.00\t60.00\t2024-12-05\n2025\t12\t600.00\t74.50\t2025-12-08",
    },
    "marriage-record": {
        "applicant_name": "李大江",
        "applicant_id_number": "341522198803050003",
        "registration": "结婚登记",
        "spouse_name": "王小美",
        "registered_on": "2012-05-20",
        "registered_at": "霍邱县民政局婚姻登记处",
        "certificate_number": "J341522-2012-000007",
        "as_of": "2026-11-20",
        "purpose": "办理不动产登记",
    },
    "statement": {
        "applicant_name": "赵六",
        "applicant_id_number": "341522197001010005",
        "subject": "“赵六”与“赵陆”是否为同一人",
        "finding": "经查阅户口登记底册并向所在村民委员会核实，申请人赵六曾用名赵陆，"
        "1985年更名，“赵六”与“赵陆”系同一人。",
        "as_of": "2026-11-20",
        "purpose": "办理不动产继承登记",
        "legal_basis": "《中华人民共和国户口登记条例》第十八条",
    },
}


@dataclass(frozen=True)
class Office:
    """A key folder with one seal per kind of certificate, which issues as of `now`."""

    folder: Path
    now: datetime = NOW

    @property
    def trust(self) -> TrustList:
        return load_trust(self.folder)

    def key(self, kind: str = "pension-balance") -> SealKey:
        return SealKey.load(self.folder / "seals" / f"{kind}.p12", PASSPHRASE)

    def simple_signer(self, kind: str = "pension-balance") -> SimpleSigner:
        """Return pyHanko's own signer with the same key; as with ours, verifiers have the root."""
        path = self.folder / "seals" / f"{kind}.p12"
        signer = SimpleSigner.load_pkcs12(str(path), passphrase=PASSPHRASE.encode())
        signer.embed_roots = False
        return signer

    def facts(self, kind: str = "pension-balance", **changed: str) -> Facts:
        template, issuer = TEMPLATES[kind], ISSUERS[kind]
        number = identifier(template.type_code, issuer.code, "20260000017")
        key = load_qr_key(self.folder, PASSPHRASE)
        day = self.now.date()
        claim = qr.Claim(number, template.title, "张*", issuer.name, day, template.valid_until(day))
        token = qr.encode(claim, key, qr_key_id(key.public_key()))
        return Facts(
            kind=kind,
            template_version=template.version,
            number=number,
            check_code="7K3M9QXT",
            issuer=issuer,
            signing_time=self.now,
            values={**VALUES[kind], **changed},
            qr_url=f"https://kuayu.example.cn/v/{number}#{token}",
            demo=True,
        )

    def issue(
        self, kind: str = "pension-balance", seal: SealProvider | None = None, **changed: str
    ) -> bytes:
        facts = self.facts(kind, **changed)
        return asyncio.run(issue(facts, TEMPLATES[kind], self.key(kind), seal=seal)).pdf

    def judge(self, content: bytes, now: datetime = NOW) -> Finding:
        return asyncio.run(verify(content, self.trust, now))

    def copy(self, folder: Path) -> Office:
        """Return an office of the same keys that a test may change."""
        shutil.copytree(self.folder, folder)
        return Office(folder, self.now)


def open_office(folder: Path, now: datetime = NOW) -> Office:
    """Make an office with keys of its own; every office's names are the same."""
    create_demo(folder, list(ISSUERS.items()), now, PASSPHRASE)
    return Office(folder, now)


def tool(folder: Path, content: bytes, *command: str) -> str:
    """Return what a command-line tool says of a file named page.pdf."""
    (folder / "page.pdf").write_bytes(content)
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.stdout


def text_of(folder: Path, content: bytes) -> str:
    """Return a page's text without white space, by poppler."""
    return "".join(tool(folder, content, "pdftotext", "-raw", "page.pdf", "-").split())


def picture(folder: Path, content: bytes, dpi: int = 150, page: int = 1) -> Path:
    """Draw a page by poppler."""
    command = ("pdftoppm", "-r", str(dpi), "-f", str(page), "-l", str(page), "-singlefile", "-png")
    tool(folder, content, *command, "page.pdf", "picture")
    return folder / "picture.png"


def seen_qr(folder: Path, content: bytes, page: int = 1) -> str:
    """Return what zbar reads from a page drawn at 200 dpi, as a phone would."""
    path = picture(folder, content, dpi=200, page=page)
    ran = subprocess.run(
        ["zbarimg", "-q", "--raw", str(path)], capture_output=True, text=True, check=False
    )
    return ran.stdout.strip()
