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


async def connected(screen: Screen) -> None:
    """Wait until a page is connected with somebody: a relay, before any call."""
    await screen.page.wait_for_function(
        "() => window.connections.some((one) => one.connectionState === 'connected')"
    )
