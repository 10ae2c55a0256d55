"""The capability association rules: what is bought together, learned anew every day from the shop's orders, as rules
for a basket and as partners of a product."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation.drift import Drift
from ml.evaluation.results import Measured, Subject
from ml.recommend.read import newest_day, read_items
from ml.recommend.rules.shop_rules import SHOP_LIMITS, ShopRules, learn_rules
from ml.recommend.shelf import Shelf
from ml.registry.record import CHAMPION, ModelRecord, data_digest
from ml.serving.capability import ShopData, Trained

#: Days of orders that rules are learned from, and the share of false ones that is put up with.
WINDOW_DAYS, MOST_FALSE = 365, 0.05
MODEL = "eclat"

#: ``ml.association_rules``, key shop_id, rule_id.
ASSOCIATION_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "rule_id": "VARCHAR",
    "antecedent": "VARCHAR[]",
    "antecedent_size": "INTEGER",
    "consequent_item_id": "VARCHAR",
    "baskets_both": "BIGINT",
    "baskets_antecedent": "BIGINT",
    "baskets_consequent": "BIGINT",
    "baskets": "BIGINT",
    "support": "DOUBLE",
    "confidence": "DOUBLE",
    "lift": "DOUBLE",
    "leverage": "DOUBLE",
    "p_value": "DOUBLE",
    "model_version": "VARCHAR",
    "as_of": "DATE",
}
#: ``ml.cross_sell``, key shop_id, item_id, rank.
CROSS_SELL_COLUMNS: dict[str, str] = {
    "shop_id": "VARCHAR",
    "item_id": "VARCHAR",
    "rank": "INTEGER",
    "partner_item_id": "VARCHAR",
    "baskets_both": "BIGINT",
    "baskets_item": "BIGINT",
    "baskets_partner": "BIGINT",
    "baskets": "BIGINT",
    "support": "DOUBLE",
    "confidence": "DOUBLE",
    "lift": "DOUBLE",
    "lift_low": "DOUBLE",
    "lift_high": "DOUBLE",
    "leverage": "DOUBLE",
    "p_value": "DOUBLE",
    "model_version": "VARCHAR",
    "as_of": "DATE",
}
#: Partners of an item, as many as a page shows of anything.
PARTNERS = 20
_BASKET_COUNTS = {
    "n_both": "baskets_both",
    "n_antecedent": "baskets_antecedent",
    "n_consequent": "baskets_consequent",
    "n_item": "baskets_item",
    "n_partner": "baskets_partner",
    "n_baskets": "baskets",
    # what a reader sees is the one that allows for how many rules were looked at
    "p_adjusted": "p_value",
}


class AssociationRules:
    """See ``ml.serving.capability.Capability``. Rules are counts: nothing is fitted, so that nothing can drift."""

    name = "association_rules"
    code_version = 2
    tables: Mapping[str, Mapping[str, str]] = {
        "association_rules": ASSOCIATION_COLUMNS,
        "cross_sell": CROSS_SELL_COLUMNS,
    }

    def read(self, connection: duckdb.DuckDBPyConnection, shop_id: str) -> ShopData:
        """Raises ``NotEnoughData`` where too few orders hold several products."""
        as_of = newest_day(connection, shop_id)
        shelf = Shelf.of(read_items(connection, shop_id, np.empty(0, dtype=object)))
        # a family goes by the id of one of its items, which another family cannot have
        leader = shelf.ids[np.unique(shelf.family, return_index=True)[1]][shelf.family]
        found = learn_rules(
            connection,
            shop_id,
            as_of,
            window_days=WINDOW_DAYS,
            k=PARTNERS,
            most_false=MOST_FALSE,
            withdrawn=shelf.ids[~shelf.open].tolist(),
            families=dict(zip(shelf.ids.tolist(), leader.tolist(), strict=True)),
        )
        return ShopData(shop_id, as_of, pd.DataFrame(), found)

    def parameters(self, data: ShopData) -> Mapping[str, object]:
        """The window and the limits."""
        return {
            "window_days": WINDOW_DAYS,
            "most_false": MOST_FALSE,
            "min_count": SHOP_LIMITS.min_count,
            "min_confidence": str(SHOP_LIMITS.min_confidence),
            "max_items": SHOP_LIMITS.max_items,
        }

    def train(self, data: ShopData, champion: ModelRecord | None, random_state: int) -> Trained:
        """Records what was counted, and how many rules were tested and why others were left out."""
        found: ShopRules = data.history
        detail = found.detail
        reason = (
            f"{detail['rules_kept']} rules of {detail['rules_tested']} tested, "
            f"from {detail['orders_with_several_products']} orders with several products"
        )
        counts = {name: value for name, value in detail.items() if isinstance(value, int)}
        record = ModelRecord(
            capability=self.name,
            shop_id=data.shop_id,
            model=MODEL,
            trained_as_of=data.as_of,
            data_from=pd.Timestamp(str(detail["first_day"])).date(),
            data_until=data.as_of,
            training_rows=int(detail["orders"]),
            features=(),
            code_version=self.code_version,
            seed=random_state,
            data_digest=data_digest(found.rules[["consequent_item_id", "n_both", "n_antecedent", "n_baskets"]]),
            status=CHAMPION,
            reason=reason,
            parameters=dict(self.parameters(data)),
            metrics=dict(counts),
        )
        subject = Subject(self.name, data.shop_id, data.as_of, MODEL, random_state, record.version)
        n = int(detail["orders"])
        rows = [Measured(subject, name, float(value), n) for name, value in counts.items()]
        for name in ("confidence", "lift"):
            middle = float(found.rules[name].median()) if len(found.rules) else None
            rows.append(Measured(subject, f"median_{name}", middle, len(found.rules)))
        return Trained(record, detail, rows)

    def drift(self, model: Any, data: ShopData) -> Sequence[Drift]:
        """Nothing is fitted."""
        return []

    def score(self, model: Any, record: ModelRecord, data: ShopData) -> Mapping[str, pd.DataFrame]:
        """``ml.association_rules`` and ``ml.cross_sell`` of one shop."""
        found: ShopRules = data.history
        rules, partners = (
            frame.drop(columns="p_value").rename(columns=_BASKET_COUNTS).assign(model_version=record.version)
            for frame in (found.rules, found.partners)
        )
        rules = rules.assign(
            antecedent_size=rules["antecedent"].str.len().astype("int64"),
            rule_id=[
                rule_id(antecedent, consequent)
                for antecedent, consequent in zip(rules["antecedent"], rules["consequent_item_id"], strict=True)
            ],
        )
        return {
            "association_rules": rules[list(ASSOCIATION_COLUMNS)].reset_index(drop=True),
            "cross_sell": partners[list(CROSS_SELL_COLUMNS)].reset_index(drop=True),
        }

    def fault(self, scored: Mapping[str, pd.DataFrame], record: ModelRecord) -> str | None:
        """Shares that are none."""
        for table, what in (("association_rules", "rules"), ("cross_sell", "partners")):
            shares = scored[table][["support", "confidence"]].to_numpy(dtype=float)
            wrong = int((~((shares > 0) & (shares <= 1))).any(axis=1).sum())
            if wrong:
                return f"{wrong} {what} have a support or confidence that is no share"
        return None


def rule_id(antecedent: Sequence[str], consequent: str) -> str:
    """Names a rule within its shop: the same items, the same name."""
    # lengths keep ids that hold the separator apart
    text = "".join(f"{len(item)}:{item}," for item in [*antecedent, consequent])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
