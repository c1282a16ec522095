"""What the other end of a call sent, read with distrust before aiortc sees any of it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiortc import RTCIceCandidate, RTCSessionDescription
from aiortc.sdp import SessionDescription, candidate_from_sdp

from .answers import Data, Refusal

# Twice the largest honest one: camera and microphone 7 KB, each of eight further streams 3 KB.
LARGEST_SDP = 64_000  # Characters.

MDNS_LINE = re.compile(r"^a=candidate:(?:\S+ ){4}\S+\.local .*\r?\n?", re.MULTILINE)
CANDIDATE_LINE = re.compile(r"^a=candidate:", re.MULTILINE)
END_LINE = re.compile(r"^a=end-of-candidates\r?\n?", re.MULTILINE)
MSID_LINE = re.compile(r"^a=msid:\S+", re.MULTILINE)


@contextmanager
def refusing(code: str) -> Iterator[None]:
    """Turn whatever the block raises into a Refusal of that code."""
    try:
        yield
    except Refusal:
        raise
    # Fuzzed descriptions made aiortc raise seven unrelated types, AssertionError among them.
    except Exception as error:
        raise Refusal(code, details={"why": f"{type(error).__name__}: {error}"[:200]}) from error


@dataclass(frozen=True)
class Description:
    """A remote description without mDNS candidates, and what we need to know of it."""

    type: str
    sdp: str
    fragment: str | None  # The ICE user name: another one means another connection.
    streams: dict[str, str]  # By MID, the name before the blank in `a=msid`.

    @property
    def for_aiortc(self) -> RTCSessionDescription:
        """Return it as aiortc takes it."""
        return RTCSessionDescription(self.sdp, self.type)


def read_description(data: object) -> Description:
    """Return a description, or refuse it as `description.invalid` or `description.too_large`."""
    if not isinstance(data, dict) or data.get("type") not in {"offer", "answer"}:
        raise Refusal("description.invalid")
    text = data.get("sdp")
    if not isinstance(text, str):
        raise Refusal("description.invalid")
    if len(text) > LARGEST_SDP:
        raise Refusal("description.too_large")
    with refusing("description.invalid"):
        return _parse(str(data["type"]), without_mdns(text))


def _parse(kind: str, text: str) -> Description:
    """Parse a description as aiortc would; raises whatever aiortc raises."""
    parsed = SessionDescription.parse(text)
    why = _fault(parsed)
    if why is not None:
        raise Refusal("description.invalid", details={"why": why})
    streams = {
        media.rtp.muxId: (media.msid or "").split(" ")[0]
        for media in parsed.media
        if media.kind in {"audio", "video"}
    }
    ice = parsed.media[0].ice
    return Description(kind, text, None if ice is None else ice.usernameFragment, streams)


def _fault(parsed: SessionDescription) -> str | None:
    """Return what aiortc would not notice in time, or None.

    A bundle around an unknown MID leaves it with transports that it cannot even close.
    """
    mids = [media.rtp.muxId for media in parsed.media]
    if not mids:
        return "no media"
    if "" in mids or len(set(mids)) < len(mids):
        return "media without a MID of their own"
    if any(not set(group.items) <= set(mids) for group in parsed.group):
        return "a group of unknown media"
    for media in parsed.media:
        if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
            return "no ICE credentials"
        if media.dtls is None or not media.dtls.fingerprints:
            return "no fingerprint"
    return None


def without_mdns(text: str) -> str:
    """Drop candidates that are mDNS names.

    When nothing else is left, the end of candidates is dropped too: our end must then wait to
    be called, and would give up at once if it knew that no address will come.
    """
    kept = MDNS_LINE.sub("", text)
    return kept if CANDIDATE_LINE.search(kept) else END_LINE.sub("", kept)


def name_streams(text: str, name: str) -> str:
    """Return our own description with every stream called `name`."""
    return MSID_LINE.sub(f"a=msid:{name}", text)


def read_candidate(data: Data) -> RTCIceCandidate | None:
    """Return a trickled candidate, None for one to be dropped: an empty one or an mDNS name.

    Anything else whose address is not a literal one is refused as `candidate.invalid`.
    """
    with refusing("candidate.invalid"):
        text = data["candidate"].removeprefix("candidate:")
        if not text.strip():
            return None
        candidate = candidate_from_sdp(text)
        if candidate.ip.endswith(".local"):
            return None
        ipaddress.ip_address(candidate.ip)
        candidate.sdpMid = data.get("sdp_mid")
        candidate.sdpMLineIndex = data.get("sdp_m_line_index")
        return candidate
