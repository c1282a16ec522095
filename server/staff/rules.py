"""When a login lives, when an account is locked, and what names and passwords will do."""

from __future__ import annotations

import enum
import re
import unicodedata
from datetime import datetime, timedelta

from server.errors import ServiceError

LOGIN_LIVES = timedelta(hours=12)
LOGIN_IDLES = timedelta(hours=2)
SEEN_STEP = timedelta(minutes=1)
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
FAILURES_REMEMBERED = timedelta(days=1)
PASSWORD_LENGTH = 10
PASSWORD_LENGTH_MOST = 200
DISPLAY_NAME_LENGTH = 40
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")


class EndReason(enum.StrEnum):
    """Why a login ended before its time."""

    SIGNED_OUT = "signed_out"
    SIGNED_IN_ANEW = "signed_in_anew"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 (a reason and no password)
    DISABLED = "disabled"


def fold_name(text: str) -> str:
    """Return a sign-in name as it is kept, or "" for what can be no name of ours."""
    name = text.strip().lower()
    return name if _NAME.fullmatch(name) else ""


def check_name(text: str) -> str:
    """Return a new account's name; text.bad_characters unless 2-32 of a-z 0-9 . _ -."""
    name = fold_name(text)
    if not name:
        raise ServiceError("text.bad_characters", field="name")
    return name


def check_display_name(text: str) -> str:
    """Return the name that colleagues and citizens read: 1-40 printable characters."""
    name = text.strip()
    if not name:
        raise ServiceError("text.empty", field="display_name")
    if len(name) > DISPLAY_NAME_LENGTH:
        raise ServiceError("text.too_long", field="display_name", limit=DISPLAY_NAME_LENGTH)
    if any(unicodedata.category(character)[0] == "C" for character in name):
        raise ServiceError("text.bad_characters", field="display_name")
    return name


def check_password(name: str, password: str) -> None:
    """Refuse password.weak: under 10 or over 200 characters, all the same, or the name itself."""
    long_enough = PASSWORD_LENGTH <= len(password) <= PASSWORD_LENGTH_MOST
    if not long_enough or len(set(password)) == 1 or password.strip().lower() == name:
        raise ServiceError(
            "password.weak",
            field="password",
            at_least=PASSWORD_LENGTH,
            at_most=PASSWORD_LENGTH_MOST,
        )


def must_touch(seen_at: datetime, now: datetime) -> bool:
    """Say whether a login was last noted so long ago that it is worth a write."""
    return now - seen_at >= SEEN_STEP
