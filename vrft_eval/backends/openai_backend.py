"""Any OpenAI-compatible server: vllm serve, SGLang, LM Studio, OpenAI itself."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio.from_thread import start_blocking_portal
from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI, OpenAI, Timeout
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from vrft_eval.backends.chunks import one_line
from vrft_eval.backends.image_url import image_url
from vrft_eval.backends.openai_failures import Reader, TryFailed
from vrft_eval.backends.openai_options import check_address, find_key, in_the_clear
from vrft_eval.backends.openai_reply import Model, Models, Reply, read_reply
from vrft_eval.backends.protocol import Answer, Constraint, Prompt, Sampling
from vrft_eval.backends.token_budget import TokenBudget
from vrft_eval.errors import InputError, RunStopped

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from vrft_eval.generation import Server

_log = logging.getLogger(__name__)
_NO_KEY = "none"
_CONNECTED_WITHIN = 10.0
_LONGEST_WAIT = 120.0
_PIXELS_A_TOKEN = 14 * 14
_TEMPLATE_TOKENS = 64
_SEED_BITS = 31
_BACKOFF = wait_exponential_jitter(initial=1, max=60, jitter=1)
_NEW_FIELD = "max_completion_tokens"
_TELLING = ("vllm", "sglang")
"""Servers that say who made them when they list a model."""
_FULL = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
"""These servers take what a request leaves open from the model's generation_config.json."""


