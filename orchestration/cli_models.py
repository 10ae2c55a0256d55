"""`footfall models`: which model serves which scores, and a person's word on it."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli_support import answer_json, known_errors, refuse, settings_or_refuse

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Which models serve; pin one, or let contests decide."
)

CapabilityName = Annotated[str, typer.Argument(help="Capability, such as churn.")]
Version = Annotated[str, typer.Argument(help="Version, as `footfall models list` shows it.")]
ShopOption = Annotated[str | None, typer.Option(help="Shop (default: FOOTFALL_SHOP_ID).")]


@app.command("list")
def list_models(capability: Annotated[str | None, typer.Argument(help="Only this capability.")] = None) -> None:
    """Every version with its status, as JSON: champion, challenger, rejected or retired.

    Example:

      footfall models list churn
    """
    settings = settings_or_refuse()
    from ml.registry.store import ModelStore

    registry = ModelStore(settings.models).registry()
    if capability is not None:
        registry = registry[registry["capability"] == capability]
    columns = ["capability", "shop_id", "version", "model", "status", "is_pinned", "trained_as_of", "reason"]
    answer_json(registry[columns].to_dict("records"))


@app.command()
def pin(capability: CapabilityName, version: Version, shop: ShopOption = None) -> None:
    """Let this version serve, whatever contests say, until it is unpinned.

    Example:

      footfall models pin churn 4f1c09ab77de2035
    """
    settings = settings_or_refuse()
    from ml.registry.store import ModelStore

    with known_errors():
        shop_id = settings.shop(shop).shop_id
    try:
        ModelStore(settings.models).pin(capability, shop_id, version)
    except KeyError as error:
        refuse(str(error.args[0]))
    typer.echo(f"{capability}: version {version} serves from the next run on.")


@app.command()
def unpin(capability: CapabilityName, shop: ShopOption = None) -> None:
    """Let contests decide again.

    Example:

      footfall models unpin churn
    """
    settings = settings_or_refuse()
    from ml.registry.store import ModelStore

    with known_errors():
        shop_id = settings.shop(shop).shop_id
    try:
        ModelStore(settings.models).unpin(capability, shop_id)
    except KeyError as error:
        refuse(str(error.args[0]))
    typer.echo(f"{capability}: the next run learns anew and decides again.")
