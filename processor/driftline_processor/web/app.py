"""The application: pages and the API, read-only. It answers from published views, and never asks the engine."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from driftline.sketch.time_units import SECOND
from driftline_processor.web import documents, pages
from driftline_processor.web.addresses import IDENTITY
from driftline_processor.web.board import Board, IncidentRecord, ModelView
from driftline_processor.web.openapi import OPENAPI

HEADERS: Final = {
    "content-security-policy": "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}

_STATIC: Final = {"style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_METHODS: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Site:
    """What the application shows.

    board: by thread-safe views. status: of the processor, as JSON values, by tenant. clock: Unix nanoseconds.
    tenant_of: whose the credentials of a request are, by its headers; None: nobody's who may read. trace_url: with
    `{trace_id}`, or "". size, step: of windows, nanoseconds. local: only this machine may ask.
    """

    board: Board
    status: Callable[[str], dict[str, Any]]
    clock: Callable[[], int]
    tenant_of: Callable[[Mapping[str, str]], str | None]
    size: int
    step: int
    trace_url: str = ""
    local: bool = True

    def views(self, tenant: str) -> list[ModelView]:
        """The models of a tenant."""
        return [view for view in self.board.models.values() if view.key.tenant == tenant]


def application(site: Site) -> ASGIApp:
    """The ASGI application."""
    routes: list[BaseRoute] = [Route(path, _answer(site, handler)) for path, handler in _ROUTES.items()]
    routes.append(Route("/static/{file}", _static))
    return _Guard(Starlette(routes=routes, exception_handlers={HTTPException: _failed}), site)


class _Guard:
    """Before any route: who may ask, and for whom. Paths stay encoded: a name may have a slash."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refusal(headers, scope["method"])
        if refused is not None:
            await refused(scope, receive, send)
            return
        raw = scope.get("raw_path") or scope["path"].encode()
        tenant = self._site.tenant_of(headers)
        await self._app({**scope, "path": raw.decode("latin-1").partition("?")[0], "tenant": tenant}, receive, send)

    def _refusal(self, headers: Mapping[str, str], method: str) -> Response | None:
        if method not in _METHODS:
            return Response("read-only\n", 405, {**HEADERS, "allow": "GET, HEAD"})
        host = urlsplit(f"//{headers.get('host', '')}").hostname
        if self._site.local and host not in _LOCAL:  # a name that somebody else's DNS made ours
            return Response("unknown host\n", 421, HEADERS)
        if self._site.tenant_of(headers) is None:
            challenge = 'Basic realm="driftline: any name, a token as password", charset="UTF-8"'
            return Response("a token is needed\n", 401, {**HEADERS, "www-authenticate": challenge})
        return None


Handler = Callable[[Site, str, Request], Response]


def _answer(site: Site, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return handler(site, request.scope["tenant"], request)

    return answer


def _json(request: Request, document: Any, status: int = 200) -> Response:
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return _tagged(request, body, "application/json", status)


def _html(request: Request, text: str, status: int = 200) -> Response:
    return _tagged(request, text.encode("utf-8", "replace"), "text/html; charset=utf-8", status)


def _tagged(request: Request, body: bytes, media: str, status: int = 200) -> Response:
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {**HEADERS, "etag": tag}
    if status == 200 and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, status, headers, media)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.scope["path"].startswith("/api/"):
        return _json(request, {"error": error.detail}, error.status_code)
    text = pages.render("missing.html", 0.0, what=error.detail)
    return HTMLResponse(text, error.status_code, HEADERS)


async def _static(request: Request) -> Response:
    name = request.path_params["file"]
    if name not in _STATIC:
        raise HTTPException(404, "no such file")
    body = files("driftline_processor.web").joinpath("static").joinpath(name).read_bytes()
    return _tagged(request, body, _STATIC[name])


def _model(site: Site, tenant: str, request: Request) -> ModelView:
    """The model of an address; of several, the one with the newest rows."""
    name, asked = unquote(request.path_params["model"]), request.query_params
    found = []
    for view in site.views(tenant):
        told = documents.identity(view.key)
        if told["name"] == name and all(asked.get(key, told[key]) == told[key] for key in IDENTITY):
            found.append(view)
    if not found:
        raise HTTPException(404, f"no model {name!r} has sent rows")
    return max(found, key=lambda view: (view.result.window.end, view.key))


def _incident(site: Site, tenant: str, request: Request) -> tuple[ModelView, IncidentRecord]:
    wanted = unquote(request.path_params["incident"])
    for view in site.views(tenant):
        for incident in view.incidents:
            if incident.id == wanted:
                return view, incident
    raise HTTPException(404, f"no incident {wanted!r} is known")


def _incidents(site: Site, tenant: str, request: Request) -> list[documents.Document]:
    asked = request.query_params
    found = [
        documents.incident_entry(view, incident)
        for view in site.views(tenant)
        if asked.get("model") in (None, "", view.key.name)
        for incident in view.incidents
    ]
    chosen = [each for each in found if asked.get("state") in (None, "", each["state"])]
    return sorted(chosen, key=lambda each: (each["state"] == "closed", -each["opened"], each["id"]))


