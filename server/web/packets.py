"""The only Socket.IO packets that a client may send us."""

from __future__ import annotations

from typing import ClassVar

from engineio.exceptions import SocketIsClosedError
from socketio.packet import CONNECT, DISCONNECT, EVENT, Packet


class StrictPacket(Packet):  # type: ignore[misc]  # python-socketio has no type marker
    """Admits CONNECT, DISCONNECT and EVENTs called one of `names` with one object.

    Clients may otherwise send events named `connect`, or with arguments of their own, and the
    server's handlers run. Anything else ends the connection: SocketIsClosedError is what
    engine.io takes as its end.
    """

    uses_binary_events = False
    names: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, *given: object, encoded_packet: object = None, **named: object) -> None:
        """Build a packet to send, or check one that came in."""
        super().__init__(*given, **named)
        if encoded_packet is not None and not self._decodes(encoded_packet):
            raise SocketIsClosedError

    def _decodes(self, encoded: object) -> bool:
        if not isinstance(encoded, str):
            return False
        try:
            attachments = self.decode(encoded)
        except (ValueError, TypeError, RecursionError):
            return False
        return not attachments and self.namespace in {None, "/"} and self._is_ours()

    def _is_ours(self) -> bool:
        if self.packet_type in {CONNECT, DISCONNECT}:
            return True
        match self.data:
            case [str() as name, dict()]:
                return self.packet_type == EVENT and name in self.names
            case _:
                return False


def strict_packet(names: frozenset[str]) -> type[StrictPacket]:
    """Return the packet class for these event names."""
    return type("StrictPacket", (StrictPacket,), {"names": names})
