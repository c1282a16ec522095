"""The rules of calls: seats, who negotiates with whom, and what a signal may hold."""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.errors import ServiceError

SEAT_LEASE: Final = timedelta(seconds=120)
# After a longer cut somebody else may sit at the counter.
UNSEEN: Final = timedelta(seconds=10)
STILL_LASTS: Final = timedelta(seconds=5)
# Longer than an offer's ring: who is asked reads who asks, and for what.
INVITATION_LASTS: Final = timedelta(seconds=30)
# Of advisers, and of observers: beyond, a screen shows nobody any more.
MOST_GUESTS: Final = 4
# A browser's offer with camera, microphone and screen is about 15 KB: measured; twice that.
MAX_SDP: Final = 32 * 1024
MAX_SECTIONS: Final = 8
MAX_CANDIDATES: Final = 128
# A leg carries all other seats: 8 voices and 16 pictures in, and what it sends. More than 48 KB
# would not fit into a frame.
MAX_LEG_SDP: Final = 48 * 1024
MAX_LEG_SECTIONS: Final = 32
# Between two messages a hand moves over some dozen points.
MOST_POINTS: Final = 64
_HOST_NAME = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\.local")
# ASCII only: what some parsers take as the end of a line would hide a second line from us.
_SDP_LINE = re.compile(r"[a-z]=[\t\x20-\x7e]*")
_CANDIDATE = re.compile(
    r"candidate:[\w+/]{1,32} [1-9]\d{0,2} (?:udp|tcp) \d{1,10} (\S{1,64}) (\d{1,5}) typ "
    r"(?:host|srflx|prflx|relay)( [ -~]*)?",
    re.IGNORECASE | re.ASCII,
)
_RELATED = re.compile(r" raddr (\S+)", re.IGNORECASE)
_CONNECTION = re.compile(r"c=IN IP[46] (\S{1,64})")
HIGHEST_PORT: Final = 65535


class CallState(enum.StrEnum):
    """Where a call stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    INTERRUPTED = "interrupted"
    ENDED = "ended"


class SeatSide(enum.StrEnum):
    """Whom a seat is for."""

    LOCAL = "local"
    REMOTE = "remote"
    ADVISER = "adviser"
    OBSERVER = "observer"
    CITIZEN = "citizen"


class InvitationState(enum.StrEnum):
    """What became of asking a colleague into a call."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"


class Departure(enum.StrEnum):
    """Why a guest's seat ended before the call did."""

    LEFT = "left"
    DISMISSED = "dismissed"
    LINE = "line"


class AuthorityVerdict(enum.StrEnum):
    """Whether an agent may act on a case for its jurisdiction, and if not, why."""

    VALID = "valid"
    ACCOUNT_DISABLED = "account_disabled"
    REGION_FOREIGN = "region_foreign"
    ITEM_FOREIGN = "item_foreign"
    OFFICE_MISSING = "office_missing"


class Topology(enum.StrEnum):
    """Which ends a seat negotiates with: every other seat, or one relay."""

    DIRECT = "direct"
    RELAY = "relay"


class EndReason(enum.StrEnum):
    """Why a call ended."""

    FINISHED = "finished"
    LINE = "line"
    CITIZEN_LEFT = "citizen_left"
    OTHER = "other"


class StillState(enum.StrEnum):
    """What became of a still that was asked for."""

    ASKED = "asked"
    FILED = "filed"
    REFUSED = "refused"
    MISSED = "missed"


HALLS: Final = frozenset({SeatSide.LOCAL, SeatSide.REMOTE})
# Those who come into a call that is on, and may leave it without ending it.
GUESTS: Final = frozenset({SeatSide.ADVISER, SeatSide.OBSERVER})
ORDERS: Final = {SeatSide.LOCAL: 0, SeatSide.REMOTE: 1, SeatSide.CITIZEN: 2}
_SILENT: Final = frozenset({SeatSide.CITIZEN, SeatSide.OBSERVER})


def next_order(taken: Collection[int]) -> int:
    """Return the order of a guest who comes last, after those of whom each call has one."""
    return max([*taken, *ORDERS.values()]) + 1


