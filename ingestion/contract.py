"""The data contract, version 1: one typed definition of every column that may enter the lake.

Validation SQL (``ingestion.validation``), the docs table (``docs/event-contract.md``) and the
contract tests are all derived from the ``Contract`` objects below; nothing else repeats a column
name, a type or a rule. Names follow the GA4 e-commerce vocabulary
(https://developers.google.com/analytics/devguides/collection/ga4/reference/events).

Changing a name or a type here is a new contract version: lake files already written carry
``contract_version`` and are read by name, so a column may be added (null in old files) and never
renamed.
"""

from __future__ import annotations

from typing import Literal

from ingestion.contract_model import Column, Contract, Requirement

CONTRACT_VERSION = 1

EVENT_NAMES = (
    "page_view",
    "view_item_list",
    "select_item",
    "view_item",
    "search",
    "add_to_wishlist",
    "add_to_cart",
    "remove_from_cart",
    "view_cart",
    "begin_checkout",
    "add_payment_info",
    "purchase",
    "refund",
    "review",
    "login",
    "sign_up",
    "cancel_order",
    "payment_failed",
    "identify",
)

#: Events that say something about an order and so must name it.
ORDER_EVENT_NAMES = ("purchase", "refund", "cancel_order")

ORDER_STATUSES = ("placed", "paid", "shipped", "completed", "cancelled", "refunded")

#: ISO 4217 currencies whose minor unit is not a hundredth (ISO 4217:2015, list one).
CURRENCY_EXPONENTS: dict[str, int] = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
DEFAULT_EXPONENT = 2


# A year of shop data before 1990 or after 2100 is a broken clock, not history.
_EARLIEST, _LATEST = "1990-01-01", "2100-01-01"
# Bounds that no real line of a shop reaches; past them a number is a fault of the logger.
_MAX_QUANTITY = 1_000_000
_MAX_MONEY = 1e11


def _ts(name: str, description: str, **rules: object) -> Column:
    return Column(name, "timestamp", description, minimum=_EARLIEST, maximum=_LATEST, **rules)  # type: ignore[arg-type]


def _money(name: str, description: str, minimum: float | None = None) -> Column:
    return Column(
        name,
        "money",
        description + " In minor units of `currency`; null when unknown.",
        minimum=-_MAX_MONEY if minimum is None else minimum,
        maximum=_MAX_MONEY,
    )


def _quantity(description: str) -> Column:
    return Column("quantity", "integer", description, minimum=0, maximum=_MAX_QUANTITY)


SHOP_ID = Column("shop_id", "text", "Shop that the row belongs to; part of every key.", True, stamped=True)
SOURCE = Column("source", "text", "Name of the source mapping that read the row.", True, stamped=True)
VERSION = Column("contract_version", "integer", "Contract version the row was written under.", True, stamped=True)
ARRIVAL = Column(
    "arrival_date",
    "date",
    "Shop's day on which the row reached the shop's systems; for a historical dump the row's own day.",
    True,
    stamped=True,
)
CURRENCY = Column("currency", "text", "ISO 4217 code of every amount in the row.")

_ITEM_COLUMNS = (
    Column("item_id", "text", "Product identifier (SKU)."),
    Column("item_name", "text", "Product name as the source showed it."),
    Column("item_variant", "text", "Variant such as size or colour."),
    Column("item_category", "text", "Product category, levels separated by `/`."),
    Column("item_brand", "text", "Product brand."),
)

_PLACE_COLUMNS = (
    Column("country", "text", "Country of the visitor or buyer."),
    Column("region", "text", "Region, state or province."),
    Column("city", "text", "City."),
)

