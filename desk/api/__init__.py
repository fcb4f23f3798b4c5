"""The HTTP API under ``/api/v1``."""

from desk.api.routes import api_router

__all__ = ["api_router"]
