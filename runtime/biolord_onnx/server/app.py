"""The application: routes, errors, documentation, and the page."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from biolord_onnx import __version__
from biolord_onnx.server.limits.gate import METHODS, App, Message, Receive, RequestFilter, Scope, Send, answer
from biolord_onnx.server.limits.patience import ClientGoneError
from biolord_onnx.server.problems import FAILED, MALFORMED, NOT_FOUND, WRONG_METHOD, ApiError, refusal
from biolord_onnx.server.routes.answers import JsonResponse
from biolord_onnx.server.routes.health import health_routes
from biolord_onnx.server.routes.openai import openai_routes
from biolord_onnx.server.routes.rerank import rerank_routes
from biolord_onnx.server.routes.search import search_routes
from biolord_onnx.server.routes.similarity import similarity_routes
from biolord_onnx.server.routes.tei import tei_routes
from biolord_onnx.server.service import Service
from biolord_onnx.server.services import Services
from biolord_onnx.server.settings import ServerSettings

REFUSED = 400
CLIENT_GONE = 499
TURN_BYTES = 65_536
"""Reading so many of a request that is refused costs the event loop as much as refusing another."""
EXPOSED = ("retry-after", "server-timing", "x-truncated-texts")
"""Headers of answers that a page of another origin may read, too."""
LONGEST_PATH = 200
"""Of a path that is repeated in an answer."""
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
LOG = logging.getLogger("biolord_onnx.server")


def make_app(settings: ServerSettings) -> FastAPI:
    """Load all that the settings name and make the application.

    Raises:
        BiolordError: Something is damaged, can't run here, or doesn't belong together.
    """
    services = Services.open(settings)
    service = services.vectors

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.warm()  # no request is let in before a real vector was computed
        yield
        services.close()

    app = FastAPI(
        title="biolord-onnx",
        version=__version__,
        description=f"Vectors of {service.manifest.source.id}.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirection leads to whatever host the request names
    )
    app.state.services = services
    embedding = (openai_routes(service), tei_routes(services), similarity_routes(service))
    for routes in (*embedding, search_routes(services), rerank_routes(services), health_routes(services)):
        app.include_router(routes)
    _add_pages(app)
    _add_errors(app)
    app.add_middleware(RequestFilter, settings=settings, admission=service.admission)
    # Around the gate, for a browser asks without a key what it may send.
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    app.add_middleware(_Counted, service=service)
    return app


def _add_pages(app: FastAPI) -> None:
    page = files("biolord_onnx.server").joinpath("page.html").read_text(encoding="utf-8")

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return HTMLResponse(page)

    @app.get("/docs/assets/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in ASSETS:
            raise HTTPException(404)
        return Response(_asset(name), media_type=ASSETS[name])

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="biolord-onnx",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon-32x32.png",
        )


@cache
def _asset(name: str) -> bytes:
    from swagger_ui_bundle import swagger_ui_path

    return (Path(swagger_ui_path) / name).read_bytes()


def _add_errors(app: FastAPI) -> None:
    async def api_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        found = refusal(request.url.path, error)
        return JsonResponse(found.body, status_code=found.status, headers=found.headers)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem = {404: NOT_FOUND, 405: WRONG_METHOD}.get(error.status_code, MALFORMED)
        asked = f"{request.method} {request.url.path[:LONGEST_PATH]}"
        response = await api_error(request, ApiError(problem, f"{asked}: {error.detail}"))
        response.headers.update(error.headers or {})
        return response

    async def gone(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler's signature
        return Response(status_code=CLIENT_GONE)

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientGoneError, gone)
    app.add_exception_handler(ClientDisconnect, gone)


class _Counted:
    """Counts requests by route and status, and logs them: never a word of what was in them."""

    def __init__(self, app: App, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, received = time.perf_counter(), 0, 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= REFUSED:
                    admission = self._service.admission
                    await admission.refusals.wait(1 + received / TURN_BYTES, admission.stopping)
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except Exception as error:  # noqa: BLE001 - whatever it is, its message may hold a text and must not be logged
            route = _route(scope)
            LOG.error("%s failed with %s", route, type(error).__name__)  # noqa: TRY400 - no traceback, likewise
            if not status:
                await answer(scope, watched, ApiError(FAILED, f"the server failed: {type(error).__name__}"))
        finally:
            route = _route(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._service.metrics.requests.labels(route, str(status)).inc()
            LOG.info("%s %s %d %.1f ms", method, route, status, 1000 * (time.perf_counter() - started))


def _route(scope: Scope) -> str:
    """Name a request's route as it is written here: a path is the client's, of any length and with any character."""
    path = getattr(scope.get("route"), "path", "other")
    return path if isinstance(path, str) else "other"
