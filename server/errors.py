"""Refusals that a caller should understand: one stable code and one HTTP status each."""

from __future__ import annotations

# Codes are noun.adjective and never change their meaning; the browser client has Chinese words
# for every one of them (a test compares the two lists).
CODES: dict[str, int] = {
    # web
    "body.malformed": 400,
    "body.invalid": 422,
    "body.too_large": 413,
    "body.too_slow": 408,
    "body.length_missing": 411,
    "query.invalid": 422,
    "range.unsatisfiable": 416,
    "route.unknown": 404,
    "method.wrong": 405,
    "origin.foreign": 403,
    "server.broken": 500,
    "server.busy": 503,
    "rate.exceeded": 429,
    "idempotency_key.missing": 400,
    "idempotency_key.malformed": 400,
    "idempotency_key.reused": 409,
    "clock.behind": 503,
    # sign-in and rights
    "login.missing": 401,
    "login.expired": 401,
    "login.refused": 401,
    "login.locked": 429,
    "action.forbidden": 403,
    "password.weak": 422,
    "staff.unknown": 404,
    "staff.taken": 409,
    # socket
    "event.unknown": 400,
    "event.invalid": 400,
    "frame.malformed": 400,
    "frame.too_large": 413,
    "namespace.unknown": 404,
    "join.missing": 408,
    "join.repeated": 409,
    # values people type
    "id_number.malformed": 422,
    "id_number.bad_check_digit": 422,
    "id_number.bad_date": 422,
    "credit_code.malformed": 422,
    "credit_code.bad_check_digit": 422,
    "phone.malformed": 422,
    "date.malformed": 422,
    "date.impossible": 422,
    "date.out_of_range": 422,
    "money.malformed": 422,
    "money.out_of_range": 422,
    "number.malformed": 422,
    "number.out_of_range": 422,
    "choice.unknown": 422,
    "text.empty": 422,
    "text.too_long": 422,
    "text.bad_characters": 422,
    # regions and items
    "region.unknown": 404,
    "hall.unknown": 404,
    "hall.closed": 409,
    "counter.unknown": 404,
    "item.unknown": 404,
    # cases
    "case.unknown": 404,
    "case.wrong_state": 409,
    "case.incomplete": 409,
    "jurisdiction.own": 422,
    "field.unknown": 404,
    "field.stale": 409,
    "material.unknown": 404,
    "materials.missing": 409,
    "material.too_large": 413,
    "material.too_many_pixels": 413,
    "material.wrong_type": 415,
    "material.unreadable": 422,
    "material.missing": 422,
    "consent.missing": 409,
    "checks.missing": 409,
    "promise.forbidden": 409,
    "refusal.unknown": 404,
    # queue and calls
    "seat.missing": 403,
    "seat.taken": 409,
    "ticket.unknown": 404,
    "ticket.gone": 409,
    "offer.unknown": 404,
    "offer.gone": 409,
    "agent.busy": 409,
    "call.unknown": 404,
    "call.over": 409,
    "call.interrupted": 409,
    "person.unconfirmed": 409,
    "person.confirmed": 409,
    "signal.invalid": 422,
    "leg.unknown": 404,
    "leg.elsewhere": 409,
    "leg.busy": 409,
    "worker.full": 503,
    "recording.unknown": 404,
    "recording.missing": 409,
    "recording.unavailable": 409,
    "recording.purged": 409,
    "recording.altered": 409,
    "viewing.unknown": 404,
    "viewing.expired": 403,
    "call.live": 409,
    "chunk.altered": 422,
    "chunk.taken": 409,
    "still.unknown": 404,
    "still.gone": 409,
    # certificates
    "certificate.unknown": 404,
    "certificate.unrecognised": 409,
    "certificate.exists": 409,
    "certificate.kind_unknown": 422,
    "certificate.unprintable": 422,
    "certificate.not_released": 409,
    "certificate.revoked": 409,
    "signer.unavailable": 503,
    "settlement.exists": 409,
    # citizens
    "pickup.unknown": 404,
    "pairing.unknown": 404,
    "notice.stale": 409,
    "signature.unreadable": 422,
    "rating.given": 409,
}


class ServiceError(Exception):
    """A refusal with a stable code; `details` are safe to show and hold no personal data."""

    def __init__(self, code: str, **details: object) -> None:
        """Refuse with `code`, which must be listed in CODES."""
        self.code = code
        self.status = CODES[code]
        self.details = details
        super().__init__(code)
