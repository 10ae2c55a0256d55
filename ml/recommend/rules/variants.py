"""One of several variants of a product: who has a shirt in the basket is offered no other size of it, nor a belt twice.

Rules and pairs are counted on items, not on families, since a list names what can be put into a basket.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

#: Item -> family, a name that its variants share; an item that is not in it is a family of its own.
Families = Mapping[str, str]


def family_of(items: pd.Series, families: Families) -> pd.Series:
    """The family of each of ``items``; a list of families keeps an item apart from a family of its name."""
    known = items.map(families)
    return ("family " + known).where(known.notna(), "item " + items).astype(object)


def rules_without_variants(rules: pd.DataFrame, families: Families) -> pd.DataFrame:
    """``rules`` (columns ``antecedent``, ``consequent``; the best first) without those that lead to a variant of the
    antecedent's own items, and of those from one antecedent to several variants only the first."""
    if rules.empty or not families:
        return rules
    consequent = family_of(rules["consequent"], families)
    held = family_of(rules["antecedent"].explode(), families)
    own = (held == consequent.reindex(held.index)).groupby(level=0).any()
    keys = pd.DataFrame({"antecedent": rules["antecedent"].map(tuple), "family": consequent})
    return rules[~own & ~keys[~own].duplicated().reindex(rules.index, fill_value=False)].reset_index(drop=True)


def partners_without_variants(partners: pd.DataFrame, families: Families) -> pd.DataFrame:
    """``partners`` (columns ``item``, ``partner``; of each item the best first) without variants of the item itself,
    and of several variants among an item's partners only the first."""
    if partners.empty or not families:
        return partners
    family = family_of(partners["partner"], families)
    own = family == family_of(partners["item"], families)
    keys = pd.DataFrame({"item": partners["item"], "family": family})
    return partners[~own & ~keys[~own].duplicated().reindex(partners.index, fill_value=False)].reset_index(drop=True)