def negotiates(one: SeatSide, other: SeatSide) -> bool:
    """Say whether two seats of a direct call connect: the facing screen only with the far side.

    It stands beside the counter clerk, so a second picture and voice of them would only echo.
    Between two that send nothing there is nothing to connect.
    """
    sides = {one, other}
    return sides != {SeatSide.LOCAL, SeatSide.CITIZEN} and not sides <= _SILENT


# What each side of a relayed call gets. The facing screen stands at the counter's side, and shows
# nothing to anybody; nobody is disturbed by who only observes.
_HEARD: Final[Mapping[SeatSide, frozenset[SeatSide]]] = {
    SeatSide.LOCAL: frozenset({SeatSide.REMOTE, SeatSide.ADVISER}),
    SeatSide.REMOTE: frozenset({SeatSide.LOCAL, SeatSide.ADVISER}),
    SeatSide.ADVISER: frozenset({SeatSide.LOCAL, SeatSide.REMOTE, SeatSide.ADVISER}),
    SeatSide.CITIZEN: frozenset({SeatSide.REMOTE, SeatSide.ADVISER}),
    SeatSide.OBSERVER: frozenset({SeatSide.LOCAL, SeatSide.REMOTE, SeatSide.ADVISER}),
}


def hears(one: SeatSide, other: SeatSide) -> bool:
    """Say whether a seat of a relayed call sees and hears another one; nobody does themselves."""
    return other in _HEARD[one]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the service knows of an agent at this moment; `items` empty means every item.

    `in_jurisdiction`: their region is, or sees to, the case's. `is_agent`: their account may
    answer calls.
    """

    active: bool
    is_agent: bool
    in_jurisdiction: bool
    items: Collection[str]


def judge_authority(
    found: Credentials | None, item_code: str, *, has_office: bool
) -> AuthorityVerdict:
    """Say whether an agent may act on a case, or the first thing that speaks against it.

    `has_office`: the jurisdiction has an authority that issues on the item.
    """
    if found is None or not found.active:
        return AuthorityVerdict.ACCOUNT_DISABLED
    if not found.in_jurisdiction:
        return AuthorityVerdict.REGION_FOREIGN
    if not found.is_agent or (found.items and item_code not in found.items):
        return AuthorityVerdict.ITEM_FOREIGN
    return AuthorityVerdict.VALID if has_office else AuthorityVerdict.OFFICE_MISSING


def next_epoch(before: datetime, now: datetime) -> datetime:
    """Return when a seat was taken anew: now, and later than the last time whatever the clock."""
    return max(now, before + timedelta(microseconds=1))


def state_of(current: CallState, *, up: bool) -> CallState:
    """Return where a live call stands by whether media flows at both halls' seats now.

    What never was connected is still connecting; what was and is not any more is interrupted.
    """
    if up:
        return CallState.CONNECTED
    return CallState.INTERRUPTED if current is CallState.CONNECTED else current


@dataclass(frozen=True, slots=True)
class Interruption:
    """For how long nobody saw who sits at the counter."""

    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Attendance:
    """The last cut after which nobody has said who sits there, and since when the line is down."""

    unconfirmed: Interruption | None
    down_since: datetime | None

    def is_doubtful(self, now: datetime) -> bool:
        """Say whether somebody else may sit there now."""
        down = self.down_since is not None and now - self.down_since > UNSEEN
        return down or self.unconfirmed is not None


ATTENDED: Final = ("call.interrupted", "call.connected", "person.confirmed")


def attend(marks: Iterable[tuple[str, datetime]]) -> Attendance:
    """Read from a case's log, of whose events `marks` are those ATTENDED, who is there by now.

    A cut lasts until a call on the case is connected, be it the same or the next one. What is said
    of the person while the line is down counts for the cuts before.
    """
    unconfirmed: Interruption | None = None
    down_since: datetime | None = None
    for kind, at in marks:
        if kind == "person.confirmed":
            unconfirmed = None
        elif kind == "call.interrupted":
            down_since = down_since or at
        elif down_since is not None:
            if at - down_since > UNSEEN:
                unconfirmed = Interruption(down_since, at)
            down_since = None
    return Attendance(unconfirmed, down_since)


def check_sdp(sdp: str, *, size: int = MAX_SDP, sections: int = MAX_SECTIONS) -> str:
    """Return a session description that may be passed on; refuse signal.invalid.

    Bounded in size, sections and candidates; every line printable ASCII; every address literal,
    so that nobody makes a peer look up names.
    """
    if len(sdp) > size:
        raise ServiceError("signal.invalid", field="sdp", expected=f"at most {size} bytes")
    lines = sdp.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0] != "v=0" or not all(_SDP_LINE.fullmatch(line) for line in lines):
        raise ServiceError("signal.invalid", field="sdp")
    candidates = [line.removeprefix("a=") for line in lines if line.startswith("a=candidate")]
    found = sum(line.startswith("m=") for line in lines)
    if found > sections or len(candidates) > MAX_CANDIDATES:
        raise ServiceError("signal.invalid", field="sdp")
    for line in lines:
        if line.startswith("c="):
            _check_connection(line)
    for candidate in candidates:
        check_candidate(candidate)
    return "\r\n".join(lines) + "\r\n"


def _check_connection(line: str) -> None:
    found = _CONNECTION.fullmatch(line)
    if found is None or not _is_address(found.group(1)):
        raise ServiceError("signal.invalid", field="sdp")


def check_candidate(candidate: str) -> str:
    """Return a candidate whose addresses are literal, or a browser's own <uuid>.local name."""
    if not candidate:
        return candidate
    found = _CANDIDATE.fullmatch(candidate)
    if found is None or int(found.group(2)) > HIGHEST_PORT:
        raise ServiceError("signal.invalid", field="candidate")
    addresses = [found.group(1), *_RELATED.findall(found.group(3) or "")]
    if not all(_is_address(address) for address in addresses):
        raise ServiceError("signal.invalid", field="candidate")
    return candidate


