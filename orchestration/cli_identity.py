"""`footfall identity`: look at who uses a device, and overrule the rules, with a reason that is kept."""

from __future__ import annotations

import getpass
from typing import Annotated, Literal

import typer

from orchestration.cli_support import answer_json, known_errors, refuse, settings_or_refuse, tell
from orchestration.settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who uses which device; undo or make a merge.")

Device = Annotated[str, typer.Argument(help="Device: its cookie, visitor or anonymous id as it is in the lake.")]
Customer = Annotated[str, typer.Argument(help="Customer id as it is in the lake.")]
Reason = Annotated[str, typer.Option(help="Why; kept beside the decision.")]
ShopOption = Annotated[str | None, typer.Option(help="Shop (default: FOOTFALL_SHOP_ID).")]


@app.command()
def show(device: Device, shop: ShopOption = None) -> None:
    """What is published about a device: its customers, the rule and the evidence, as JSON.

    Example:

      footfall identity show 7b0c9a1e
    """
    settings = settings_or_refuse()
    from publishing import PublishedReader

    with known_errors():
        reader = PublishedReader(settings.published)
        reader.require("dim_identities")
        found = reader.connect().execute(
            "select * from dim_identities where shop_id = ? and anonymous_id = ? order by customer_id",
            [settings.shop(shop).shop_id, device],
        )
        columns, values = [column[0] for column in found.description], found.fetchall()
    answer_json([dict(zip(columns, row, strict=True)) for row in values])


@app.command()
def separate(device: Device, customer: Customer, reason: Reason, shop: ShopOption = None) -> None:
    """Take a customer away from a device: its anonymous visits are no longer that customer's.

    Example:

      footfall identity separate 7b0c9a1e C1024 --reason "till in the shop"
    """
    _decide(device, customer, "separate", reason, shop)


@app.command()
def join(device: Device, customer: Customer, reason: Reason, shop: ShopOption = None) -> None:
    """Give a device's anonymous visits to a customer, also where others use it too.

    Example:

      footfall identity join 7b0c9a1e C1024 --reason "customer told us"
    """
    _decide(device, customer, "join", reason, shop)


def _decide(device: str, customer: str, action: Literal["separate", "join"], reason: str, shop: str | None) -> None:
    settings = settings_or_refuse()
    from ingestion.identity_overrides import decide_identity
    from ingestion.lake import Lake

    with known_errors():
        which = settings.shop(shop)
        try:
            path = decide_identity(
                Lake(settings.lake), which.shop_id, device, customer, action, getpass.getuser(), reason
            )
        except ValueError as error:
            refuse(str(error))
    for words in _unknown(settings, which.shop_id, device, customer):
        tell(f"Careful: {words} Written all the same: it counts when that id comes.")
    typer.echo(f"Written to {path}. The next run counts it, whatever days the run is about.")


def _unknown(settings: Settings, shop_id: str, device: str, customer: str) -> list[str]:
    """What the published version does not know of a decision; nothing to say where nothing is published."""
    from publishing import PublishedReader
    from publishing.errors import PublishingError

    places = (
        ("device", device, "agg_user_daily", "visitor_id"),
        ("customer", customer, "dim_customers", "customer_id"),
    )
    unknown = []
    try:
        reader = PublishedReader(settings.published)
        reader.require(*(table for _, _, table, _ in places))
        for kind, value, table, column in places:
            query = f"select 1 from {table} where shop_id = ? and {column} = ? limit 1"
            if not reader.connect().execute(query, [shop_id, value]).fetchall():
                unknown.append(f"{table} of version {reader.version} has no {kind} {value!r} in shop {shop_id!r}.")
    except PublishingError:
        return []
    return unknown
