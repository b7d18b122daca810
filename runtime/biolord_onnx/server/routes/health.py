"""Routes for those who watch the server."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from biolord_onnx.server.limits.admission import RETRY_AFTER_S
from biolord_onnx.server.problems import UNAVAILABLE, ApiError
from biolord_onnx.server.routes.answers import JsonResponse
from biolord_onnx.server.services import Services
from biolord_onnx.server.work.metrics import CONTENT_TYPE


def health_routes(services: Services) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["health"])
    service = services.vectors

    @router.get("/health")
    async def health() -> Response:
        """Tell whether vectors can be computed: a first one was, and every thread is alive."""
        _check_alive(services)
        return JsonResponse({"status": "healthy"})

    @router.get("/health/ready")
    async def ready() -> Response:
        """Tell whether a request would be let in now, too."""
        _check_alive(services)
        if service.full:
            raise ApiError(UNAVAILABLE, "no more requests or tokens fit for now: ask again", RETRY_AFTER_S)
        return JsonResponse({"status": "ready"})

    @router.get("/health/live")
    async def live() -> Response:
        """Tell that the process answers."""
        return JsonResponse({"status": "live"})

    @router.get("/metrics")
    async def metrics() -> Response:
        """Tell Prometheus."""
        return Response(service.metrics.render(service.batcher, _waiting(services)), media_type=CONTENT_TYPE)

    return router


def _check_alive(services: Services) -> None:
    if not services.healthy:
        raise ApiError(UNAVAILABLE, "a thread that computes or searches has ended: start the server again")


def _waiting(services: Services) -> int:
    """Return how many queries wait to be searched."""
    return 0 if services.search is None else services.search.room.held