def _is_address(text: str) -> bool:
    if _HOST_NAME.fullmatch(text):
        return True
    try:
        # A zone such as %eth0 would mean an interface of whoever reads it.
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


class Tried(enum.StrEnum):
    """What became of a device when its clerk tried it."""

    WORKS = "works"
    SILENT = "silent"
    NONE = "none"
    REFUSED = "refused"
    IN_USE = "in_use"
    INSECURE = "insecure"
    UNKNOWN = "unknown"
    UNTRIED = "untried"


class Way(enum.StrEnum):
    """What became of the way to a media worker: there may be none, for calls go directly then."""

    MEASURED = "measured"
    DIRECT = "direct"
    UNREACHABLE = "unreachable"
    UNTRIED = "untried"


class Outlook(enum.StrEnum):
    """Whether a call may be expected to go well with what was found."""

    GOOD = "good"
    POOR = "poor"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a way gave: kilobits a second, shares from 0 to 1, milliseconds."""

    up_kbps: int
    down_kbps: int
    up_loss: float
    down_loss: float
    round_trip_ms: int


# With less, or with more of it lost, papers are not legible; the client warns by the same figures.
LEAST_KBPS: Final = 500
MOST_LOSS: Final = 0.05
LONGEST_ROUND_TRIP_MS: Final = 400


def judge(
    camera: Tried, microphone: Tried, speaker: Tried, way: Way, figures: Figures | None
) -> Outlook:
    """Return good where everything that was tried works; what was not tried speaks against nobody.

    The camera is tried in every check, the microphone only where somebody speaks.
    """
    fits = (
        camera is Tried.WORKS
        and microphone in {Tried.WORKS, Tried.UNTRIED}
        and speaker in {Tried.WORKS, Tried.UNTRIED}
        and way is not Way.UNREACHABLE
        and (figures is None or _is_enough(figures))
    )
    return Outlook.GOOD if fits else Outlook.POOR


def _is_enough(figures: Figures) -> bool:
    return (
        min(figures.up_kbps, figures.down_kbps) >= LEAST_KBPS
        and max(figures.up_loss, figures.down_loss) < MOST_LOSS
        and figures.round_trip_ms <= LONGEST_ROUND_TRIP_MS
    )
