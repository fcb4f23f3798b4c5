"""The agent console at ``/desk``."""

from desk.console.routes import console_router, console_static

__all__ = ["console_router", "console_static"]
