"""Films that are found in a stream of which a part is missing, or is not what it should be."""

from __future__ import annotations

import pytest

from server.recordings.webm import CLUSTER, MOST_CLUSTER_BYTES, Scan
from tests.support.clips import recorded

SECONDS, CHUNKS = 8, 6
MARK = CLUSTER.to_bytes(4, "big")
FALSE_MARKS = {
    "of no length": MARK + b"\x01" + b"\xff" * 7,
    "of too great a length": MARK + b"\x01" + (MOST_CLUSTER_BYTES + 1).to_bytes(7, "big"),
    "with no time": MARK + b"\x01" + (1 << 16).to_bytes(7, "big") + b"\x00",
    "with no head": MARK + b"\x00" * 12,
    "one in another": MARK + MARK + b"\xff",
}


@pytest.mark.parametrize("name", FALSE_MARKS)
def test_what_only_looks_like_a_cluster_is_passed_over(name: str) -> None:
    whole, broken = Scan(), Scan()
    chunks = recorded(SECONDS, CHUNKS)
    for chunk in chunks:
        whole.feed(chunk)
    broken.feed(chunks[0])
    broken.skip()
    broken.feed(b"picture" + FALSE_MARKS[name])
    for chunk in chunks[2:]:
        broken.feed(chunk)
    found, there = (
        [(one.began, one.ended, one.size) for one in scan.clusters] for scan in (broken, whole)
    )
    assert found == [one for one in there if one in found]
    assert found[-1] == there[-1]
    assert len(found) >= len(there) - 2


def test_a_block_that_is_cut_off_says_nothing() -> None:
    time, block = b"\xe7\x81\x05", b"\xa3\x82\x81\x00"
    scan = Scan()
    scan.feed(MARK + bytes([0x80 | len(time + block)]) + time + block)
    [cluster] = scan.clusters
    assert (cluster.began, cluster.ended, cluster.key) == (5, 5, None)
