"""What an OpenAI-compatible server sends back, as far as it is read."""

from __future__ import annotations

import json
from dataclasses import replace

from pydantic import BaseModel, Field, ValidationError

from vrft_eval.backends.protocol import Answer


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int | None = Field(default=None, ge=0)


class Usage(BaseModel):
    """Tokens, as the server counts them."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    prompt_tokens_details: _Details | None = None


class Reply(BaseModel):
    """A chat completion."""

    choices: list[_Choice] = Field(min_length=1)
    usage: Usage | None = None

    def answer(self, key: str) -> Answer:
        """Its first choice as the answer to a prompt."""
        choice, usage = self.choices[0], self.usage
        if choice.finish_reason == "content_filter":
            return Answer(key, None, "the server's content filter withheld the answer")
        text = choice.message.refusal or "" if choice.message.content is None else choice.message.content
        answer = Answer(key, text, None, "length" if choice.finish_reason == "length" else "stop")
        if usage is None:
            return answer
        cached = None if usage.prompt_tokens_details is None else usage.prompt_tokens_details.cached_tokens
        return replace(answer, tokens=usage.completion_tokens, prompt_tokens=usage.prompt_tokens, cached_tokens=cached)


class Model(BaseModel):
    """A model that a server lists."""

    id: str
    owned_by: str | None = None


class Models(BaseModel):
    """A server's list of models."""

    data: list[Model]


def read_reply(text: str) -> Reply | str:
    """The reply in a response of status 200, or the text that stands in its place (some servers put errors there)."""
    try:
        return Reply.model_validate_json(text)
    except ValidationError:
        return message_in(_json_or_text(text)) or "nothing"


def message_in(body: object) -> str | None:
    """The message in a server's JSON, in the forms that servers write it.

    >>> message_in({"error": {"message": "no such model", "code": 404}}), message_in({"detail": "Not Found"})
    ('no such model', 'Not Found')
    """
    for key in ("error", "message", "detail"):
        if isinstance(body, dict) and body.get(key):
            body = body[key]
    try:
        return body if body is None or isinstance(body, str) else json.dumps(body, default=str)
    except RecursionError:
        return "nested too deeply"


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
