"""What people search for: Chinese and English words for the shop's products, and things it does not sell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.simulator.catalogue import CATEGORIES, Catalogue
from ingestion.simulator.config import SimulatorConfig

_ENGLISH = {
    "炒锅": "wok", "汤锅": "stock pot", "平底锅": "frying pan", "蒸锅": "steamer", "餐盘": "plates", "马克杯": "mug",
    "茶具": "tea set", "筷子": "chopsticks", "四件套": "bedding set", "羽绒被": "duvet", "枕头": "pillow",
    "床垫": "mattress", "收纳箱": "storage box", "衣架": "hangers", "置物架": "shelf", "台灯": "desk lamp",
    "吊灯": "pendant light", "夜灯": "night light", "挂画": "wall art", "花瓶": "vase", "香薰": "scented candle",
    "地毯": "rug", "电饭煲": "rice cooker", "空气炸锅": "air fryer", "破壁机": "blender", "电热水壶": "kettle",
    "吸尘器": "vacuum cleaner", "扫地机器人": "robot vacuum", "洗地机": "floor washer", "连衣裙": "dress",
    "针织衫": "cardigan", "风衣": "trench coat", "半身裙": "skirt", "衬衫": "shirt", "夹克": "jacket",
    "休闲裤": "chinos", "童装": "kids clothes", "校服": "school uniform", "童鞋": "kids shoes", "面霜": "face cream",
    "精华": "serum", "防晒霜": "sunscreen", "面膜": "face mask", "口红": "lipstick", "粉底液": "foundation",
    "眼影": "eye shadow", "耳机": "headphones", "音箱": "speaker", "麦克风": "microphone", "充电器": "charger",
    "数据线": "usb cable", "手机壳": "phone case", "移动电源": "power bank", "帐篷": "tent", "登山包": "backpack",
    "冲锋衣": "rain jacket", "保温杯": "thermos",
}  # fmt: skip
_NOT_SOLD = (
    "猫粮",
    "显卡",
    "生日蛋糕",
    "电动车",
    "guitar strings",
    "机票",
    "baby formula",
    "乐高",
    "graphics card",
    "钢琴",
)
_EXPONENT = 1.0  # Zipf
_ENGLISH_WEIGHT = 0.3


@dataclass(frozen=True)
class SearchTerms:
    """Parallel arrays by term number, the most searched term first.

    ``words``; ``language`` zh or en; ``category`` and ``word`` (number of the product word, see
    ``Catalogue``), -1 where the shop sells nothing like it; ``results`` found, by term and day (of the
    visit's start); ``probability``.
    """

    words: tuple[str, ...]
    language: tuple[str, ...]
    category: NDArray[np.int64]
    word: NDArray[np.int64]
    results: NDArray[np.int64]
    probability: NDArray[np.float64]

    def draw(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Term numbers by their probability."""
        drawn: NDArray[np.int64] = np.searchsorted(np.cumsum(self.probability), rng.random(size), side="right")
        return np.minimum(drawn, len(self.words) - 1)


def build_terms(config: SimulatorConfig, catalogue: Catalogue) -> SearchTerms:
    """Rank the words by chance and give them Zipf probabilities (English ones fewer than Chinese ones)."""
    rng = config.rng("search terms")
    sold = [(word, category) for category, (_, _, some) in enumerate(CATEGORIES) for word in some]
    rows = [("zh", word, category, number) for number, (word, category) in enumerate(sold)]
    rows += [("en", _ENGLISH[word], category, number) for number, (word, category) in enumerate(sold)]
    rows += [("en" if word.isascii() else "zh", word, -1, -1) for word in _NOT_SOLD]
    weight = 1 / (1 + rng.permutation(len(rows))) ** _EXPONENT
    weight *= np.array([_ENGLISH_WEIGHT if language == "en" else 1.0 for language, *_ in rows])
    order = np.argsort(-weight, kind="stable")
    words, language = (tuple(rows[row][field] for row in order.tolist()) for field in (1, 0))
    category, word = (np.array([row[field] for row in rows], dtype=np.int64)[order] for field in (2, 3))
    of_word = catalogue.found_on(config.days)
    found = np.vstack([of_word, np.zeros_like(of_word[:1])])[word]
    return SearchTerms(words, language, category, word, found, weight[order] / weight.sum())
