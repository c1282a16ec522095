from __future__ import annotations

from collections.abc import Iterator

import pytest

from docs_gen import fonts
from tests.support.office import Office, open_office


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Demo keys for the whole run; no test changes them."""
    return open_office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="session")
def issued(office: Office) -> bytes:
    """A certificate as it is issued."""
    return office.issue()


@pytest.fixture
def no_rare_faces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system without any face of rare characters."""
    caches = (fonts.load_fonts, fonts._rare_files, fonts._rare_face, fonts.face_for)
    known = {name: face for name, face in fonts._FACES.items() if name in fonts.FILES}
    monkeypatch.setattr(fonts, "_FACES", known)
    monkeypatch.setattr(fonts, "FONT_FOLDERS", ())
    for one in caches:
        one.cache_clear()
    yield
    for one in caches:
        one.cache_clear()
