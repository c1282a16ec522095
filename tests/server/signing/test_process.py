from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docs_gen.chain import Chain
from docs_gen.data import Issuer
from docs_gen.imageseal import import_picture
from docs_gen.picture import Picture
from docs_gen.sm2folder import Sm2Folder
from server.certificates.drawing import Drawing
from server.certificates.forms import Forms
from server.certificates.remote import RemoteSigner
from server.errors import ServiceError
from tests.support.child import environment
from tests.support.seals import WIDTH, seal_png
from tests.support.service import REGIONS, begin

# The signer is another user here, as operations.md has it.
SIGNER = 65534
SYSTEM_PYTHON = Path(f"/usr/bin/python3.{sys.version_info.minor}")
ISSUER = Issuer("霍邱县人力资源和社会保障局", "11341522MB0000001T", "霍邱县人社局", "341522")


@dataclass(frozen=True)
class Office:
    """Folders of an installation: the service's, the signer's own, and what lies between them."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def keys(self) -> Path:
        return self.folder / "own" / "keys"

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "signer.sock"

    def environment(self) -> dict[str, str]:
        secret = (self.data / "keys" / "secret").read_text().strip()
        return environment({
            "KUAYU_PUBLIC_URL": "https://kuayu.example",
            "KUAYU_REGIONS": str(self.folder / "regions.toml"),
            "KUAYU_SECRET": secret,
            "KUAYU_KEYS": str(self.keys),
            "KUAYU_KEY_PASSPHRASE": "words",
            "KUAYU_TRUST": str(self.trust),
            "KUAYU_SIGNER_SOCKET": str(self.socket),
            "KUAYU_SIGNER_CLIENTS": str(os.getuid()),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join([str(REGIONS.parent), sysconfig.get_path("purelib")]),
        })  # fmt: skip

    def give_to_signer(self) -> None:
        """Have nobody but the signer look into its key folder, and it write nowhere else."""
        for name in ("own", "trust", "run"):
            (self.folder / name).mkdir(exist_ok=True)
            for path in (self.folder / name, *(self.folder / name).rglob("*")):
                os.chown(path, SIGNER, SIGNER)
        (self.folder / "own").chmod(0o700)
        for path in (self.folder, self.data):
            path.chmod(0o755)


def python_for_others() -> Path | None:
    """A Python that other users may start: this one may lie in somebody's home."""
    found = (Path(sys.executable).resolve(), SYSTEM_PYTHON)
    return next((one for one in found if one.exists() and is_open_to_others(one)), None)


def is_open_to_others(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may enter too."""
    with tempfile.TemporaryDirectory() as found:
        yield Path(found)


@pytest.fixture
async def office(folder: Path) -> Office:
    """An office with one real key of each kind and a seal, which say nothing of a demonstration."""
    made = Office(folder)
    await begin(made.data)
    shutil.rmtree(made.data / "keys" / "seals")
    (folder / "regions.toml").write_text(REGIONS.read_text().replace("（演示）", ""))
    chain, now = Chain(made.keys, "words"), datetime.now(UTC)
    chain.create("皖南省跨域业务中心", ["341522"], now)
    chain.issue("huoqiu-hrss", ISSUER, now)
    Sm2Folder(made.keys, "words").issue("huoqiu-hrss", ISSUER, now)
    import_picture(made.keys, "huoqiu-hrss", seal_png(), WIDTH)
    made.give_to_signer()
    return made


@asynccontextmanager
async def signer_of(office: Office) -> AsyncIterator[asyncio.subprocess.Process]:
    """`kuayu signer` as the signer's user, from when it says that it signs."""
    process = await asyncio.create_subprocess_exec(
        str(python_for_others()), "-m", "server", "signer", "--data", str(office.data),
        env=office.environment(), stderr=asyncio.subprocess.PIPE,
        user=SIGNER, group=SIGNER, extra_groups=[],
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(200):
            line = await process.stderr.readline()
            assert json.loads(line)["event"] == "signing", line + await process.stderr.read()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.skipif(
    os.getuid() != 0 or python_for_others() is None,
    reason="only root can become another user, who needs a Python of this version",
)
async def test_it_signs_for_another_user_and_gives_out_no_more_than_its_trust_list(
    office: Office,
) -> None:
    remote = RemoteSigner(office.socket, demo=False)
    async with signer_of(office) as process:
        assert await remote.answers()
        assert remote.is_demo("huoqiu-hrss") is False
        assert remote.picture_of("huoqiu-hrss") == Picture.read(seal_png(), WIDTH).digest
        with pytest.raises(ServiceError, match=r"certificate\.unknown"):
            await remote.sign("0" * 32, 1)
        assert remote.sm2 == {"huoqiu-hrss": False}
        with pytest.raises(ServiceError, match=r"certificate\.unknown"):
            await remote.sign_sm2("0" * 32, b"%PDF-1.7")
        drawing = Drawing(Forms(), office.trust)
        finding = await drawing.examine(b"%PDF-1.7", datetime.now(UTC))
        assert finding.verdict == "unreadable"
        await drawing.close()
        names = sorted(path.name for path in office.trust.iterdir())
        assert names == ["trust.cose", "trust.json"]
        process.send_signal(signal.SIGTERM)
        said, _ = await process.communicate()
        assert process.returncode == 0, said
    assert not await remote.answers()
    assert not office.socket.exists()
