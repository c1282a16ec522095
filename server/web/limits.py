"""How often one address, number or clerk may ask: named rates, counted by `limits`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from server.errors import ServiceError

# A whole hall shares one address, so these are generous; a single account has its own lock.
RATES: Final[dict[str, tuple[str, str]]] = {
    # name: (per address, over all addresses)
    "sign_in": ("60/minute", "1200/minute"),
    "verify": ("60/minute", "6000/minute"),
    # Counted per certificate number and not per address.
    "verify_number": ("60/minute", "6000/minute"),
    "verify_file": ("20/minute", "600/minute"),
    # Signed lists for phones that are to verify without network: a hall of them shares an address.
    "lists": ("1200/minute", "60000/minute"),
    "pick_up": ("30/minute", "1200/minute"),
    # Counted per clerk: somebody who looks for a fault tries again a few times.
    "probe": ("10/minute", "6000/minute"),
    "device_check": ("120/minute", "6000/minute"),
    "pair": ("120/minute", "2400/minute"),
    # The signer's own: a clerk decides on each certificate, an authority has many clerks.
    "sign_as": ("60/minute", "6000/minute"),
    "sign_for": ("1200/minute", "6000/minute"),
    # The same for what is signed with SM2 afterwards, which keeps nobody from issuing.
    "sign_sm2": ("1200/minute", "6000/minute"),
    # Counted per issuer: meanwhile the last list is given.
    "sign_list": ("60/minute", "600/minute"),
}


def build_admit() -> Callable[[str, str], None]:
    """Return `admit(rate, address)`, which refuses rate.exceeded when a window is full."""
    limiter = MovingWindowRateLimiter(MemoryStorage())
    items: dict[str, tuple[RateLimitItem, RateLimitItem]] = {
        name: (parse(one), parse(whole)) for name, (one, whole) in RATES.items()
    }

    def admit(rate: str, address: str) -> None:
        one, whole = items[rate]
        if not (limiter.hit(one, rate, address) and limiter.hit(whole, rate)):
            raise ServiceError("rate.exceeded", seconds=int(one.get_expiry()))

    return admit
