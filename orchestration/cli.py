"""The `footfall` command. Commands import what they need when they run, so that --help is quick."""

from __future__ import annotations

import typer

from orchestration import cli_data, cli_demo, cli_identity, cli_models, cli_runs

app = typer.Typer(
    name="footfall",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="""From a shop's logs to published sessions, orders, RFM and segments.

Settings come from the environment and from .env; .env.example lists them all.

Exit codes: 0 done (also when there was nothing to do), 1 failed, 2 wrong usage, setting or mapping,
3 done, but something needs a look (too much in quarantine, old data, overdue days).""",
)

app.command()(cli_demo.demo)
app.command()(cli_data.simulate)
app.command()(cli_data.ingest)
app.command()(cli_runs.run)
app.command()(cli_runs.status)
app.add_typer(cli_identity.app, name="identity")
app.add_typer(cli_models.app, name="models")
app.command()(cli_demo.dev)
app.command()(cli_demo.docs)


def main() -> None:
    """Entry point of the installed command."""
    app()
