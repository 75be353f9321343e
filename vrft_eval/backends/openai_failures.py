"""What a server's refusal means: try again, give this prompt up, or stop, with one line that says how to mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any

from vrft_eval.backends.openai_reply import message_in
from vrft_eval.errors import InputError, nearest, shorten

if TYPE_CHECKING:
    from openai import APIConnectionError, APIStatusError

_NO_CONNECTION = ("ConnectError", "ConnectTimeout")
_NO_VISION = re.compile(
    r"at most 0 image|not a multimodal model|unknown variant .?image_url|mmproj"
    r"|(image|vision|multi-?modal)[^.]{0,60}(not support|n.t support|unsupported|only supported)"
    r"|(not support|n.t support|unsupported)[^.]{0,60}(image|vision|multi-?modal)",
    re.IGNORECASE,
)
_NO_CREDIT = "insufficient_quota"
_UNSUPPORTED = ("unsupported_parameter", "unsupported_value")


class TryFailed(Exception):
    """One try of a request failed. `again`: another may not; `wait`: seconds that the server asks for."""

    def __init__(self, reason: str, *, again: bool, wait: float | None = None, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.again = again
        self.wait = wait
        self.unreachable = unreachable


@dataclass
class Reader:
    """Reads a server's refusals. No message of it holds the key, whatever the server says."""

    base_url: str
    model: str
    models: tuple[str, ...]
    key: str | None
    key_variable: str
    answered: bool = False
    """Whether one prompt has been: then key, model and form of the requests are right."""

    def no_connection(self, error: APIConnectionError) -> TryFailed:
        """The connection wasn't made, gave no answer in time, or broke off."""
        # By their names: openai has two HTTP clients below it, depending on its version.
        made = type(error.__cause__).__name__ not in _NO_CONNECTION
        what = "the connection broke off" if made else "no connection"
        reason = self.shown(str(error.__cause__) or type(error.__cause__).__name__)
        return TryFailed(f"{what}: {reason}", again=True, unreachable=not made)

    def refusal(self, error: APIStatusError) -> TryFailed:
        """A status of 400 or more. Raises InputError for what every other prompt would meet too."""
        status, said = error.status_code, self._said(error)
        if status == 401 or (status == 403 and not self.answered):
            raise InputError(f"refuses the key, {self._which_key()} ({status}: {said})", file=self.base_url)
        if status == 402 or error.code == _NO_CREDIT:
            raise InputError(f"wants to be paid first ({status}: {said})", file=self.base_url)
        if status == 404 or (status == 400 and self.models and self.model not in self.models and not self.answered):
            raise self._not_found(said)
        if not self.answered and _NO_VISION.search(said):
            raise InputError(
                f"its model takes no images: serve a vision-language model ({status}: {said})", file=self.base_url
            )
        if error.code in _UNSUPPORTED:
            raise InputError(
                f"doesn't take {error.param}; --model-defaults sends no sampling settings ({status}: {said})",
                file=self.base_url,
            )
        again = status in (408, 409, 425, 429) or status >= 500
        return TryFailed(f"{status}: {said}", again=again, wait=_retry_after(error.response.headers) if again else None)

    def shown(self, text: str) -> str:
        """A server's text as part of a line."""
        if self.key:
            text = text.replace(self.key, "***")
        return shorten(" ".join(text.split()), 300) or "no reason given"

    def _said(self, error: APIStatusError) -> str:
        return self.shown(message_in(error.body) or error.response.text)

    def _which_key(self) -> str:
        if self.key is None:
            return f"and there is none in the environment variable {self.key_variable} (--key-variable)"
        return f"which is that of the environment variable {self.key_variable} (--key-variable)"

    def _not_found(self, said: str) -> InputError:
        if self.models and self.model not in self.models:
            hint = nearest(self.model, self.models)
            return InputError(f"has no such model; {hint}", file=self.base_url, field="--model", value=self.model)
        return InputError(
            f"has no chat completions for this model there; is --base-url right (most end in /v1)? (404: {said})",
            file=self.base_url,
        )


def _retry_after(headers: Any) -> float | None:
    """Seconds, from a header that holds them or a date."""
    header = str(headers.get("retry-after", ""))
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return seconds if 0 < seconds < float("inf") else None
