"""The application: routes, errors, documentation, and the page."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from biolord_onnx import __version__
from biolord_onnx.server.answers import JsonResponse
from biolord_onnx.server.gate import App, Gate, Message, Receive, Scope, Send, answer
from biolord_onnx.server.health import health_routes
from biolord_onnx.server.openai import openai_routes
from biolord_onnx.server.problems import FAILED, MALFORMED, NOT_FOUND, WRONG_METHOD, ApiError, refusal
from biolord_onnx.server.service import ClientGoneError, Service
from biolord_onnx.server.settings import ServerSettings
from biolord_onnx.server.tei import tei_routes

SETTINGS_VARIABLE = "BIOLORD_SERVER_SETTINGS"
"""How `run` hands its settings to worker processes."""
CLIENT_GONE = 499
LOG = logging.getLogger("biolord_onnx.server")


def app_from_environment() -> FastAPI:
    """Make the application of a worker process; the keys leave its environment."""
    return make_app(ServerSettings.from_json(os.environ.pop(SETTINGS_VARIABLE)))


def make_app(settings: ServerSettings) -> FastAPI:
    """Load the artefact and make the application.

    Raises:
        BiolordError: the artefact is damaged or can't run here.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.warm()  # no request is let in before a real vector was computed
        yield
        service.close()

    app = FastAPI(
        title="biolord-onnx",
        version=__version__,
        description=f"Vectors of {service.manifest.source.id}.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    for routes in (openai_routes(service), tei_routes(service), health_routes(service)):
        app.include_router(routes)
    _add_pages(app)
    _add_errors(app)
    app.add_middleware(Gate, keys=settings.keys, limits=settings.limits)
    # Around the gate, for a browser asks without a key what it may send.
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(_Counted, service=service)
    return app


def _add_pages(app: FastAPI) -> None:
    page = files("biolord_onnx.server").joinpath("page.html").read_text(encoding="utf-8")

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return HTMLResponse(page)

    from swagger_ui_bundle import swagger_ui_path

    app.mount("/docs/assets", StaticFiles(directory=swagger_ui_path))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="biolord-onnx",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon-32x32.png",
        )


def _add_errors(app: FastAPI) -> None:
    async def api_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        found = refusal(request.url.path, error)
        return JsonResponse(found.body, status_code=found.status, headers=found.headers)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        problem = {404: NOT_FOUND, 405: WRONG_METHOD}.get(error.status_code, MALFORMED)
        response = await api_error(request, ApiError(problem, f"{request.method} {request.url.path}: {error.detail}"))
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
        started, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - whatever it is, its message may hold a text and must not be logged
            LOG.error("%s failed with %s", scope["path"], type(error).__name__)  # noqa: TRY400 - no traceback, likewise
            if not status:
                await answer(scope, watched, ApiError(FAILED, f"the server failed: {type(error).__name__}"))
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._service.metrics.requests.labels(route, str(status)).inc()
            LOG.info("%s %s %d %.1f ms", scope["method"], route, status, 1000 * (time.perf_counter() - started))
