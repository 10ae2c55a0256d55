"""The shop's own log format: one JSON object a line, made for whole tables at once in DuckDB.

The field names are deliberately not the event contract's; ``sources/footfall_simulator_events.yml``
maps them. Fields without a value are left out, as loggers do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator import events as ev
from ingestion.simulator.catalogue import CATEGORIES, Catalogue
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.discounts import list_coupons
from ingestion.simulator.orders import Orders
from ingestion.simulator.pages import Pages
from ingestion.simulator.people import PAYMENT_METHODS, Population, customer_id
from ingestion.simulator.places import CITIES, COUNTRY, SERVER_AGENT
from ingestion.simulator.searches import SearchTerms
from ingestion.simulator.traffic import SOURCES, Campaign

_LINES = """
SELECT e.row, concat(
    '{"id":"e', printf('%016x', e.number), '","type":"', e.type,
    '","time":"', strftime(make_timestamp(e.wall), '%Y-%m-%dT%H:%M:%S.%g'), e.zone,
    '","received_at":', e.received // 1000,
    v.who, ',"user":"' || e.customer || '"',
    ',"url":"' || e.address || '"', CASE WHEN e.landing = 1 THEN v.ref END,
    CASE WHEN e.server = 1 THEN $server ELSE v.context END, ',"q":' || e.word,
    ',"dwell_ms":' || nullif(e.dwell, -1), ',"payment":"' || e.pay || '"',
    ',"items":[' || e.item || e.quantity || '}],"cur":"' || $currency || '"', a.body, '}'
) AS line
FROM events AS e
LEFT JOIN visits AS v ON v.visit = e.visit
LEFT JOIN attachments AS a ON a.attachment = e.attachment
"""


def json_text(value: object) -> str:
    """Compact JSON with letters of every script as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def money_text(minor: int, exponent: int) -> str:
    """Minor units as a decimal number in major units, exactly."""
    if exponent == 0:
        return str(minor)
    whole, part = divmod(minor, 10**exponent)
    return f"{whole}.{part:0{exponent}d}"


