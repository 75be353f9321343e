"""What a trainer calls a completion, as one string."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["completion_text"]


def completion_text(completion: object) -> str:
    """Return the text of a completion: a str, a list of messages, or a list of content parts.

    Of several messages the last one by the assistant counts (the last one of all where no role says
    so), since earlier turns are context. Text parts are joined without a separator; image and other
    parts have no text. Total: what isn't a completion has the text ``""``.

    >>> completion_text("<answer>rose</answer>")
    '<answer>rose</answer>'
    >>> completion_text([{"role": "assistant", "content": [{"type": "text", "text": "rose"}]}])
    'rose'
    >>> completion_text(None)
    ''
    """
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Mapping):
        completion = [completion]
    if not isinstance(completion, Sequence) or isinstance(completion, (bytes, bytearray)):
        return ""
    messages = [item for item in completion if isinstance(item, Mapping) and "content" in item]
    if not messages:
        return _parts_text(completion)
    spoken = [message for message in messages if message.get("role") == "assistant"] or messages
    content = spoken[-1]["content"]
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        content = [content]
    return _parts_text(content)


def _parts_text(parts: object) -> str:
    texts: list[str] = []
    for part in parts if isinstance(parts, Sequence) else ():
        text = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(text, str):
            texts.append(text)
    return "".join(texts)
