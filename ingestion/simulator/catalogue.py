"""The shop's products: categories, brands, variants, popularity, and what of them is on sale on which day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingestion.simulator.assortment import ShelfDays, plan_families, plan_shelf_days
from ingestion.simulator.clock import SECOND, Instants, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.price_versions import price_versions
from ingestion.simulator.segments import SEGMENTS, column

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
_MOST_DRAWS = 40  # after so many products that are not on sale, the category's lasting one is taken

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Catalogue:
    """Products, the days on which they are on sale, and their versions.

    ``products``: one row per product (sku, name, variant, category number, word: number of the word in
    its name, counted through all categories, brand, family: sku of its family's first product, is_active:
    whether it is ever on sale).
    ``versions``: see ``price_versions``. ``popularity``: share of the category's looks that the weights of
    the segments give to each product on sale, by how much the segments look.
    """

    products: pd.DataFrame
    versions: pd.DataFrame
    shelf: ShelfDays
    popularity: NDArray[np.float64]
    _weights: NDArray[np.float64]  # segment x product: appeal inside the product's category
    _members: tuple[Numbers, ...]  # products of each category that are ever on sale
    _epoch: int

    def version_at(self, product: Numbers, when: Instants) -> Numbers:
        """Row of ``versions`` that held for each product at each instant."""
        keys = (
            self.versions["product"].to_numpy() * 10**10 + (self.versions["since"].to_numpy() - self._epoch) // SECOND
        )
        asked = product * 10**10 + np.maximum((when - self._epoch) // SECOND, 0)
        found: Numbers = np.searchsorted(keys, asked, side="right") - 1
        return found

    @property
    def lasting(self) -> NDArray[np.bool_]:
        """Which products are on sale all through the history; one of each category is."""
        return (self.shelf.first == 0) & (self.shelf.last >= self.shelf.last[0])

    def found_on(self, days: int) -> Numbers:
        """How many products a search for each word finds, by word and day."""
        named = [self._named(word) for word in range(len(_WORDS))]
        of_word = np.stack([self._count(some, days) for some in named])
        of_category = np.stack([self._count(self._members[category], days) for _, category in _WORDS])
        return np.where(of_word > 0, of_word, of_category)

    def draw(self, rng: np.random.Generator, segment: Numbers, category: Numbers, day: Numbers) -> Numbers:
        """One product for each (segment, category, day of the visit's start), of those on sale, by popularity and
        the segment's taste for its price."""
        return self._draw(rng, segment, category, day, self._members, category)

    def draw_found(self, rng: np.random.Generator, segment: Numbers, word: Numbers, day: Numbers) -> Numbers:
        """One product for each (segment, searched word, day), by the same rule among the products found."""
        categories = np.array([category for _, category in _WORDS])
        named = tuple(self._named(number) for number in range(len(_WORDS)))
        # Where nothing of that name is on sale, the whole category is found.
        days = int(day.max()) + 1 if len(day) else 0
        any_named = np.array([self._count(some, days) > 0 for some in named]).reshape(len(named), days)
        choice = np.where(any_named[word, day], word, len(named) + categories[word])
        return self._draw(rng, segment, choice, day, (*named, *self._members), categories[word])

    def _named(self, word: int) -> Numbers:
        """Products that are ever on sale and have the word in their name."""
        return np.flatnonzero((self.products["word"].to_numpy() == word) & self.products["is_active"].to_numpy())

    def _count(self, products: Numbers, days: int) -> Numbers:
        """How many of the products are on sale, by day."""
        comes = np.bincount(np.minimum(self.shelf.first[products], days), minlength=days + 1)
        goes = np.bincount(np.minimum(self.shelf.last[products], days), minlength=days + 1)
        count: Numbers = np.cumsum(comes - goes)[:days]
        return count

    def _draw(
        self,
        rng: np.random.Generator,
        segment: Numbers,
        choice: Numbers,
        day: Numbers,
        offered: tuple[Numbers, ...],
        category: Numbers,
    ) -> Numbers:
        """One of the products offered under each ``choice``, by the weights of each segment; what is not on sale
        on the day is drawn again, so that the others keep their odds."""
        drawn = category.copy()  # the first product of each category has its number, and lasts
        open_rows = np.arange(len(segment))
        for _ in range(_MOST_DRAWS):
            if len(open_rows) == 0:
                break
            product = self._draw_once(rng, segment[open_rows], choice[open_rows], offered)
            good = self.shelf.offered(product, day[open_rows])
            drawn[open_rows[good]] = product[good]
            open_rows = open_rows[~good]
        return drawn

    def _draw_once(
        self, rng: np.random.Generator, segment: Numbers, choice: Numbers, offered: tuple[Numbers, ...]
    ) -> Numbers:
        drawn = np.empty(len(segment), dtype=np.int64)
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
    """Draw the products, their families and days on sale, their popularity and every price they will have."""
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
    clothes = np.array([path.startswith("Apparel") for path, _, _ in CATEGORIES])[category]
    families = plan_families(config, category, clothes, len(CATEGORIES))
    brand, word = brand[families.leader], word[families.leader]
    spread = spread[families.leader] + families.dearer
    skus = np.array([f"SKU{number:05d}" for number in range(1, count + 1)], dtype=object)
    products = pd.DataFrame(
        {
            "sku": skus,
            "name": [
                f"{_BRANDS[b]} {CATEGORIES[c][2][w % len(CATEGORIES[c][2])]} {chr(65 + w % 26)}{w % 97:02d}"
                for b, c, w in zip(brand, category, word, strict=True)
            ],
            "variant": [name or _VARIANTS[v] for name, v in zip(families.variant, variant.tolist(), strict=True)],
            "category": category,
            "word": _word_number(category, word),
            "brand": [_BRANDS[b] for b in brand],
            "family": skus[families.leader],
            "is_active": active,
        }
    )
    base = typical * np.exp(spread)
    rank = np.empty(count)
    rank[rng.permutation(count)] = np.arange(1, count + 1)
    appeal = rank**-_POPULARITY_EXPONENT * active
    weights = appeal * np.exp(np.outer(column("price_taste", config.kinds_apart), spread))
    members = tuple(np.flatnonzero((category == number) & active) for number in range(len(CATEGORIES)))
    shelf = plan_shelf_days(config, active, np.arange(count) < len(CATEGORIES))
    versions = price_versions(config, clock, rng, base, shelf)
    popularity = _popularity(config, weights, category)
    return Catalogue(products, versions, shelf, popularity, weights, members, clock.midnight(0))


def _popularity(config: SimulatorConfig, weights: NDArray[np.float64], category: Numbers) -> NDArray[np.float64]:
    """Share of each product in its category's looks, over all segments."""
    looks = column("share") * column("visits_per_week", config.kinds_apart) * column("steps")
    totals = np.stack([np.bincount(category, weights[number]) for number in range(len(SEGMENTS))])
    shares = weights / totals[:, category]
    popularity: NDArray[np.float64] = (looks / looks.sum()) @ shares
    return popularity


def _word_number(category: Numbers, luck: Numbers) -> Numbers:
    """Number in ``_WORDS`` of the word that a product of a category is named after."""
    sizes = np.array([len(words) for _, _, words in CATEGORIES])
    number: Numbers = (np.cumsum(sizes) - sizes)[category] + luck % sizes[category]
    return number