class LogWriter:
    """Turns planted events and their deliveries into lines of text.

    Built once per simulation: the texts that many lines share (a visit's context, a product's
    description, an order) are made here, and ``lines`` only joins them.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        clock: ShopClock,
        catalogue: Catalogue,
        terms: SearchTerms,
        pages: Pages,
        population: Population,
        campaigns: tuple[Campaign, ...],
        visits: pd.DataFrame,
        carts: pd.DataFrame,
        orders: Orders,
    ) -> None:
        self._config, self._clock, self._pages, self._campaigns = config, clock, pages, campaigns
        self._coupons = list_coupons(campaigns)
        self._terms, self._days = terms, visits["day"].to_numpy()
        self._items = self._item_texts(catalogue)
        self._visits = self._visit_texts(population, visits)
        self._customers = len(population.people)
        bodies, self._cart_of_visit = self._cart_texts(carts, len(visits))
        self._first_order = len(bodies)
        bodies += self._order_texts(orders)
        self._first_cancel = len(bodies)
        bodies += [f',"order":{{"id":{json_text(name)}}}' for name in orders.orders["order_id"]]
        self._first_refund = len(bodies)
        bodies += self._refund_texts(orders)
        self._attachments = pd.DataFrame({"attachment": np.arange(len(bodies)), "body": pd.Series(bodies, dtype="str")})

    def lines(self, events: pd.DataFrame, deliveries: pd.DataFrame) -> NDArray[np.object_]:
        """One line of JSON per delivery, in the deliveries' order; dirt is not applied here."""
        row = deliveries["event"].to_numpy()
        logged = deliveries["logged_ts"].to_numpy()
        offset = self._clock.offset(logged)
        zones, zone = np.unique(offset, return_inverse=True)
        told = self._words_of(events).take(row).reset_index(drop=True)
        told = told.assign(
            row=np.arange(len(row)),
            received=deliveries["received"].to_numpy(),
            wall=logged + offset * 1_000_000,
            zone=_words([_zone_text(int(seconds)) for seconds in zones], zone),
        )
        with duckdb.connect() as connection:
            for name, table in (("events", told), ("visits", self._visits), ("attachments", self._attachments)):
                connection.register(name, table)
            said = {"currency": self._config.currency, "server": f',"ua":{json_text(SERVER_AGENT)}'}
            found = connection.execute(_LINES, said).fetchnumpy()
        lines = np.empty(len(row), dtype=object)
        lines[found["row"]] = found["line"]
        return lines

    def _words_of(self, events: pd.DataFrame) -> pd.DataFrame:
        """The event table with numbers replaced by words (as categories, one text each)."""
        kind, payload = events["kind"].to_numpy(), events["payload"].to_numpy()
        visit = events["visit"].to_numpy()
        in_cart = np.isin(kind, (ev.CART, ev.CHECKOUT, ev.PAY)) | ((kind == ev.ORDER) & (payload < 0))
        attachment = np.select(
            [in_cart, kind == ev.ORDER, kind == ev.ORDER_CANCEL, kind == ev.ORDER_REFUND],
            [
                self._cart_of_visit[visit],
                self._first_order + payload,
                self._first_cancel + payload,
                self._first_refund + payload,
            ],
            -1,
        )
        customers = customer_id(np.arange(self._customers))
        return pd.DataFrame(
            {
                "number": scramble(np.arange(len(events)), self._config.seed),
                "type": _words([word for word, _ in ev.KINDS], kind),
                "visit": visit,
                "customer": _words(customers, events["customer"].to_numpy()),
                "address": _words(self._pages.addresses, events["page"].to_numpy()),
                "landing": events["landing"].to_numpy(),
                "server": events["server"].to_numpy(),
                "word": self._searches(events["word"].to_numpy(), visit),
                "dwell": events["dwell"].to_numpy(),
                "pay": _words(PAYMENT_METHODS, events["pay"].to_numpy()),
                "item": _words(self._items, events["version"].to_numpy()),
                "quantity": events["quantity"].to_numpy(),
                "attachment": attachment,
            }
        )

    def _searches(self, term: NDArray[np.int64], visit: NDArray[np.int64]) -> pd.Categorical:
        """What each event searched for (term number, -1 nothing) and how many products were found that day."""
        rows = np.flatnonzero(term >= 0)
        hits = self._terms.results[term[rows], self._days[visit[rows]]]
        most = int(hits.max(initial=0)) + 1
        said, number = np.unique(term[rows] * most + hits, return_inverse=True)
        words = self._terms.words
        texts = [f'{json_text(words[one // most])},"hits":{one % most}' for one in said.tolist()]
        code = np.full(len(term), -1, dtype=np.int64)
        code[rows] = number
        return _words(texts, code)

    def _item_texts(self, catalogue: Catalogue) -> list[str]:
        """Each price version's item object up to its quantity."""
        products, exponent = catalogue.products, self._config.exponent
        described = [
            json_text(
                {"sku": sku, "name": name, "variant": variant, "category": CATEGORIES[category][0], "brand": brand}
            )[:-1]
            for sku, name, variant, category, brand in _tuples(products, "sku", "name", "variant", "category", "brand")
        ]
        return [
            f'{described[product]},"price":{money_text(price, exponent)},"qty":'
            for product, price in zip(
                catalogue.versions["product"].tolist(), catalogue.versions["price"].tolist(), strict=True
            )
        ]

    def _visit_texts(self, population: Population, visits: pd.DataFrame) -> pd.DataFrame:
        """What every line of a visit says about the device, the place and the traffic source."""
        devices = population.devices
        device = visits["device"].to_numpy()
        looks = [
            f',"ua":{json_text(agent)},"device":{json_text(kind)}'
            for agent, kind in zip(devices["agent"], devices["device_class"], strict=True)
        ]
        homes = [json_text({"country": COUNTRY, "region": region, "city": city}) for region, city, _ in CITIES]
        places = [*(f',"geo":{text}' for text in homes), ""]
        city = np.append(population.people["city"].to_numpy(), -1)[visits["person"].to_numpy()]
        traffic = [
            [self._source_text(source, campaign) for campaign in range(-1, len(self._campaigns))]
            for source in range(len(SOURCES))
        ]
        source, campaign = visits["source"].tolist(), visits["campaign"].tolist()
        return pd.DataFrame(
            {
                "visit": np.arange(len(visits)),
                "who": [f',"visitor":"{name}"' for name in devices["visitor"].to_numpy()[device]],
                "ref": [f',"ref":"{r}"' if (r := SOURCES[s].referrer) else "" for s in source],
                "context": [
                    looks[d] + places[home] + traffic[s][c + 1]
                    for d, home, s, c in zip(device.tolist(), city.tolist(), source, campaign, strict=True)
                ],
            }
        )

    def _source_text(self, source: int, campaign: int) -> str:
        one = SOURCES[source]
        name = self._campaigns[campaign].name if campaign >= 0 else None
        utm = {"source": one.utm_source, "medium": one.utm_medium, "campaign": name}
        said = {key: value for key, value in utm.items() if value is not None}
        return (f',"utm":{json_text(said)}' if said else "") + f',"channel":{json_text(one.channel)}'

    def _lines_text(self, lines: pd.DataFrame) -> list[str]:
        """Each line's item object, with its discount where there is one."""
        exponent = self._config.exponent
        return [
            f"{self._items[version]}{quantity}"
            + (f',"discount":{money_text(discount, exponent)}' if discount else "")
            + "}"
            for version, quantity, discount in zip(
                lines["version"].tolist(), lines["quantity"].tolist(), lines["discount"].tolist(), strict=True
            )
        ]

    def _grouped(self, texts: Sequence[str], group: Iterable[int]) -> dict[int, str]:
        """Item objects joined by group, in order."""
        grouped: dict[int, list[str]] = {}
        for key, text in zip(group, texts, strict=True):
            grouped.setdefault(key, []).append(text)
        return {key: ",".join(parts) for key, parts in grouped.items()}

    def _cart_texts(self, carts: pd.DataFrame, visits: int) -> tuple[list[str], NDArray[np.int64]]:
        joined = self._grouped(self._lines_text(carts), carts["visit"].tolist())
        number = np.full(visits + 1, -1, dtype=np.int64)
        number[list(joined)] = np.arange(len(joined))
        return [f',"items":[{text}],"cur":"{self._config.currency}"' for text in joined.values()], number

    def _order_texts(self, orders: Orders) -> list[str]:
        items = self._grouped(self._lines_text(orders.lines), orders.lines["order"].tolist())
        exponent, currency = self._config.exponent, self._config.currency
        texts = []
        for row, (name, value, tax, shipping, coupon) in enumerate(
            _tuples(orders.orders, "order_id", "value", "tax", "shipping", "coupon")
        ):
            said = f',"coupon":"{self._coupons[coupon].code}"' if coupon >= 0 else ""
            texts.append(
                f',"items":[{items[row]}],"order":{{"id":"{name}","total":{money_text(value, exponent)}'
                f',"tax":{money_text(tax, exponent)},"shipping":{money_text(shipping, exponent)}{said}}}'
                f',"cur":"{currency}"'
            )
        return texts

    def _refund_texts(self, orders: Orders) -> list[str]:
        """Refunds name order and amount, and the item when only one line is refunded."""
        exponent = self._config.exponent
        names = orders.orders["order_id"].tolist()
        version = {(order, line): number for order, line, number in _tuples(orders.lines, "order", "line", "version")}
        texts = []
        for order, line, quantity, amount in _tuples(orders.refunds, "order", "line", "quantity", "amount"):
            item = f',"items":[{self._items[version[order, line]]}{quantity}}}]' if line >= 0 else ""
            total = money_text(amount, exponent)
            texts.append(f'{item},"order":{{"id":"{names[order]}","total":{total}}},"cur":"{self._config.currency}"')
        return texts


