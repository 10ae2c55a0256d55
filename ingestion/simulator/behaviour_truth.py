"""The truth about planted behaviour: ``path_transitions``, ``search_terms`` and ``campaign_costs``.

``path_transitions``: the Markov chain of ``paths`` among home, category, product and search pages of
people, one row per pair.

- from_kind (``entry`` for the landing page, ``search_nothing`` for a search without results), to_kind
- probability: of to_kind, given from_kind and that the visit goes on to another of these pages
- stay_probability: of staying in the category, null where a page of the pair has none; of a product page it is
  the category that the visit is in, which is not the product's own where an affinity led to that (``looks``)
- transitions, stays: how often it was planted, before late, lost and spoilt deliveries

``search_terms``: term, language (zh, en), category (null: the shop sells nothing like it), results (on the
last day), probability (Zipf), planted_searches, planted_views (searches whose next page is a product that
matches), searches (events that arrived clean and in time).

``campaign_costs``: the last version that was reported of each cost row: cost_date (ISO text),
utm_source, utm_medium, utm_campaign, clicks, impressions, cost (minor units), corrected.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator import paths
from ingestion.simulator.catalogue import CATEGORIES
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.searches import SearchTerms
from ingestion.simulator.traffic import SOURCES, Campaign

_ENTRY, _NOTHING = len(paths.PAGE_KINDS), len(paths.PAGE_KINDS) + 1


def path_truth(walked: pd.DataFrame) -> pd.DataFrame:
    """The table ``path_transitions`` from the pages that ``paths.walk`` planted."""
    kind, category, back = (walked[name].to_numpy() for name in ("kind", "category", "came_from"))
    before = np.where(back < 0, _ENTRY, kind[back])
    came_category = np.where(back < 0, -1, category[back])
    before[(before == paths.SEARCH_KIND) & (came_category < 0)] = _NOTHING
    size = len(paths.PAGE_KINDS)
    count = np.bincount(before * size + kind, minlength=(size + 2) * size)
    stays = (came_category >= 0) & (came_category == category)
    stayed = np.bincount((before * size + kind)[stays], minlength=(size + 2) * size)
    chance = np.vstack([paths.NEXT, paths.ENTRY, paths.NEXT_AFTER_NOTHING])
    names = [*paths.PAGE_KINDS, "entry", "search_nothing"]
    pairs = [(origin, target) for origin in range(size + 2) for target in range(size)]
    stay = [paths.STAY.get(pair) for pair in pairs]
    return pd.DataFrame(
        {
            "from_kind": [names[origin] for origin, _ in pairs],
            "to_kind": [names[target] for _, target in pairs],
            "probability": chance.ravel(),
            "stay_probability": pd.Series(stay, dtype="Float64"),
            "transitions": count,
            "stays": pd.Series(stayed, dtype="Int64").mask(pd.Series(stay).isna()),
        }
    )


def search_truth(terms: SearchTerms, walked: pd.DataFrame, arrived: pd.DataFrame) -> pd.DataFrame:
    """The table ``search_terms``, the likeliest first; ``arrived`` as ``truth.arrived_events``."""
    count = len(terms.words)
    searched = walked.loc[walked["term"] >= 0, "term"].to_numpy()
    kind, term, back = (walked[name].to_numpy() for name in ("kind", "term", "came_from"))
    looked = (kind == paths.PRODUCT_KIND) & (back >= 0)
    looked_for = term[back[looked]]
    words = [CATEGORIES[number][0] if number >= 0 else None for number in terms.category.tolist()]
    clean = arrived["word"].to_numpy()
    return pd.DataFrame(
        {
            "term": list(terms.words),
            "language": list(terms.language),
            "category": pd.Series(words, dtype="str"),
            "results": terms.results[:, -1],
            "probability": terms.probability,
            "planted_searches": np.bincount(searched, minlength=count),
            "planted_views": np.bincount(looked_for[looked_for >= 0], minlength=count),
            "searches": np.bincount(clean[clean >= 0], minlength=count),
        }
    )


def cost_truth(clock: ShopClock, campaigns: tuple[Campaign, ...], costs: pd.DataFrame) -> pd.DataFrame:
    """The table ``campaign_costs``, in order of day, source and campaign."""
    key = ["day", "source", "campaign"]
    versions = costs.groupby(key).size()
    last = costs.drop_duplicates(key, keep="last").sort_values(key, ignore_index=True)
    sources = [SOURCES[number] for number in last["source"].tolist()]
    return pd.DataFrame(
        {
            "cost_date": [clock.date_of(day).isoformat() for day in last["day"].tolist()],
            "utm_source": pd.Series([one.utm_source for one in sources], dtype="str"),
            "utm_medium": pd.Series([one.utm_medium for one in sources], dtype="str"),
            "utm_campaign": pd.Series([campaigns[number].name for number in last["campaign"].tolist()], dtype="str"),
            "clicks": last["clicks"],
            "impressions": last["impressions"],
            "cost": last["cost"],
            "corrected": versions.to_numpy() > 1,
        }
    )
