"""The one answer shape of the service, read into data or a refusal."""

from __future__ import annotations

import json
from typing import Any

Data = dict[str, Any]


class Refusal(Exception):  # noqa: N818 (the domain's word, and no error of ours)
    """What was asked is refused: a stable code, and what the service said beside it.

    `status` is HTTP's, None for a socket's answer; `details` are safe to show.
    """

    def __init__(
        self,
        code: str,
        status: int | None = None,
        field: str | None = None,
        details: Data | None = None,
        request_id: str | None = None,
    ) -> None:
        """Refuse with `code`; everything else is what the service said about it."""
        self.code = code
        self.status = status
        self.field = field
        self.details = details or {}
        self.request_id = request_id
        named = code if field is None else f"{code} ({field})"
        super().__init__(named if status is None else f"{named}, HTTP {status}")


class ServerLostError(ConnectionError):
    """The service is out of reach or its connection broke: a command's fate is unknown.

    `code` is the stable one with which the service closed the socket, if it was the service.
    """

    def __init__(self, words: str, code: str | None = None) -> None:
        """Say what happened, and with which code of the service's."""
        self.code = code
        super().__init__(words if code is None else f"{words}: {code}")


def read_answer(answer: object, status: int | None) -> Any:  # noqa: ANN401 (data is any JSON value)
    """Return `data` of an answer, or raise the Refusal that it bears.

    Anything that is not the one answer shape is refused as `answer.unreadable`.
    """
    if not isinstance(answer, dict) or not {"data", "error"} <= answer.keys():
        raise Refusal("answer.unreadable", status)
    error = answer["error"]
    if error is None:
        return answer["data"]
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        raise Refusal("answer.unreadable", status)
    raise Refusal(
        error["code"], status, error.get("field"), error.get("details"), answer.get("request_id")
    )


def decode_answer(content: bytes, status: int) -> Any:  # noqa: ANN401 (data is any JSON value)
    """Return `data` of an HTTP answer's body, or raise the Refusal that it bears."""
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    return read_answer(answer, status)