def scramble(numbers: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Distinct non-sequential 63-bit ids (an affine step and an xor-shift on 63 bits, each a bijection)."""
    mask = np.uint64(2**63 - 1)
    mixed = (numbers.astype(np.uint64) * np.uint64(0x5851F42D4C957F2D) + np.uint64(seed * 2 + 1)) & mask
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed * np.uint64(0x14057B7EF767814F)) & mask
    return mixed.astype(np.int64)


def _words(words: Sequence[str], codes: NDArray[np.int64]) -> pd.Categorical:
    """Numbers as categories; -1 is null. Only the words in use are kept, which DuckDB reads as an enum."""
    used, short = np.unique(codes, return_inverse=True)
    none = int(len(used) > 0 and used[0] == -1)
    # A price that comes back gives a text twice; categories must differ.
    place, kept = pd.factorize(np.array([words[number] for number in used[none:].tolist()], dtype=object))
    return pd.Categorical.from_codes(np.append(place, -1)[short - none], categories=pd.Index(kept, dtype="object"))


def _tuples(table: pd.DataFrame, *columns: str) -> Iterable[tuple[Any, ...]]:
    """Rows of the small tables of products and orders as plain Python values, missing ones as None."""
    plain = table[list(columns)].astype(object)
    return zip(*(plain[name].where(plain[name].notna(), None).tolist() for name in columns), strict=True)


def _zone_text(seconds: int) -> str:
    sign, minutes = ("-", -seconds // 60) if seconds < 0 else ("+", seconds // 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
