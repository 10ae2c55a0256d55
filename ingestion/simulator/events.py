"""The planted events: their kinds, the words the log uses for them, and the table they live in."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: (word in the log, name in the event contract); an event's ``kind`` is its place here.
KINDS: Final = (
    ("page", "page_view"),
    ("list", "view_item_list"),
    ("click", "select_item"),
    ("product", "view_item"),
    ("find", "search"),
    ("fav", "add_to_wishlist"),
    ("cart_add", "add_to_cart"),
    ("cart_remove", "remove_from_cart"),
    ("cart", "view_cart"),
    ("checkout", "begin_checkout"),
    ("pay", "add_payment_info"),
    ("order", "purchase"),
    ("order_refund", "refund"),
    ("order_cancel", "cancel_order"),
    ("login", "login"),
    ("register", "sign_up"),
)
(
    PAGE,
    LIST,
    CLICK,
    PRODUCT,
    FIND,
    FAV,
    CART_ADD,
    CART_REMOVE,
    CART,
    CHECKOUT,
    PAY,
    ORDER,
    ORDER_REFUND,
    ORDER_CANCEL,
    LOGIN,
    REGISTER,
) = range(len(KINDS))

#: Columns of the planted event table; -1 means "none" in every one of them.
#: ``visit`` row of the visit table; ``kind``; ``ts`` instant; ``product`` and ``version`` (price
#: version) of a one-item event; ``quantity``; ``page`` number of the address; ``customer`` known
#: person; ``dwell`` milliseconds; ``payload`` row of the payloads (items or order of the event);
#: ``pay`` number of the payment method; ``word`` number of the search term;
#: ``landing`` 1 on the first event of a visit of a person; ``server`` 1 on a purchase that the shop's
#: backend posted instead of the browser.
COLUMNS: Final = (
    "visit",
    "kind",
    "ts",
    "product",
    "version",
    "quantity",
    "page",
    "customer",
    "dwell",
    "payload",
    "pay",
    "word",
    "landing",
    "server",
)


def event_table(size: int, **columns: NDArray[np.int64] | int) -> pd.DataFrame:
    """An event table of ``size`` rows; columns not given are -1. ``KeyError`` for an unknown column."""
    unknown = set(columns) - set(COLUMNS)
    if unknown:
        raise KeyError(f"event table has no column {sorted(unknown)}, expected some of {COLUMNS}")
    return pd.DataFrame(
        {name: np.broadcast_to(np.asarray(columns.get(name, -1), dtype=np.int64), size) for name in COLUMNS}
    )
