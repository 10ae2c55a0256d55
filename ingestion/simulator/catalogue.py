"""The shop's products: categories, brands, popularity and prices that change over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.clock import SECOND, Instants, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.segments import column

#: (path, typical price in major units, words for the product's name, search words)
CATEGORIES: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("Home/Kitchen/Cookware", 199, ("炒锅", "汤锅", "平底锅", "蒸锅")),
    ("Home/Kitchen/Tableware", 49, ("餐盘", "马克杯", "茶具", "筷子")),
    ("Home/Bedding", 269, ("四件套", "羽绒被", "枕头", "床垫")),
    ("Home/Storage", 39, ("收纳箱", "衣架", "置物架")),
    ("Home/Lighting", 129, ("台灯", "吊灯", "夜灯")),
    ("Home/Decor", 79, ("挂画", "花瓶", "香薰", "地毯")),
    ("Home/Appliances/Kitchen", 399, ("电饭煲", "空气炸锅", "破壁机", "电热水壶")),
    ("Home/Appliances/Cleaning", 899, ("吸尘器", "扫地机器人", "洗地机")),
    ("Apparel/Women", 189, ("连衣裙", "针织衫", "风衣", "半身裙")),
    ("Apparel/Men", 169, ("衬衫", "夹克", "休闲裤")),
    ("Apparel/Kids", 89, ("童装", "校服", "童鞋")),
    ("Beauty/Skincare", 159, ("面霜", "精华", "防晒霜", "面膜")),
    ("Beauty/Makeup", 99, ("口红", "粉底液", "眼影")),
    ("Digital/Audio", 299, ("耳机", "音箱", "麦克风")),
    ("Digital/Accessories", 59, ("充电器", "数据线", "手机壳", "移动电源")),
    ("Sports/Outdoor", 239, ("帐篷", "登山包", "冲锋衣", "保温杯")),
)
#: (word, its category), numbered through all categories.
_WORDS = tuple((word, category) for category, (_, _, words) in enumerate(CATEGORIES) for word in words)
_BRANDS = ("山屿", "木棉", "拾光", "Northwind", "鲸语", "Lumen", "青禾", "Orbit", "白鹭", "Tidal", "栖木", "Kestrel")
_VARIANTS = ("标准", "白色", "黑色", "大号", "小号", None)
_POPULARITY_EXPONENT = 0.9  # Zipf; product popularity in shops is near 1
_INACTIVE_SHARE = 0.03
_CHANGES_PER_MONTH = 0.5
_CHANGE_FACTORS = np.array([0.75, 0.8, 0.85, 0.9, 0.95, 1.05, 1.1, 1.15, 1.25])


@dataclass(frozen=True)
class Catalogue:
    """Products and their price versions.

    ``products``: one row per product (sku, name, variant, category number, word: number of the word in
    its name, counted through all categories, brand, is_active).
    ``versions``: one row per price version (product, since: instant, price, cost in minor units),
    ordered by product and ``since``.
    """

    products: pd.DataFrame
    versions: pd.DataFrame
    _weights: NDArray[np.float64]  # segment x product: appeal inside the product's category
    _members: tuple[NDArray[np.int64], ...]  # products of each category
    _epoch: int

    def version_at(self, product: NDArray[np.int64], when: Instants) -> NDArray[np.int64]:
        """Row of ``versions`` that held for each product at each instant."""
        keys = (
            self.versions["product"].to_numpy() * 10**10 + (self.versions["since"].to_numpy() - self._epoch) // SECOND
        )
        asked = product * 10**10 + np.maximum((when - self._epoch) // SECOND, 0)
        found: NDArray[np.int64] = np.searchsorted(keys, asked, side="right") - 1
        return found

    @property
    def products_of_word(self) -> NDArray[np.int64]:
        """How many products a search for each word finds."""
        return np.array([len(self._findable(word)) for word in range(len(_WORDS))], dtype=np.int64)

    def draw(
        self, rng: np.random.Generator, segment: NDArray[np.int64], category: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """One product for each (segment, category), by popularity and the segment's taste for its price."""
        return self._draw(rng, segment, category, self._members)

    def draw_found(
        self, rng: np.random.Generator, segment: NDArray[np.int64], word: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """One product for each (segment, searched word), by the same rule among the products found."""
        return self._draw(rng, segment, word, tuple(self._findable(number) for number in range(len(_WORDS))))

    def _findable(self, word: int) -> NDArray[np.int64]:
        """Products on sale that have the word in their name; the whole category's where none has."""
        category, on_sale = _WORDS[word][1], self.products["is_active"].to_numpy()
        named = np.flatnonzero((self.products["word"].to_numpy() == word) & on_sale)
        members = self._members[category]
        return named if len(named) else members[on_sale[members]]

    def _draw(
        self,
        rng: np.random.Generator,
        segment: NDArray[np.int64],
        choice: NDArray[np.int64],
        offered: tuple[NDArray[np.int64], ...],
    ) -> NDArray[np.int64]:
        """One of the products offered under each ``choice``, by the weights of each segment."""
        drawn = np.empty(len(segment), dtype=np.int64)
        if len(segment) == 0:
            return drawn
        luck = rng.random(len(segment))
        group = segment * len(offered) + choice
        order = np.argsort(group, kind="stable")
        numbers, starts = np.unique(group[order], return_index=True)
        for number, rows in zip(numbers, np.split(order, starts[1:]), strict=True):
            members = offered[number % len(offered)]
            ladder = np.cumsum(self._weights[number // len(offered), members])
            place = np.searchsorted(ladder, luck[rows] * ladder[-1], side="right")
            drawn[rows] = members[np.minimum(place, len(members) - 1)]
        return drawn


def build_catalogue(config: SimulatorConfig, clock: ShopClock) -> Catalogue:
    """Draw the products, their popularity and every price they will have."""
    rng = config.rng("catalogue")
    count = config.products
    category = np.arange(count) % len(CATEGORIES)
    typical = np.array([price for _, price, _ in CATEGORIES])[category]
    spread = rng.normal(0.0, 0.5, count)
    brand = np.minimum(rng.zipf(1.6, count) - 1, len(_BRANDS) - 1)
    variant = rng.integers(0, len(_VARIANTS), count)
    word = rng.integers(0, 1_000_000, count)
    active = rng.random(count) >= _INACTIVE_SHARE
    active[: len(CATEGORIES)] = True  # every category keeps something to sell
    products = pd.DataFrame(
        {
            "sku": [f"SKU{number:05d}" for number in range(1, count + 1)],
            "name": [
                f"{_BRANDS[b]} {CATEGORIES[c][2][w % len(CATEGORIES[c][2])]} {chr(65 + w % 26)}{w % 97:02d}"
                for b, c, w in zip(brand, category, word, strict=True)
            ],
            "variant": [_VARIANTS[v] for v in variant],
            "category": category,
            "word": _word_number(category, word),
            "brand": [_BRANDS[b] for b in brand],
            "is_active": active,
        }
    )
    base = typical * np.exp(spread)
    rank = np.empty(count)
    rank[rng.permutation(count)] = np.arange(1, count + 1)
    appeal = rank**-_POPULARITY_EXPONENT * active
    weights = appeal * np.exp(np.outer(column("price_taste", config.kinds_apart), spread))
    members = tuple(np.flatnonzero(category == number) for number in range(len(CATEGORIES)))
    return Catalogue(products, _price_versions(config, clock, rng, base), weights, members, clock.midnight(0))


def _word_number(category: NDArray[np.int64], luck: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number in ``_WORDS`` of the word that a product of a category is named after."""
    sizes = np.array([len(words) for _, _, words in CATEGORIES])
    number: NDArray[np.int64] = (np.cumsum(sizes) - sizes)[category] + luck % sizes[category]
    return number


def _price_versions(
    config: SimulatorConfig, clock: ShopClock, rng: np.random.Generator, base: NDArray[np.float64]
) -> pd.DataFrame:
    """Each product's first price at the start and its changes, at midnights of the shop."""
    count = len(base)
    unit = 10**config.exponent
    changes = rng.poisson(_CHANGES_PER_MONTH * config.days / 30, count)
    product = np.repeat(np.arange(count), changes)
    day = rng.integers(1, max(config.days, 2), len(product))
    keep = day < config.days
    drawn = pd.DataFrame({"product": product[keep], "day": day[keep]}).drop_duplicates()
    first = pd.DataFrame({"product": np.arange(count), "day": 0})
    versions = pd.concat([first, drawn]).sort_values(["product", "day"], kind="stable", ignore_index=True)
    # Every price is the base price times a factor, so that long histories do not drift away.
    factor = np.where(versions["day"] == 0, 1.0, rng.choice(_CHANGE_FACTORS, len(versions)))
    price = _shelf_price(base[versions["product"]] * factor, unit)
    day_index = versions["day"].to_numpy(dtype=np.int64)
    table = pd.DataFrame(
        {
            "product": versions["product"].to_numpy(),
            "since": clock.at(day_index, np.zeros_like(day_index)),
            "price": price,
            "cost": np.round(_shelf_price(base, unit)[versions["product"]] * 0.55).astype(np.int64),
        }
    )
    # A draw that leaves the price as it was is no new version.
    same = (table["product"].diff() == 0) & (table["price"].diff() == 0)
    return table[~same].reset_index(drop=True)


def _shelf_price(major: NDArray[np.float64], unit: int) -> NDArray[np.int64]:
    """Prices that end in .90 below a hundred and in whole units above, in minor units."""
    whole = np.maximum(np.round(major), 2).astype(np.int64)
    return np.where(whole < 100, whole * unit - unit // 10, whole * unit).astype(np.int64)
