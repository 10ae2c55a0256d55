"""`footfall models`: which model serves which scores, and a person's word on it."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli_support import FAILED, answer_json, known_errors, refuse, settings_or_refuse, tell

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Which models serve; pin one, let contests decide, learn anew."
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
    except ValueError as error:
        refuse(f"{capability}: version {version} cannot be read: {error}", FAILED)
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


@app.command()
def retrain(
    shop: Annotated[str | None, typer.Option(help="Only this shop's models (default: all shops').")] = None,
) -> None:
    """Learn every model anew from the warehouse as it is, let it contest the one that serves, score, publish.

    What a pinned version's capability learns is kept as challenger. Nothing is loaded; the run shows in the UI.

    Examples:

      footfall models retrain

      footfall models retrain --shop my-shop
    """
    settings = settings_or_refuse()
    from orchestration.dbt_in_process import prepare_manifest
    from orchestration.run_days import run_retrain

    with known_errors():
        shop_id = settings.shop(shop).shop_id if shop is not None else None
        prepare_manifest()
        outcome = run_retrain(settings, shop_id, say=tell)
    for words in outcome.warnings:
        tell(f"warning: {words}")
    for words in outcome.failures:
        tell(f"failed: {words}")
    typer.echo(f"Models: {'learned and published' if outcome.success else 'failed'} (run {outcome.run_id})")
    if not outcome.success:
        raise typer.Exit(FAILED)