class OpenAIBackend:
    """A model on a server, by its name there.

    Raises InputError for an address that is none, and when no server is there.
    """

    name = "openai"

    def __init__(
        self, model: str, server: Server, *, min_pixels: int | None = None, max_pixels: int | None = None
    ) -> None:
        base_url, key = check_address(server.base_url), find_key(server.key_variable)
        if key is not None and in_the_clear(base_url):
            _log.warning("the key in %s goes to %s unencrypted", server.key_variable, base_url)
        self._model = model
        self._server = server
        self._bounds = (min_pixels, max_pixels)
        # Its own retries would hide tries that are paid for, and don't bound how long a whole try takes.
        self._connection: dict[str, Any] = {
            "base_url": base_url,
            "api_key": key or _NO_KEY,
            "timeout": Timeout(server.timeout, connect=min(_CONNECTED_WITHIN, server.timeout)),
            "max_retries": 0,
        }
        self._reader = Reader(base_url, model, (), key, server.key_variable)
        self._budget = TokenBudget(server.token_budget)
        self._limit_field = "max_tokens"
        listed = self._listed()
        self._reader.models = tuple(entry.id for entry in listed)
        self._maker = next((entry.owned_by for entry in listed if entry.id == model), None)

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        """Yield answers as they come; at most `concurrency` prompts are taken ahead of them.

        Raises RunStopped when the budget is used up or the server goes away. Then, and before an InputError, what is
        under way may still be answered, and nothing is told as failed.
        """
        if sampling.constraint is not None:
            self._form(sampling.constraint)
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(AsyncOpenAI(**self._connection)) as client,
        ):
            yield from self._stream(portal, client, iter(prompts), sampling)

    def restart(self) -> None:
        """Nothing: the server isn't ours to restart."""

    def close(self) -> None:
        """Nothing: connections are closed with each stream of answers."""

    def _stream(
        self, portal: BlockingPortal, client: AsyncOpenAI, prompts: Iterator[Prompt], sampling: Sampling
    ) -> Iterator[Answer]:
        pending: set[Future[Answer]] = set()
        stop: BaseException | None = None
        try:
            while True:
                while stop is None and len(pending) < self._server.concurrency:
                    prompt = next(prompts, None)
                    if prompt is None:
                        break
                    pending.add(portal.start_task_soon(self._ask, client, prompt, sampling))
                limit = None if stop is None else self._server.timeout
                done, pending = wait(pending, timeout=limit, return_when=FIRST_COMPLETED)
                if not done:
                    break
                for future in done:
                    error = future.exception()
                    if error is not None:
                        stop = stop or error
                    elif stop is None or future.result().completion is not None:
                        yield future.result()
        finally:
            for future in pending:
                future.cancel()
        if stop is not None:
            raise stop

    async def _ask(self, client: AsyncOpenAI, prompt: Prompt, sampling: Sampling) -> Answer:
        try:
            url, (width, height) = await anyio.to_thread.run_sync(partial(image_url, prompt.image, *self._bounds))
            # One token a byte, and one a patch of 14x14 pixels: more than most tokenizers and vision towers take.
            estimate = len(prompt.text.encode()) + width * height // _PIXELS_A_TOKEN + _TEMPLATE_TOKENS
        except InputError as error:
            return Answer(prompt.id, None, str(error))
        except UnicodeEncodeError as error:
            return Answer(prompt.id, None, one_line(error))
        body = self._body(prompt, url, sampling)
        tries = AsyncRetrying(
            stop=stop_after_attempt(self._server.retries + 1),
            wait=_pause,
            retry=retry_if_exception(lambda error: isinstance(error, TryFailed) and error.again),
            reraise=True,
        )
        try:
            reply: Reply = await tries(self._try, client, body, estimate, sampling.max_new_tokens)
        except TryFailed as failed:
            if failed.unreachable:
                raise RunStopped(f"{self._reader.base_url}: the server went away ({failed})") from None
            return Answer(prompt.id, None, str(failed))
        return reply.answer(prompt.id)

    async def _try(self, client: AsyncOpenAI, body: dict[str, Any], estimate: int, limit: int) -> Reply:
        create: Any = client.chat.completions.with_raw_response.create
        while True:
            field = self._limit_field
            async with self._budget.spend(estimate, limit) as use:
                try:
                    with anyio.fail_after(self._server.timeout):
                        raw = await create(**body, **{field: limit})
                except TimeoutError:
                    raise TryFailed(f"no answer within {self._server.timeout:g} s", again=True) from None
                except APIConnectionError as error:
                    failed = self._reader.no_connection(error)
                    if failed.unreachable:
                        use.free()
                    raise failed from None
                except APIStatusError as error:
                    use.free()
                    if field == "max_tokens" and error.status_code == 400 and _NEW_FIELD in str(error.body):
                        self._limit_field = _NEW_FIELD
                        continue
                    raise self._reader.refusal(error) from None
                reply = self._read(raw.text)
                if reply.usage is not None:
                    use.prompt_tokens, use.answer_tokens = reply.usage.prompt_tokens, reply.usage.completion_tokens
                return reply

    def _read(self, text: str) -> Reply:
        reply = read_reply(text)
        if isinstance(reply, str):
            raise TryFailed(f"the server's answer can't be read: {self._reader.shown(reply)}", again=True)
        self._reader.answered = True
        return reply

    def _body(self, prompt: Prompt, url: str, sampling: Sampling) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": prompt.messages({"type": "image_url", "image_url": {"url": url}}),
        }
        beyond: dict[str, Any] = {}
        if not sampling.model_defaults:
            body |= {"temperature": sampling.temperature, "top_p": 1.0}
            body["seed"] = sampling.seed_of(prompt.id) >> (64 - _SEED_BITS)
            beyond |= _FULL if self._maker in _TELLING else {}
        if sampling.constraint is not None:
            beyond |= self._form(sampling.constraint)
        return body | ({"extra_body": beyond} if beyond else {})

    def _form(self, constraint: Constraint) -> dict[str, Any]:
        """How this server is told the form of the answers. Raises InputError where there is no way to."""
        form, text = constraint.form, constraint.text
        if self._maker == "vllm":
            # A model that is free to write spaces between the parts of JSON may write nothing else.
            tight = {"disable_any_whitespace": True} if form == "json" else {}
            return {"structured_outputs": {form: text, **tight}}
        if form == "json":
            schema = {"name": "answer", "schema": json.loads(text), "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
        if self._maker == "sglang":
            return {"regex": text}
        raise InputError(
            "only vLLM and SGLang servers take a regular expression, and this one doesn't say it is one",
            field="--constrain",
            value=form,
        )

    def _listed(self) -> list[Model]:
        """The server's models, none where it doesn't list them. Raises InputError when no server is there."""
        try:
            with OpenAI(**self._connection) as client:
                text = client.models.with_raw_response.list().text
            return Models.model_validate_json(text).data
        except APIConnectionError as error:
            failed = self._reader.no_connection(error)
            raise InputError(f"{failed}; is the server running?", file=self._reader.base_url) from None
        except (APIError, ValidationError):
            return []


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the server asks for, else twice as long each time; never all at one moment."""
    error = None if state.outcome is None else state.outcome.exception()
    asked = error.wait if isinstance(error, TryFailed) else None
    return _BACKOFF(state) if asked is None else min(asked, _LONGEST_WAIT) + random.random()
