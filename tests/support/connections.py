"""The peer connections of pages: each page keeps its own where a test can ask them."""

from __future__ import annotations

from typing import Final

from tests.support.screens import Screen

# What a page runs before its own scripts.
KEEP: Final = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) { super(...given); window.connections.push(this); }
};
"""


# What both halls said of their pictures comes to the service a moment after the pictures.
SEATS: Final = """async () => {
    const id = new URL(location.href).searchParams.get("case");
    const call = (await (await fetch(`/api/cases/${id}/call`)).json()).data;
    const known = [call.id, call.topology, ...call.seats.map((seat) => seat.id)];
    return call.state === "connected" && known;
}"""


async def seats(screen: Screen) -> list[str]:
    """Wait until the call on the desk is connected; return it, its topology and its seats."""
    found = await screen.page.wait_for_function(SEATS, polling=200)
    told: list[str] = await found.json_value()
    return told


async def connected(screen: Screen) -> None:
    """Wait until a page is connected with somebody: a relay, before any call."""
    await screen.page.wait_for_function(
        "() => window.connections.some((one) => one.connectionState === 'connected')"
    )
