"""The browser judges as Python does: every verdict, and whatever was altered."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import hatch_build
from docs_gen.verifying import Verdict
from tests.support.verdict_vectors import Vectors, make_vectors


def browser_agrees(vectors: Vectors, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have the client's own code answer the same questions."""
    path = folder / "vectors.json"
    said = {"lists": vectors.lists, "cases": vectors.cases}
    path.write_text(json.dumps(said, ensure_ascii=False))
    return subprocess.run(
        hatch_build.npm("exec", "--", "vitest", "run", "src/offline/vectors.test.ts"),
        cwd=hatch_build.CLIENT, env=hatch_build.environment() | {"KUAYU_VECTORS": str(path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_browser_gives_the_verdicts_and_reasons_that_python_gives(tmp_path: Path) -> None:
    vectors = make_vectors()
    found = Counter(case["says"].get("verdict", "refused") for case in vectors.cases)
    # What is no QR code of ours is unknown; unreadable are files alone.
    assert set(found) == {*Verdict, "refused"} - {Verdict.UNREADABLE}
    altered = [
        case for case in vectors.cases if case["name"].split()[0] in {"code", "trust", "status"}
    ]
    assert len(altered) > 500
    assert Verdict.GENUINE not in {case["says"].get("verdict") for case in altered}
    ran = browser_agrees(vectors, tmp_path)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert f"{len(vectors.cases)} agree" in ran.stdout
