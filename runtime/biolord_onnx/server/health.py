"""Routes for those who watch the server."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from biolord_onnx.server.answers import JsonResponse
from biolord_onnx.server.metrics import CONTENT_TYPE
from biolord_onnx.server.problems import UNAVAILABLE, ApiError
from biolord_onnx.server.service import Service


def health_routes(service: Service) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["health"])

    async def ready() -> Response:
        """Tell whether vectors can be computed: a first one was, and every thread is alive."""
        if not service.healthy:
            raise ApiError(UNAVAILABLE, "a thread that computes vectors has ended: start the server again")
        return JsonResponse({"status": "ready"})

    router.add_api_route("/health", ready, methods=["GET"])
    router.add_api_route("/health/ready", ready, methods=["GET"])

    @router.get("/health/live")
    async def live() -> Response:
        """Tell that the process answers."""
        return JsonResponse({"status": "live"})

    @router.get("/metrics")
    async def metrics() -> Response:
        """Tell Prometheus."""
        return Response(service.metrics.render(service.batcher), media_type=CONTENT_TYPE)

    return router
