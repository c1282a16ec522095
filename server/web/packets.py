"""The only Socket.IO packets that a client may send us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from socketio.packet import CONNECT, DISCONNECT, EVENT, Packet

from server.errors import ServiceError

# What an event becomes that is none of ours. Clients may not call one so themselves: it is on
# no list of names.
REFUSED = "event.refused"
# An event's name in an answer, in few enough characters to be shown.
NAME_LENGTH = 100


class StrictPacket(Packet):  # type: ignore[misc]  # python-socketio has no type marker
    """Admits CONNECT, DISCONNECT and EVENTs, of which those of `names` with one object.

    Clients may otherwise send events named `connect`, or with arguments of their own, and the
    server's handlers run. Every other event becomes REFUSED; anything else is a ServiceError.
    `names` are the events of each namespace, and there are no other namespaces. An event's second
    argument says whether its client asked for an acknowledgement.
    """

    uses_binary_events = False
    names: ClassVar[Mapping[str, frozenset[str]]] = {}

    def __init__(self, *given: object, encoded_packet: object = None, **named: object) -> None:
        """Build a packet to send, or check one that came in."""
        super().__init__(*given, **named)
        if encoded_packet is not None:
            self._read(encoded_packet)

    def _read(self, encoded: object) -> None:
        try:
            attachments = self.decode(encoded) if isinstance(encoded, str) else 1
        except (ValueError, TypeError, RecursionError) as error:
            raise ServiceError("frame.malformed") from error
        if attachments or self.packet_type not in {CONNECT, DISCONNECT, EVENT}:
            raise ServiceError("frame.malformed")
        names = self.names.get(self.namespace or "/")
        if names is None:
            raise ServiceError("namespace.unknown")
        if self.packet_type == EVENT:
            self.data = [*self._event(names), self.id is not None]

    def _event(self, names: frozenset[str]) -> tuple[str, dict[str, object]]:
        match self.data:
            case [str() as name, dict() as said] if name in names:
                return name, said
            case [str() as name, *_]:
                code = "event.invalid" if name in names else "event.unknown"
                return REFUSED, {"event": name[:NAME_LENGTH], "code": code}
            case _:
                raise ServiceError("frame.malformed")


def strict_packet(names: Mapping[str, frozenset[str]]) -> type[StrictPacket]:
    """Return the packet class for these event names by their namespace."""
    return type("StrictPacket", (StrictPacket,), {"names": names})
