"""The endpoint: routes, and around them who may ask, what is logged and what is counted."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.serve.completion import Head, completion
from harness.serve.connection import read_body, together, unless_gone
from harness.serve.errors import ApiError, ClientGone
from harness.serve.keys import Keys, host_name, is_loopback
from harness.serve.logs import log
from harness.serve.metrics import CONTENT_TYPE
from harness.serve.reply import ChatCompletion, ErrorReply, ModelCard, ModelList
from harness.serve.request import REFUSED, ChatRequest, parse_request
from harness.serve.solver import Solver, Watched, unknown_model
from harness.serve.stream import ChatStream, EventStream, timed_out
from rstar.search.presets import METHODS

MODEL_NAME = "rstar"
CHAT, MODELS, HEALTH, METRICS, SCHEMA = "/v1/chat/completions", "/v1/models", "/health", "/metrics", "/openapi.json"
_OPEN = (HEALTH, SCHEMA)
"""Paths that need no key: what a probe of a container asks, and what is the same for everybody."""
_REF = "#/components/schemas/{model}"


@dataclass(slots=True)
class Service:
    """What the routes share."""

    solver: Solver
    keys: Keys = field(default_factory=Keys)
    name: str = MODEL_NAME
    created: int = field(default_factory=lambda: int(time.time()))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when searches in flight must end."""

    def card(self) -> ModelCard:
        """The model, with what may be asked of it."""
        spec, limits = self.solver.spec, self.solver.limits
        facts: dict[str, Any] = {
            "methods": list(METHODS),
            "rules": list(spec.rules),
            "defaults": {
                "method": spec.method, "budget": spec.config.budget, "rule": spec.rule, "seed": spec.seeds[0],
            },
            "limits": {
                "budget": limits.max_budget, "prompt_tokens": limits.max_prompt_tokens,
                "body_bytes": limits.max_body_bytes, "seconds": limits.request_seconds,
            },
        }  # fmt: skip
        return ModelCard(id=self.name, created=self.created, rstar=facts)