EVENTS = Contract(
    name="events",
    description="Behaviour events, one row per event and item.",
    key=("event_id", "item_index"),
    time_column="event_ts",
    columns=(
        SHOP_ID,
        Column("event_id", "text", "Identifier of the event: the source's own, or a hash of its natural key.", True),
        Column(
            "item_index", "integer", "0-based position of the item inside the event; null for an event without items."
        ),
        Column("event_name", "text", "What happened, in GA4 e-commerce words.", True, allowed=EVENT_NAMES),
        _ts("event_ts", "When it happened, UTC, microseconds.", required=True),
        Column("event_date", "date", "Shop's own calendar day of the event; null in older files.", stamped=True),
        Column("event_hour", "integer", "Hour of the shop's day, 0-23; null in older files.", stamped=True),
        _ts("received_ts", "When the shop's systems received it, UTC."),
        ARRIVAL,
        SOURCE,
        VERSION,
        Column("device_id", "text", "Cookie, visitor or anonymous id of the device.", pii="id"),
        Column("customer_id", "text", "Known person.", pii="id"),
        Column("source_session_id", "text", "Session id given by the source; never used to build sessions.", pii="id"),
        Column("page_url", "text", "Address or path of the page.", pii="text"),
        Column("referrer", "text", "Address of the page before.", pii="text"),
        Column("user_agent", "text", "Browser's user agent."),
        Column("utm_source", "text", "Traffic source."),
        Column("utm_medium", "text", "Traffic medium."),
        Column("utm_campaign", "text", "Campaign."),
        Column("channel", "text", "Channel group as the source names it."),
        Column("device", "text", "Device class: desktop, mobile, tablet …"),
        *_PLACE_COLUMNS,
        *_ITEM_COLUMNS,
        _money("price", "Unit price of the item."),
        _quantity("Units of the item; never negative (a return is a `refund` event)."),
        _money("discount", "Discount on the row."),
        Column("coupon", "text", "Coupon code."),
        _money("tax", "Tax of the event."),
        _money("shipping", "Shipping of the event."),
        _money("value", "Stated worth of the whole event (of the order, for a purchase); repeated on each item row."),
        CURRENCY,
        Column("order_id", "text", "Order the event is about; needed by purchase, refund and cancel_order."),
        Column("payment_method", "text", "How it was paid."),
        Column("search_term", "text", "What the visitor searched for."),
        Column("dwell_ms", "integer", "Time on the page in milliseconds.", minimum=0, maximum=86_400_000 * 7),
        Column("properties", "json", "Anything else the source says, as a JSON object.", pii="text"),
    ),
    requirements=(
        Requirement(
            "order_id",
            "event_name IN ({})".format(", ".join(f"'{name}'" for name in ORDER_EVENT_NAMES)),
            "a purchase, refund or cancellation must name its order: map order_id, or say in the mapping "
            "which columns make an order",
        ),
    ),
)


def _table(name: str, description: str, key: tuple[str, ...], *columns: Column) -> Contract:
    """A shop table: rows are upserts by ``key`` and ``updated_at``, which is also a row's own day."""
    head = (SHOP_ID, ARRIVAL, SOURCE, VERSION)
    updated = _ts("updated_at", "When this version of the row was written, UTC; the latest wins.", required=True)
    return Contract(name, description, key, "updated_at", (*head, updated, *columns))


def _key(name: str, description: str, pii: Literal["id"] | None = None) -> Column:
    return Column(name, "text", description, required=True, pii=pii)


USERS = _table(
    "users",
    "Registered customers.",
    ("customer_id",),
    _key("customer_id", "Known person.", "id"),
    _ts("registered_at", "When the account was made, UTC."),
    Column("gender", "text", "Gender as stated."),
    Column("birth_year", "integer", "Year of birth.", minimum=1900, maximum=2100),
    *_PLACE_COLUMNS,
    Column("acquisition_channel", "text", "Channel of the registration."),
    Column("properties", "json", "Anything else, as a JSON object.", pii="text"),
)

PRODUCTS = _table(
    "products",
    "Product catalogue; its versions are the products' history.",
    ("item_id",),
    _key("item_id", "Product identifier (SKU)."),
    *_ITEM_COLUMNS[1:],
    _money("price", "List price."),
    _money("cost", "Purchase cost."),
    CURRENCY,
    Column("is_active", "boolean", "Whether the product is on sale."),
)

