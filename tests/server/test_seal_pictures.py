"""`kuayu keys import-seal`: how an office brings its seal, and what is refused as one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from docs_gen.imageseal import load_pictures
from tests.support.commands import done, refused
from tests.support.seals import PICTURED, png, seal_image, seal_png
from tests.support.service import REGIONS

OPERATOR = "皖南省跨域业务中心"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an office that has a key; each test brings its own picture."""
    folder = tmp_path_factory.mktemp("office")
    regions = folder / "regions.toml"
    regions.write_text(REGIONS.read_text().replace("（演示）", ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUAYU_REGIONS", str(regions))
        patch.setenv("KUAYU_KEY_PASSPHRASE", "words")
        done("keys", "init", "--operator", OPERATOR, "--data", folder)
        done("keys", "issue", PICTURED, "--data", folder)
    return folder


@pytest.fixture
def data(office: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUAYU_REGIONS", str(office / "regions.toml"))
    monkeypatch.setenv("KUAYU_KEY_PASSPHRASE", "words")
    for path in (office / "keys" / "seals").glob("*.png"):
        path.unlink()
    return office


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """What the seal platform gave."""
    path = tmp_path / "seal.png"
    path.write_bytes(seal_png())
    return path


def listed(data: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(done("keys", "list", "--json", "--data", data))
    return [row for row in found if row["kind"] == "image"]


def test_a_seal_is_brought_listed_replaced_and_removed(data: Path, given: Path) -> None:
    bring = ("keys", "import-seal", given, "--authority", PICTURED, "--data", data)
    said = done(*bring)
    assert f"imported {PICTURED}: 42 x 42 mm" in said
    assert "start the signer again" in said
    assert "演示" not in said
    [first] = listed(data)
    assert (first["authority"], first["name"], first["state"]) == (
        PICTURED, "42 x 42 mm", "current",
    )  # fmt: skip
    assert first["fingerprint"] in said
    assert first["serial"] in done("keys", "list", "--data", data)
    assert f"{PICTURED} has a picture already: --replace" in refused(*bring, "--width", "45")
    assert listed(data) == [first]
    done(*bring, "--width", "45", "--replace")
    [second] = listed(data)
    assert (second["name"], second["fingerprint"] != first["fingerprint"]) == ("45 x 45 mm", True)
    remove = ("keys", "remove-seal", PICTURED, "--data", data)
    assert f"removed the picture of {PICTURED}" in done(*remove)
    assert listed(data) == []
    assert f"{PICTURED} has no picture" in refused(*remove)
    assert (data / "keys" / "seals" / f"{PICTURED}.p12").exists()


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"\xff\xd8\xff\xe0", (), "expected a PNG; found something else"),
        (bytes(2 * 1024 * 1024 + 9), (), "expected at most 2097152 bytes"),
        (png(Image.new("RGB", (700, 700), "red")), (), "found colours without transparency"),
        (png(Image.new("RGBA", (2049, 9))), (), "1 to 2048 pixels each way; found 2049 x 9"),
        (png(seal_image(300, 300)), (), "at least 300 dpi at 42 mm; found 181"),
        (seal_png(), ("--width", "420"), "a seal of 30 to 60 mm; found 420"),
        (seal_png(), ("--width", "nan"), "a seal of 30 to 60 mm; found nan"),
    ],
    ids=["type", "bytes", "mode", "pixels", "coarse", "width", "no width"],
)
def test_what_is_no_seal_is_refused_in_words_and_nothing_is_kept(
    data: Path, given: Path, content: bytes, options: tuple[str, ...], words: str
) -> None:
    given.write_bytes(content)
    bring = ("keys", "import-seal", given, "--authority", PICTURED, "--data", data)
    assert words in refused(*bring, *options)
    assert load_pictures(data / "keys") == {}


@pytest.mark.parametrize(
    ("authority", "words"),
    [
        ("nobody", "no authority called 'nobody'"),
        ("huoqiu-police", "huoqiu-police has no seal key"),
    ],
)
def test_it_is_brought_for_an_authority_that_has_a_key(
    data: Path, given: Path, authority: str, words: str
) -> None:
    assert words in refused("keys", "import-seal", given, "--authority", authority, "--data", data)
    assert load_pictures(data / "keys") == {}


def test_a_file_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    bring = ("keys", "import-seal", tmp_path / "none.png", "--authority", PICTURED, "--data", data)
    assert "none.png" in refused(*bring)


def test_only_what_is_kept_as_a_picture_is_removed(data: Path) -> None:
    secret = data / "keys" / "secret.png"
    secret.write_text("no picture of a seal")
    assert "has no picture" in refused("keys", "remove-seal", "../secret", "--data", data)
    assert secret.exists()


def test_in_a_demonstration_it_is_said_that_the_seal_will_say_so(
    data: Path, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUAYU_SECRET", raising=False)
    demo = shutil.copytree(data, tmp_path / "demo")
    (demo / "keys" / "secret").write_text("of a demonstration")
    said = done("keys", "import-seal", given, "--authority", PICTURED, "--data", demo)
    assert "it will say 演示 across" in said
