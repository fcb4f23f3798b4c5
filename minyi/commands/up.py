"""``minyi up``: everything in one command."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from minyi.settings import load_settings


def up(
    host: Annotated[str | None, typer.Option(help="address to listen on; MINYI_HOST when not given")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; MINYI_PORT when not given")] = None,
) -> None:
    """Starts the service and the dialogue engine, watches them, prints the addresses. Builds the models when there are none."""
    from minyi.commands.prepare import build_missing
    from minyi.supervisor import Supervisor, check_disk, check_port

    settings = load_settings(**{k: v for k, v in {"host": host, "port": port}.items() if v is not None})
    check_disk(settings)
    check_port(settings.host, settings.port)
    build_missing(settings)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    supervisor = Supervisor(settings, tell)
    supervisor.prepare()
    tell("正在启动 starting …")
    status = supervisor.run()
    if status:
        raise typer.Exit(status)
