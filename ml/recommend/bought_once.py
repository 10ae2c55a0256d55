"""Categories of which people need one product: whoever has a fridge is shown no second one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ml.recommend.interactions import Codes, Ids
from ml.recommend.tables import UNKNOWN_COLUMNS


def bought_once_groups(category: Ids, names: Sequence[str]) -> Codes:
    """The group that each item belongs to, -1 for none; shape of ``category`` ("" where an item has none).

    A name stands for the category of that name and for all below it: levels are separated by ``/``, and ``家电`` holds
    ``家电/冰箱``, not ``家电城``. Where names hold each other the widest makes the group. Letters count as they are.
    """
    wide_first = sorted({_plain(name) for name in names}, key=lambda name: (name.count("/"), name))
    distinct, place = np.unique(category.astype(str), return_inverse=True)
    group = np.full(len(distinct), -1, dtype=np.int64)
    for number, name in enumerate(wide_first):
        held = np.array([_holds(name, one) for one in distinct], dtype=bool)
        group[held & (group < 0)] = number
    found: Codes = group[place.ravel()]
    return found


def unknown_categories(category: Ids, names: Sequence[str]) -> list[str]:
    """Those of ``names`` that no item's ``category`` is, or is below, as they were given."""
    distinct = np.unique(category.astype(str))
    return [name for name in names if not any(_holds(_plain(name), one) for one in distinct)]


def unknown_rows(category: Ids, names: Sequence[str], shop_id: str, as_of: dt.date, version: str) -> pd.DataFrame:
    """Rows of ``ml.unknown_categories``: catalogues change, and a setting that says nothing any more is to be seen."""
    rows = [(shop_id, name, version, as_of) for name in unknown_categories(category, names)]
    return pd.DataFrame(rows, columns=list(UNKNOWN_COLUMNS), dtype=object)


def _plain(name: str) -> str:
    return name.strip().rstrip("/")


def _holds(name: str, category: str) -> bool:
    return category == name or category.startswith(name + "/")
