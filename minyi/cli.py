"""The command line. One file a command under ``commands/``; heavy imports happen inside the commands."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from minyi.commands import bench, chat, data, evaluate, models, prepare, read, serve, train, up, user
from nlu.errors import MinyiError

app = typer.Typer(
    name="minyi",
    help="民意 minyi: reads residents' messages, routes them, and talks until the ticket is complete.\n\n"
    "First commands to try:\n\n  minyi up                 start everything and print the addresses\n\n"
    '  minyi read "楼下烧烤摊半夜油烟大"   see what one text tells\n\n  minyi chat               talk to it in the terminal',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("up")(up.up)
app.command("chat")(chat.chat)
app.command("read")(read.read)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(user.app, name="user")
app.command("prepare")(prepare.prepare)
app.command("bench")(bench.bench)
app.command("serve", hidden=True)(serve.serve)


def main() -> None:
    """Entry point: our own errors become one line on stderr and exit status 1; a traceback means a bug of ours."""
    try:
        app()
    except MinyiError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]minyi:[/red] {_escape(str(error))}")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
