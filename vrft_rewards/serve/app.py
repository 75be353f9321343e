"""The application: four paths, and what is counted about them."""

# No postponed annotations here: FastAPI reads them, and its classes are imported inside the function.

import asyncio
import json
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ..adapters.options import TaskRewards
from .limits import Gate, Limits
from .messages import (
    ANSWERS,
    BadRequest,
    GetRewardAnswer,
    GetRewardRequest,
    Problem,
    ScoreAnswer,
    ScoreItem,
    ScoreRequest,
)
from .metrics import Metrics

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["create_app"]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "not JSON"},
    408: {"model": Problem, "description": "the body came too slowly"},
    413: {"model": Problem, "description": "the body or the batch is too large"},
    422: {"model": Problem, "description": "a field or a truth is wrong; says which row"},
    503: {"model": Problem, "description": "too many requests; come back in a second"},
}


def create_app(rewards: TaskRewards, limits: Limits | None = None) -> "FastAPI":
    """Return the FastAPI application that scores with these rewards, for a server of one's own.

    Raises ImportError without the extra ``serve``.
    """
    from fastapi import FastAPI, Request, Response
    from starlette.requests import ClientDisconnect

    gate = Gate(limits or Limits())
    metrics = Metrics(lambda: gate.inside)
    version = _version()
    # The pages that show the schema load scripts from elsewhere; the schema itself is at /openapi.json.
    app = FastAPI(title="vrft-rewards", version=version, docs_url=None, redoc_url=None)

    async def answer(request: Request) -> Response:
        path, started = request.url.path, time.perf_counter()
        try:
            async with gate.body(request.headers.get("content-length"), request.stream()) as body:
                # In a thread, so that a large batch doesn't keep /health from answering.
                content, units = await asyncio.to_thread(ANSWERS[path], rewards, body, gate.limits.max_batch)
            metrics.scored(units)
            response = Response(content, media_type="application/json")
        except BadRequest as problem:
            response = Response(json.dumps({"detail": problem.detail}), problem.status, media_type="application/json")
            if problem.status == 503:
                response.headers["Retry-After"] = "1"
            if problem.status in (408, 413, 503):
                # The rest of the body may never have been read; this connection can't be used again.
                response.headers["Connection"] = "close"
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody is there to read it; it is counted
        metrics.answered(path, response.status_code, time.perf_counter() - started)
        return response

    def health() -> dict[str, Any]:
        return {"status": "ok", "version": version, "tasks": list(rewards.rewards), "parts": list(rewards.names)}

    def show_metrics() -> Response:
        return Response(metrics.text(), media_type=metrics.content_type)

    for path, name, request_model, answer_model, summary in (
        ("/score", "score", ScoreRequest, ScoreAnswer, "Score a batch of completions"),
        ("/get_reward", "get_reward", GetRewardRequest, GetRewardAnswer, "Score as OpenRLHF asks"),
    ):
        schema = {"$ref": f"#/components/schemas/{request_model.__name__}"}
        app.add_api_route(
            path,
            answer,
            methods=["POST"],
            name=name,
            summary=summary,
            operation_id=name,
            responses={200: {"model": answer_model}, **_PROBLEMS},
            response_class=Response,
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}},
        )
    app.add_api_route("/health", health, summary="Whether the server is up, and what it scores", operation_id="health")
    app.add_api_route(
        "/metrics",
        show_metrics,
        summary="Counters for Prometheus",
        operation_id="metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    _describe_requests(app)
    return app


def _version() -> str:
    try:
        return metadata.version("vrft")
    except metadata.PackageNotFoundError:  # read from a checkout that isn't installed
        return "unknown"


def _describe_requests(app: "FastAPI") -> None:
    # The bodies are read by hand, under the limits, so FastAPI doesn't know their schemas.
    made = app.openapi()
    for model in (ScoreItem, ScoreRequest, GetRewardRequest):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        made["components"]["schemas"][model.__name__] = schema
    app.openapi_schema = made
