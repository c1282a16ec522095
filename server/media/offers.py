"""What an offer must be like before aiortc is given it, and what its sections say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription


class UnfitError(Exception):
    """A description that cannot be answered; says why, without what it said."""


def check_shape(said: SessionDescription, before: Sequence[str]) -> list[str]:
    """Return the MIDs of an offer's sections; UnfitError if it is none of a browser's.

    `before` are those of the last offer that was answered: sections never go (RFC 8829, 5.2.2).
    What aiortc would take and stumble over later is refused here: sections outside the one bundle
    get ports of their own, and a missing fingerprint breaks the handshake in a task of its own.
    """
    mids = [media.rtp.muxId for media in said.media]
    if not mids or len(set(mids)) != len(mids) or mids[: len(before)] != list(before):
        raise UnfitError("sections")
    bundles = [one.items for one in said.group if one.semantic == "BUNDLE"]
    if len(bundles) != 1 or sorted(bundles[0]) != sorted(mids) or bundles[0][0] != mids[0]:
        raise UnfitError("bundle")
    for media in said.media:
        if media.kind not in {"audio", "video"} or not media.rtp.muxId:
            raise UnfitError("kind")
        if media.ice is None or not (media.ice.usernameFragment and media.ice.password):
            raise UnfitError("ice")
        if media.dtls is None or not media.dtls.fingerprints:
            raise UnfitError("fingerprint")
    return mids


def without_candidates(offer: str) -> str:
    """Return an offer that names nobody to be reached."""
    kept = [
        line
        for line in offer.splitlines()
        if not line.startswith(("a=candidate", "a=end-of-candidates"))
    ]
    return "\r\n".join(kept) + "\r\n"


def receives(media: MediaDescription) -> bool:
    """Say whether the browser receives in a section."""
    return media.direction in {"recvonly", "sendrecv"}


def sends(media: MediaDescription) -> bool:
    """Say whether the browser sends in a section."""
    return media.direction in {"sendonly", "sendrecv"}


def pair_number(said: SessionDescription, media: MediaDescription) -> int:
    """Return which section of its kind this is among those in which the browser receives."""
    alike = [one for one in said.media if one.kind == media.kind and receives(one)]
    return alike.index(media) if receives(media) else 0


def fit(codecs: Iterable[RTCRtpCodecParameters]) -> list[RTCRtpCodecParameters]:
    """Leave out the profiles of VP9 that not every browser decodes: aiortc takes all for one."""
    return [
        one
        for one in codecs
        if one.mimeType.lower() != "video/vp9" or str(one.parameters.get("profile-id", "0")) == "0"
    ]


def in_order(
    codecs: Sequence[RTCRtpCodecParameters], taken: Collection[str]
) -> list[RTCRtpCodecParameters]:
    """Return codecs in the order in which they are answered: a browser sends the first one.

    What everybody takes who watches (`taken`) comes first, then what a recording has a place for,
    then what the browser would like best; all of them put VP8 before VP9. Repairs go with what
    they repair.
    """
    names = {one.payloadType or 0: one.name.upper() for one in codecs}

    def rank(codec: RTCRtpCodecParameters) -> tuple[bool, bool]:
        repaired = codec.parameters.get("apt")
        name = names[repaired] if isinstance(repaired, int) else codec.name.upper()
        return bool(taken) and name not in taken, name == "H264"

    return sorted(codecs, key=rank)
