"""A QR code's modules (ISO/IEC 18004), from what can be prepared once for every code of a size.

segno's tables and patterns are taken as they are; what it works out anew for each code, bit by bit,
is looked up here: where each bit comes to stand, what the mask turns over, and what each byte does
to the error correction. That is twenty times as fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Any

import segno.consts
import segno.encoder

# Neither has types for everything that is taken from it.
consts: Any = segno.consts
encoder: Any = segno.encoder

LEVEL = consts.ERROR_LEVEL_M
# The mask is always the same: the payload is as good as random, so all are about as readable, and
# looking for the best one takes longer than everything else on the page.
MASK = 3
LARGEST = 40
BYTE_MODE, MODE_BITS, SHORT_COUNT_BITS, COUNT_BITS, LAST_SHORT = 4, 4, 8, 16, 9
PADDING = b"\xec\x11"
OPEN = 2
# The column of the timing pattern, which columns of two leave out.
TIMING = 6


@dataclass(frozen=True, slots=True)
class _Size:
    """What all codes of one size have alike.

    `places` picks, for each module, a bit of the message or one of the constants in `rest`, which
    follows it.
    """

    side: int
    count_bits: int
    blocks: tuple[int, ...]
    checks: int
    places: Callable[[str], tuple[str, ...]]
    rest: str
    mask: int

    @property
    def room(self) -> int:
        """How many bytes of data there are, with their mode and count."""
        return sum(self.blocks)


def modules(content: bytes) -> list[str]:
    """Return a code's rows from above, "1" for dark, without quiet zone: bytes, level M.

    ValueError if it is more than the largest code takes.
    """
    size = _size(_version(len(content)))
    message = _message(content, size)
    bits = f"{int.from_bytes(message):0{len(message) * 8}b}{size.rest}"
    placed = int("".join(size.places(bits)), 2) ^ size.mask
    whole = f"{placed:0{size.side**2}b}"
    return [whole[start : start + size.side] for start in range(0, len(whole), size.side)]


def _version(length: int) -> int:
    for version in range(1, LARGEST + 1):
        room = consts.SYMBOL_CAPACITY[version][LEVEL]
        if MODE_BITS + _count_bits(version) + 8 * length <= room:
            return version
    raise ValueError(f"{length} bytes are more than a QR code takes")


def _count_bits(version: int) -> int:
    return SHORT_COUNT_BITS if version <= LAST_SHORT else COUNT_BITS


def _message(content: bytes, size: _Size) -> bytes:
    """Return the codewords as they are placed: of the blocks in turn, then of their checks."""
    # Mode and count are a multiple of eight bits with the four of the terminator, which may lack.
    head = BYTE_MODE << size.count_bits | len(content)
    number = (head << 8 * len(content) | int.from_bytes(content)) << 4
    data = number.to_bytes((MODE_BITS + size.count_bits) // 8 + len(content) + 1)
    missing = size.room - len(data)
    data += (PADDING * missing)[:missing]
    starts = [sum(size.blocks[:i]) for i in range(len(size.blocks))]
    blocks = [data[i : i + n] for i, n in zip(starts, size.blocks, strict=True)]
    checks = [_check(block, size.checks) for block in blocks]
    turns = chain(chain(*zip_longest(*blocks)), chain(*zip_longest(*checks)))
    return bytes(word for word in turns if word is not None)


def _check(block: bytes, count: int) -> bytes:
    """Return a block's error correction: the remainder after division by the generator."""
    steps, top, kept = _steps(count), 8 * (count - 1), (1 << 8 * count) - 1
    remainder = 0
    for word in block:
        remainder = (remainder << 8 & kept) ^ steps[word ^ remainder >> top]
    return remainder.to_bytes(count)


@cache
def _steps(count: int) -> tuple[int, ...]:
    """Return what each leading byte adds to a remainder of `count` bytes."""
    generator = consts.GEN_POLY[count]
    multiples = (
        bytes(consts.GALIOS_EXP[consts.GALIOS_LOG[lead] + power] for power in generator)
        for lead in range(1, 256)
    )
    return (0, *map(int.from_bytes, multiples))


@cache
def _size(version: int) -> _Size:
    side = encoder.calc_matrix_size(version)
    matrix = encoder.make_matrix(side, side)
    encoder.add_finder_patterns(matrix, side, side)
    encoder.add_alignment_patterns(matrix, side, side)
    encoder.add_format_info(matrix, version, LEVEL, MASK)
    encoder.add_version_info(matrix, version)
    blocks = consts.ECC[version][LEVEL]
    words = 8 * sum(block.num_blocks * block.num_total for block in blocks)
    cells = list(_cells(matrix))
    places = [len(cells) + cell for row in matrix for cell in row]
    turned = bytearray(side * side)
    is_turned = encoder.get_data_mask_functions(is_micro=False)[MASK]
    for bit, (i, j) in enumerate(cells):
        places[i * side + j] = bit
        turned[i * side + j] = is_turned(i, j)
    return _Size(
        side=side,
        count_bits=_count_bits(version),
        blocks=tuple(block.num_data for block in blocks for _ in range(block.num_blocks)),
        checks=blocks[0].num_total - blocks[0].num_data,
        places=itemgetter(*places),
        rest="0" * (len(cells) - words) + "01",
        mask=int("".join(map(str, turned)), 2),
    )


def _cells(matrix: tuple[bytearray, ...]) -> Iterator[tuple[int, int]]:
    """Go through the modules of the message: in columns of two from the right, up and down."""
    side = len(matrix)
    rights = [right if right > TIMING else right - 1 for right in range(side - 1, 0, -2)]
    for turn, right in enumerate(rights):
        rows = range(side) if turn % 2 else range(side - 1, -1, -1)
        for i in rows:
            yield from ((i, j) for j in (right, right - 1) if matrix[i][j] == OPEN)
