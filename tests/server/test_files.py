from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from server.files import TEMPORARY, LocalFiles

NAME = "materials/0a1b.jpg"


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "data" / "files")


async def test_what_is_put_comes_back(files: LocalFiles) -> None:
    content = bytes(range(256)) * 1000
    await files.put(NAME, content)
    assert await files.get(NAME) == content


async def test_nothing_is_a_file_too(files: LocalFiles) -> None:
    await files.put(NAME, b"")
    assert await files.get(NAME) == b""


async def test_the_same_bytes_again_change_nothing(files: LocalFiles) -> None:
    await files.put(NAME, b"one")
    before = (files.folder / NAME).stat().st_mtime_ns
    await files.put(NAME, b"one")
    assert (files.folder / NAME).stat().st_mtime_ns == before


async def test_other_bytes_under_the_same_name_are_refused(files: LocalFiles) -> None:
    await files.put(NAME, b"one")
    with pytest.raises(FileExistsError):
        await files.put(NAME, b"two")
    assert await files.get(NAME) == b"one"
    assert files.sweep() == 0


async def test_of_ten_writers_at_once_one_wins_whole(files: LocalFiles) -> None:
    contents = [bytes([number]) * 100_000 for number in range(10)]
    outcomes = await asyncio.gather(
        *(files.put(NAME, content) for content in contents), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["FileExistsError"] * 9 + [
        "NoneType"
    ]
    assert await files.get(NAME) == contents[outcomes.index(None)]


async def test_a_missing_file_is_missing(files: LocalFiles) -> None:
    with pytest.raises(FileNotFoundError):
        await files.get(NAME)
    await files.remove(NAME)


async def test_a_removed_file_is_gone(files: LocalFiles) -> None:
    await files.put(NAME, b"one")
    await files.remove(NAME)
    assert await files.names("materials") == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "file",
        "/etc/passwd",
        "../secret",
        "materials/../../secret",
        "materials/..",
        "materials/.hidden",
        "materials//a",
        "materials/a/",
        "materials/A.jpg",
        "materials/a b",
        "materials/a\x00",
        "materials/a\n",
        "materials/张",
        "materials\\a",
        "materials/a.part",
    ],
)
async def test_a_name_that_is_not_ours_is_refused(files: LocalFiles, name: str) -> None:
    for verb in (files.put(name, b""), files.get(name), files.remove(name)):
        with pytest.raises(ValueError, match="not a name of ours"):
            await verb
    assert list(files.folder.rglob("*")) == []


async def test_names_are_sorted_and_leave_out_what_is_half_written(files: LocalFiles) -> None:
    for name in ("certificates/z.pdf", "materials/b/2.png", "materials/a.png"):
        await files.put(name, b"")
    (files.folder / f"materials/c.png.0{TEMPORARY}").write_bytes(b"half")
    assert await files.names("materials") == ["materials/a.png", "materials/b/2.png"]
    assert await files.names("nothing") == []


async def test_a_sweep_removes_what_a_killed_process_left_and_nothing_else(
    files: LocalFiles,
) -> None:
    await files.put(NAME, b"one")
    (files.folder / f"materials/c.png.0{TEMPORARY}").write_bytes(b"half")
    assert files.sweep() == 1
    assert await files.names("materials") == [NAME]


async def test_a_sweep_leaves_what_another_process_is_writing(files: LocalFiles) -> None:
    for name in ("new", "old"):
        (files.folder / f"{name}{TEMPORARY}").write_bytes(b"half")
    os.utime(files.folder / f"old{TEMPORARY}", (0, 0))
    assert files.sweep(3600) == 1
    assert (files.folder / f"new{TEMPORARY}").exists()


async def test_a_failed_write_leaves_nothing(
    files: LocalFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        await files.put(NAME, b"one")
    monkeypatch.undo()
    assert [path for path in files.folder.rglob("*") if path.is_file()] == []
    await files.put(NAME, b"one")


async def test_every_folder_on_the_way_is_made_durable(
    files: LocalFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.append(str(Path(f"/proc/self/fd/{number}").readlink()))
    )
    await files.put("materials/b/2.png", b"one")
    root = str(files.folder)
    assert synced[0].startswith(f"{root}/materials/b/2.png.")
    assert synced[1:] == [f"{root}/materials/b", f"{root}/materials", root]


async def test_other_users_of_the_machine_cannot_look_in(files: LocalFiles) -> None:
    await files.put(NAME, b"one")
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((files.folder / "materials").stat().st_mode) == 0o700
