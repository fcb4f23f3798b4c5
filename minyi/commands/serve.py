"""``minyi serve``: our process alone; ``minyi up`` starts and watches it."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from minyi.settings import load_settings
from nlu.errors import MinyiError


def serve(
    engine: Annotated[str, typer.Option(help="address of the dialogue engine on loopback")],
    host: Annotated[str, typer.Option()],
    port: Annotated[int, typer.Option()],
) -> None:
    """Serves channels, API and desk (used by `minyi up`)."""
    import uvicorn

    from minyi.app import Parts, create_app
    from minyi.keys import Keys
    from minyi.supervisor import CANNOT_START

    settings = load_settings(host=host, port=port)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        parts = Parts.load(settings, Keys.load(settings))
    except MinyiError as error:
        print(f"minyi: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)
        raise typer.Exit(CANNOT_START) from None
    uvicorn.run(
        create_app(parts, engine), host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=8
    )
