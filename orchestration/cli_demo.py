"""`footfall demo`, `footfall dev` and `footfall docs`: things to look at."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from orchestration.cli_support import FAILED, known_errors, refuse, settings_or_refuse, tell

WORKSPACE = Path(__file__).resolve().parent.parent / "workspace.yaml"
_LOOPBACK = "127.0.0.1"


def demo(
    visitors: Annotated[int, typer.Option(min=50, help="People who come to the simulated shop.")] = 4000,
    days: Annotated[int, typer.Option(min=3, help="Days of history, ending yesterday.")] = 75,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shop.")] = 7,
) -> None:
    """A simulated shop through every step: logs, lake, sessions, orders, RFM, segments, published files.

    Running it again works on the same shop and only does what is left to do.

    Examples:

      footfall demo

      FOOTFALL_HOME=/tmp/small footfall demo --visitors 300 --days 10
    """
    from orchestration.demo import SHOP, run_demo, summarise, summary_in_words

    settings = settings_or_refuse(**SHOP)
    today = datetime.now(ZoneInfo(SHOP["timezone"])).date()
    with known_errors():
        outcomes = run_demo(settings, visitors, days, seed, today, tell)
        for outcome in outcomes:
            for words in outcome.failures:
                tell(f"failed: {words}")
            if not outcome.success:
                raise typer.Exit(FAILED)
        typer.echo(summary_in_words(summarise(settings), settings))


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the UI.")] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on; the UI has no log-in.")] = _LOOPBACK,
) -> None:
    """Start Dagster's UI and daemon (schedule, sensors, queued runs); stop with Ctrl-C.

    Examples:

      footfall dev

      footfall dev --port 3100
    """
    settings = settings_or_refuse()
    from orchestration.dagster_home import open_instance
    from orchestration.dbt_in_process import prepare_manifest
    from orchestration.serve import serve_dagster

    prepare_manifest()
    with open_instance(settings):
        pass  # configured, and cleared of what killed runs left behind
    tell(f"Dagster on http://{host}:{port} for {settings.home}")
    raise typer.Exit(serve_dagster(WORKSPACE, host, port))


def docs(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on the loopback address.")] = 8080,
    serve: Annotated[bool, typer.Option(help="Serve the page; --no-serve only writes it.")] = True,
) -> None:
    """Write the page that describes every table and column, and serve it; it also opens from its file.

    Examples:

      footfall docs

      footfall docs --no-serve
    """
    settings = settings_or_refuse()
    from orchestration.dbt_in_process import DbtFailed, build_docs
    from orchestration.serve import serve_page

    (settings.home / "tmp").mkdir(parents=True, exist_ok=True)
    try:
        page = build_docs(settings.warehouse_environment(), settings.home / "docs")
    except DbtFailed as error:
        refuse(str(error), FAILED)
    typer.echo(f"{page}")
    if serve:
        tell(f"Serving on http://{_LOOPBACK}:{port}, stop with Ctrl-C")
        serve_page(page, _LOOPBACK, port)