ORDERS = _table(
    "orders",
    "Orders as the shop's own system holds them.",
    ("order_id",),
    _key("order_id", "Order number."),
    Column("customer_id", "text", "Who bought.", pii="id"),
    Column("device_id", "text", "Device that bought.", pii="id"),
    _ts("ordered_at", "When the order was placed, UTC.", required=True),
    Column("status", "text", "State of the order.", allowed=ORDER_STATUSES),
    _ts("cancelled_at", "When it was cancelled, UTC."),
    _money("value", "What the customer owes for the order, after discounts.", 0),
    _money("discount", "Discounts already taken off `value`.", 0),
    _money("tax", "Tax inside `value`."),
    _money("shipping", "Shipping inside `value`."),
    CURRENCY,
    Column("coupon", "text", "Coupon code."),
    Column("payment_method", "text", "How it was paid."),
    Column("channel", "text", "Channel that the shop credits."),
    Column("utm_campaign", "text", "Campaign that the shop credits."),
    *_PLACE_COLUMNS,
)

ORDER_ITEMS = _table(
    "order_items",
    "Lines of orders.",
    ("order_id", "line_number"),
    _key("order_id", "Order number."),
    Column("line_number", "integer", "Position in the order.", True, minimum=0, maximum=_MAX_QUANTITY),
    *_ITEM_COLUMNS,
    _money("price", "Unit price paid."),
    _quantity("Units ordered."),
    _money("discount", "Discount on the line."),
    CURRENCY,
)

PAYMENTS = _table(
    "payments",
    "Payments and payment attempts.",
    ("payment_id",),
    _key("payment_id", "Payment number."),
    Column("order_id", "text", "Order paid for.", True),
    _ts("paid_at", "When, UTC.", required=True),
    Column("payment_method", "text", "How."),
    Column("status", "text", "Outcome as the payment provider names it."),
    _money("value", "Amount paid."),
    CURRENCY,
)

REFUNDS = _table(
    "refunds",
    "Money given back.",
    ("refund_id",),
    _key("refund_id", "Refund number."),
    Column("order_id", "text", "Order refunded.", True),
    Column("line_number", "integer", "Line refunded; null for the whole order.", minimum=0),
    _ts("refunded_at", "When, UTC.", required=True),
    _quantity("Units returned."),
    _money("value", "Amount given back, positive; null means all that is left of the order.", 0),
    CURRENCY,
    Column("reason", "text", "Why."),
)

REVIEWS = _table(
    "reviews",
    "Product reviews.",
    ("review_id",),
    _key("review_id", "Review number."),
    Column("item_id", "text", "Product reviewed.", True),
    Column("customer_id", "text", "Who wrote it.", pii="id"),
    Column("order_id", "text", "Order that the product came from."),
    _ts("reviewed_at", "When, UTC.", required=True),
    Column("rating", "integer", "Stars.", minimum=0, maximum=10),
    Column("title", "text", "Headline.", pii="text"),
    Column("body", "text", "Text.", pii="text"),
)

CAMPAIGN_COSTS = _table(
    "campaign_costs",
    "Advertising cost by day and campaign.",
    ("cost_date", "utm_source", "utm_medium", "utm_campaign"),
    Column("cost_date", "date", "Day the cost belongs to.", True),
    _key("utm_source", "Traffic source."),
    _key("utm_medium", "Traffic medium."),
    _key("utm_campaign", "Campaign."),
    _money("cost", "Amount spent.", 0),
    CURRENCY,
    Column("clicks", "integer", "Clicks bought.", minimum=0),
    Column("impressions", "integer", "Times shown.", minimum=0),
)

CONTRACTS: dict[str, Contract] = {
    contract.name: contract
    for contract in (
        EVENTS,
        USERS,
        PRODUCTS,
        ORDERS,
        ORDER_ITEMS,
        PAYMENTS,
        REFUNDS,
        REVIEWS,
        CAMPAIGN_COSTS,
    )
}
