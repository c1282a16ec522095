"""Every notice that the service sends, by its name."""

from __future__ import annotations

from pydantic import BaseModel

from server.calls import mark_messages
from server.calls import messages as calls
from server.cases import notices as cases
from server.certificates import messages as certificates
from server.certificates import review_messages as reviews
from server.exports import messages as exports
from server.recordings import messages as recordings
from server.relays import messages as relays
from server.tickets import messages as tickets
from server.web import socket

NOTICES: dict[str, type[BaseModel]] = {
    **cases.NOTICES,
    **tickets.NOTICES,
    **relays.NOTICES,
    **calls.NOTICES,
    **mark_messages.NOTICES,
    **recordings.NOTICES,
    **exports.NOTICES,
    **certificates.NOTICES,
    **reviews.NOTICES,
    **socket.NOTICES,
}
