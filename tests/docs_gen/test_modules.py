from __future__ import annotations

import pytest
import segno
from segno import consts

from docs_gen.modules import LEVEL, MASK, modules

# Around every change of how a code is built: count and remainder bits, kinds of blocks, patterns.
VERSIONS = (1, 2, 6, 7, 9, 10, 13, 14, 15, 20, 21, 26, 27, 28, 35, 40)


def room(version: int) -> int:
    """Return how many bytes a code of a size takes."""
    return (consts.SYMBOL_CAPACITY[version][LEVEL] - 4 - (8 if version < 10 else 16)) // 8


@pytest.mark.parametrize("version", VERSIONS)
def test_a_code_that_is_full_has_the_very_modules_that_segno_makes(version: int) -> None:
    content = bytes(i * i * 7 % 251 for i in range(room(version)))
    code = segno.make(
        content, error="m", mode="byte", boost_error=False, micro=False, mask=MASK,
    )  # fmt: skip
    assert code.version == version
    assert modules(content) == ["".join(map(str, row)) for row in code.matrix]


@pytest.mark.parametrize("version", [1, 9, 14, 27])
def test_one_byte_more_takes_the_next_size(version: int) -> None:
    assert len(modules(bytes(room(version) + 1))) == len(modules(bytes(room(version)))) + 4


def test_what_no_code_takes_is_refused() -> None:
    assert len(modules(bytes(room(40)))) == 177
    with pytest.raises(ValueError, match="2332 bytes"):
        modules(bytes(room(40) + 1))
