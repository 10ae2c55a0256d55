"""What the shop's campaigns cost: a row for each day and tagged source, some of them corrected later.

Every source with campaign tags (``traffic.CAMPAIGN_SOURCES``) advertises each campaign on each of its
days. Clicks follow the visits that came through it; ad platforms count somewhat more clicks than
visits arrive.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.simulator.clock import DAY, SECOND, ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.traffic import CAMPAIGN_SOURCES, SOURCES, Campaign

#: (cost of a click in major units, clicks per time shown) by utm source; an e-mail costs almost nothing.
_RATES = {
    "baidu": (1.8, 0.040), "weibo": (0.7, 0.015), "wechat": (0.6, 0.020), "douyin": (1.1, 0.012),
    "newsletter": (0.05, 0.050),
}  # fmt: skip
_EXTRA_CLICKS = 0.15
_REPORTED_AT = 6 * 3600 * SECOND  # the morning after


def plan_campaign_costs(
    config: SimulatorConfig, clock: ShopClock, campaigns: tuple[Campaign, ...], visits: pd.DataFrame
) -> pd.DataFrame:
    """Cost rows in order of report: day, source and campaign numbers, clicks, impressions, cost, updated.

    ``cost`` is in minor units; a corrected row comes a second time with another cost and a later
    ``updated``. What would be reported after the history ends is left out.
    """
    rng = config.rng("campaign costs")
    keys = [
        (day, source, number)
        for number, campaign in enumerate(campaigns)
        for day in range(campaign.first_day, campaign.last_day + 1)
        for source in CAMPAIGN_SOURCES
    ]
    table = pd.DataFrame(keys, columns=["day", "source", "campaign"], dtype=np.int64)
    day, source, count = table["day"].to_numpy(), table["source"].to_numpy(), len(table)
    tagged = visits[visits["campaign"] >= 0]
    came = np.bincount(tagged["day"].to_numpy() * len(SOURCES) + tagged["source"].to_numpy(), minlength=1)
    visited = np.append(came, np.zeros(config.days * len(SOURCES), dtype=np.int64))[day * len(SOURCES) + source]
    clicks = visited + rng.poisson(visited * _EXTRA_CLICKS + 0.5)
    rates = np.array([_RATES.get(one.utm_source or "", (0.0, 1.0)) for one in SOURCES])[source]
    per_click = rates[:, 0] * np.exp(rng.normal(0, 0.1, count))
    table = table.assign(
        clicks=clicks,
        impressions=np.round(clicks / rates[:, 1] * np.exp(rng.normal(0, 0.1, count))).astype(np.int64),
        cost=np.round(clicks * per_click * 10**config.exponent).astype(np.int64),
        updated=clock.at(day + 1, np.full(count, _REPORTED_AT)),
    )
    wrong = rng.random(count) < config.cost_correction_share
    factor, wait = rng.uniform(0.85, 1.1, count), rng.integers(1, 6, count) * DAY + 3 * 3600 * SECOND
    corrected = table.assign(cost=np.round(table["cost"] * factor).astype(np.int64), updated=table["updated"] + wait)[
        wrong
    ]
    whole = pd.concat([table, corrected], ignore_index=True)
    whole = whole[whole["updated"] < clock.midnight(config.days)]
    return whole.sort_values(["updated", "day", "source"], kind="stable", ignore_index=True)