def _column(view: ModelView, request: Request) -> documents.Document:
    target, name = (unquote(request.path_params[part]) for part in ("target", "column"))
    for column in view.result.columns:
        if (column.column.target, column.column.name) == (target, name):
            return documents.detail_document(view, column)
    raise HTTPException(404, f"{view.key.name} has no {target} {name!r}")


def _chosen(request: Request) -> dict[str, str]:
    """What an address chooses of a page."""
    return {name: request.query_params.get(name, "") for name in ("q", "state", "target", "page")}


def _since(request: Request) -> int:
    text = request.query_params.get("from", "0")
    try:
        return round(float(text) * SECOND)
    except (OverflowError, ValueError):
        raise HTTPException(400, f"from: must be Unix seconds (got {text!r})") from None


def _window(site: Site) -> tuple[int, int]:
    return site.size, site.step


def _now(site: Site) -> float:
    return site.clock() / SECOND


def _matching(site: Site, tenant: str, view: ModelView) -> Any:
    told = documents.identity(view.key)
    for each in site.status(tenant)["models"]:
        if (
            each["name"] == told["name"]
            and each["version"] == told["version"]
            and each["resource"] == dict(view.key.resource)
        ):
            return each
    return None


def _api_models(site: Site, tenant: str, request: Request) -> Response:
    return _json(request, documents.models_document(site.views(tenant), site.clock()))


def _api_model(site: Site, tenant: str, request: Request) -> Response:
    return _json(request, documents.model_document(_model(site, tenant, request), _window(site)))


def _api_timeline(site: Site, tenant: str, request: Request) -> Response:
    return _json(request, documents.timeline_document(_model(site, tenant, request), _since(request)))


def _api_column(site: Site, tenant: str, request: Request) -> Response:
    return _json(request, _column(_model(site, tenant, request), request))


def _api_incidents(site: Site, tenant: str, request: Request) -> Response:
    return _json(request, _incidents(site, tenant, request))


def _api_incident(site: Site, tenant: str, request: Request) -> Response:
    return _json(request, documents.incident_document(*_incident(site, tenant, request)))


def _api_service(site: Site, tenant: str, request: Request) -> Response:
    return _json(request, {**site.status(tenant), "history_cut": site.board.cut})


def _api_document(_site: Site, _tenant: str, request: Request) -> Response:
    return _json(request, OPENAPI)


def _overview(site: Site, tenant: str, request: Request) -> Response:
    models = documents.models_document(site.views(tenant), site.clock())
    return _html(request, pages.overview(models, _now(site), _chosen(request), site.status(tenant)))


def _model_page(site: Site, tenant: str, request: Request) -> Response:
    view = _model(site, tenant, request)
    document = documents.model_document(view, _window(site), full=False)
    timeline = documents.timeline_document(view, most=documents.SPARK)
    results = {(each.column.target, each.column.name): each for each in view.result.columns}

    def complete(brief: Mapping[str, Any]) -> documents.Document:
        return documents.named_column(view, results[brief["target"], brief["name"]])

    facts = {"matched": _matching(site, tenant, view), "trace_url": site.trace_url}
    return _html(request, pages.model(document, timeline, _now(site), _chosen(request), complete, **facts))


def _column_page(site: Site, tenant: str, request: Request) -> Response:
    found = _column(_model(site, tenant, request), request)
    return _html(request, pages.render("column.html", _now(site), found=found, trace_url=site.trace_url))


def _incidents_page(site: Site, tenant: str, request: Request) -> Response:
    found = _incidents(site, tenant, request)
    return _html(request, pages.render("incidents.html", _now(site), incidents=found, chosen=_chosen(request)))


def _incident_page(site: Site, tenant: str, request: Request) -> Response:
    view, incident = _incident(site, tenant, request)
    found = documents.incident_document(view, incident)
    return _html(request, pages.render("incident.html", _now(site), incident=found, trace_url=site.trace_url))


def _service_page(site: Site, tenant: str, request: Request) -> Response:
    status, cut = site.status(tenant), site.board.cut
    return _html(request, pages.render("service.html", _now(site), service=status, cut=cut))


def _api_start(_site: Site, _tenant: str, _request: Request) -> Response:
    return RedirectResponse("/api/v1/openapi.json", 307, HEADERS)


_ROUTES: Final[Mapping[str, Handler]] = {
    "/": _overview,
    "/models/{model}": _model_page,
    "/models/{model}/columns/{target}/{column}": _column_page,
    "/incidents": _incidents_page,
    "/incidents/{incident}": _incident_page,
    "/service": _service_page,
    "/api/v1": _api_start,
    "/api/v1/openapi.json": _api_document,
    "/api/v1/models": _api_models,
    "/api/v1/models/{model}": _api_model,
    "/api/v1/models/{model}/timeline": _api_timeline,
    "/api/v1/models/{model}/columns/{target}/{column}": _api_column,
    "/api/v1/incidents": _api_incidents,
    "/api/v1/incidents/{incident}": _api_incident,
    "/api/v1/service": _api_service,
}
