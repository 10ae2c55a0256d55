"""A shop: the business whose rows share a warehouse with other shops' rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

SHOP_ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Shop:
    """One shop and how to read its clock and its money.

    ``timezone`` is the IANA name of the business zone (every day in the marts is a day there),
    ``currency`` the ISO 4217 code of amounts that name none, ``orders_from`` says whether orders are
    built from purchase events or from the shop's own order table. ``bought_once`` names categories of
    which people need one product (fridges): as the events name them, with all levels (``a/b``) below;
    it is read when lists are made, and is not part of the lake. ``ValueError`` names what is wrong.
    """

    shop_id: str
    timezone: str = "UTC"
    currency: str = "USD"
    orders_from: Literal["events", "tables"] = "events"
    bought_once: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not SHOP_ID_PATTERN.fullmatch(self.shop_id):
            raise ValueError(
                f"shop id {self.shop_id!r}: expected small letters, digits, '_' and '-', "
                "beginning with a letter or digit"
            )
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"shop {self.shop_id}: timezone {self.timezone!r}: expected an IANA name such as Europe/London"
            ) from error
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(
                f"shop {self.shop_id}: currency {self.currency!r}: expected three capital letters (ISO 4217)"
            )
        if self.orders_from not in ("events", "tables"):
            raise ValueError(f"shop {self.shop_id}: orders_from {self.orders_from!r}: expected 'events' or 'tables'")
        if not isinstance(self.bought_once, tuple) or not all(
            isinstance(name, str) and name.strip() for name in self.bought_once
        ):
            raise ValueError(f"shop {self.shop_id}: bought_once {self.bought_once!r}: expected names of categories")