def make_app(service: Service) -> ASGIApp:
    """The application, to be run by any ASGI server."""
    api = FastAPI(title="rstar serve", version="1", docs_url=None, redoc_url=None, openapi_url=SCHEMA)
    # Bodies are read and checked by us: within bounds, and by a parser that no nesting brings down.
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": _REF.format(model="ChatRequest")}}}}
    errors: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorReply} for status in (400, 401, 404, 408, 413, 415, 429, 503, 504)
    }

    @api.post(CHAT, response_model=ChatCompletion, responses=errors, openapi_extra={"requestBody": body})
    async def chat(request: Request) -> Response:
        return await _chat(service, request)

    @api.get(MODELS, response_model=ModelList, responses={401: {"model": ErrorReply}})
    async def models() -> ModelList:
        return ModelList(data=[service.card()])

    @api.get(MODELS + "/{model}", response_model=ModelCard, responses={404: {"model": ErrorReply}})
    async def model_card(model: str) -> ModelCard:
        if model != service.name:
            raise unknown_model(model, service.name)
        return service.card()

    @api.get(HEALTH)
    async def health() -> dict[str, Any]:
        admission = service.solver.admission
        return {"status": "ok", "running": admission.num_running, "waiting": admission.num_waiting}

    @api.get(METRICS, response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        return Response(service.solver.metrics.text(), headers={"content-type": CONTENT_TYPE})

    _handle_errors(api)
    api.openapi = lambda: _document(api, service)  # type: ignore[method-assign]
    return Front(api, service)


async def _chat(service: Service, request: Request) -> Response:
    solver, limits, facts = service.solver, service.solver.limits, request.scope["state"]["facts"]
    asked = parse_request(await read_body(request, limits.max_body_bytes, limits.read_seconds))
    if asked.model != service.name:
        raise unknown_model(asked.model, service.name)
    question = solver.question(asked)
    facts |= {"method": question.spec.method, "budget": question.budget, "n": len(question.seeds)}
    ticket = solver.admission.admit(len(question.seeds))
    head = Head(service.name, id=f"chatcmpl-{facts['id']}")
    if asked.stream:
        facts["stream"] = True
        include_usage = asked.stream_options is not None and bool(asked.stream_options.include_usage)
        stream = ChatStream(solver, question, head, include_usage=include_usage)
        return EventStream(stream, ticket, service.stopping, limits.write_seconds)
    try:
        searches = [solver.solve(question, seed, Watched(solver.engines)) for seed in question.seeds]
        async with asyncio.timeout(limits.request_seconds):
            solved = await unless_gone(together(searches), request.receive, service.stopping)
    except TimeoutError:
        raise timed_out(limits.request_seconds) from None
    finally:
        ticket.leave()
    reply = completion(head, question, solved)
    facts |= {"prompt_tokens": reply.usage.prompt_tokens, "completion_tokens": reply.usage.completion_tokens}
    return Response(reply.model_dump_json(), media_type="application/json")


def _handle_errors(api: FastAPI) -> None:
    """Every failure becomes an error object."""

    @api.exception_handler(ApiError)
    async def known(request: Request, error: ApiError) -> Response:
        request.scope["state"]["facts"]["error"] = error.code
        return JSONResponse(error.content(), error.status, headers=error.headers)

    @api.exception_handler(ClientGone)
    async def gone(request: Request, _error: ClientGone) -> Response:
        request.scope["state"]["facts"]["error"] = "client_gone"
        return Response(status_code=499)

    @api.exception_handler(HTTPException)
    async def routed(request: Request, error: HTTPException) -> Response:
        where = f"{request.method} is not possible here" if error.status_code == 405 else "there is nothing here"
        known_error = ApiError(error.status_code, f"{where}; see {SCHEMA}", headers=error.headers)
        return JSONResponse(known_error.content(), error.status_code, headers=known_error.headers)

    @api.exception_handler(Exception)
    async def unknown(_request: Request, _error: Exception) -> Response:
        # The server logs type and place; a client learns that it is not its fault.
        return JSONResponse(ApiError(500, "the server failed; its log says where", code="internal").content(), 500)


class Front:
    """Stands before the routes: gives a request its number, checks the key, and notes how it ended."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        """`app` is asked only where the key is right."""
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        begin = time.monotonic()
        facts: dict[str, Any] = {"id": secrets.token_hex(12), "route": _route(scope["path"]), "status": 499}
        scope.setdefault("state", {})["facts"] = facts

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                facts["status"] = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", facts["id"].encode()))
            await send(message)

        try:
            refusal = self._refusal(scope, facts)
            if refusal is None:
                await self._app(scope, receive, noting)
            else:
                facts["error"] = refusal.code
                await JSONResponse(refusal.content(), refusal.status, headers=refusal.headers)(scope, receive, noting)
        finally:
            self._note(facts, time.monotonic() - begin)

    def _refusal(self, scope: Scope, facts: dict[str, Any]) -> ApiError | None:
        """Why a request may not come in; None where it may."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if self._service.keys.is_open:
            host = headers.get("host", "")
            if is_loopback(host_name(host)):
                return None
            # A page in a browser can have its own name point at this machine; it cannot choose the Host header.
            return ApiError(421, "without an API key the server answers to localhost only", code="misdirected_request")
        if scope["path"] in _OPEN:
            return None
        authorization = headers.get("authorization", "")
        facts["key"] = self._service.keys.holder(authorization)
        if facts["key"] is not None:
            return None
        message = "the API key is wrong" if authorization else "an API key is missing; send Authorization: Bearer KEY"
        return ApiError(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})

    def _note(self, facts: dict[str, Any], seconds: float) -> None:
        metrics = self._service.solver.metrics
        metrics.requests.add(route=facts["route"], status=str(facts["status"]))
        if facts["route"] == CHAT:
            metrics.request_seconds.observe(seconds)
        level = logging.ERROR if facts["status"] == 500 else logging.INFO
        # What a probe asks every few seconds tells nothing.
        if facts["route"] not in (HEALTH, METRICS) or facts["status"] != 200:
            log("request", level, **facts, seconds=round(seconds, 4))


def _route(path: str) -> str:
    """The path where it is one of ours; what a client made up is in no log and no label."""
    return (
        path if path in (CHAT, MODELS, HEALTH, METRICS, SCHEMA) else f"{MODELS}/*" if path.startswith(MODELS) else "*"
    )


def _document(api: FastAPI, service: Service) -> dict[str, Any]:
    """The OpenAPI document, with the request that FastAPI does not see, and what this server takes."""
    if not api.openapi_schema:
        document = get_openapi(title=api.title, version=api.version, routes=api.routes)
        # Through JSON, so that what is changed here shares nothing with what pydantic keeps.
        schema = json.loads(json.dumps(ChatRequest.model_json_schema(ref_template=_REF)))
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in REFUSED:
            del schema["properties"][name]
        schema["$defs"]["Message"]["properties"]["role"]["enum"] = ["system", "developer", "user"]
        schemas |= schema.pop("$defs") | {"ChatRequest": schema}
        known: dict[str, list[str]] = {"method": list(METHODS), "rule": list(service.solver.spec.rules)}
        schema["properties"]["model"] = {"type": "string", "enum": [service.name]}
        schema["properties"] |= {name: {"enum": [*values, None]} for name, values in known.items()}
        for choice in schema["properties"]["budget"]["anyOf"]:
            if choice["type"] == "integer":
                choice["maximum"] = service.solver.limits.max_budget
                choice.pop("exclusiveMaximum", None)
        api.openapi_schema = document
    return api.openapi_schema
