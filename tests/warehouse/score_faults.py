"""The faults of marts on scores: what a model wrote is spoilt, and one of the mart's tests has to notice."""

from __future__ import annotations

from tests.warehouse.faults import Fault

SCORE_FAULTS = [
    Fault(
        "churn_scores",
        "staging.stg_ml_churn_scores",
        "a probability is given in percent",
        "update staging.stg_ml_churn_scores set churn_probability = 100 * churn_probability",
        "holds",
    ),
    Fault(
        "purchase_propensity",
        "staging.stg_ml_purchase_propensity",
        "one horizon is left over from the day before",
        "update staging.stg_ml_purchase_propensity set as_of = as_of - 1 where horizon_days = 7",
        "scored_as_one",
    ),
    Fault(
        "customer_value",
        "staging.stg_ml_customer_value",
        "the ends of the interval have changed places",
        "update staging.stg_ml_customer_value "
        "set value_low_minor = value_high_minor, value_high_minor = value_low_minor",
        "holds",
    ),
    Fault(
        "customer_segments",
        "staging.stg_ml_customer_segments",
        "a segment has no name",
        "update staging.stg_ml_customer_segments set segment_name = null where segment_id = 1",
        "holds",
    ),
    Fault(
        "customer_360",
        "marts.churn_scores",
        "a score belongs to a customer that there is not",
        "update marts.churn_scores set customer_id = 'nobody' "
        "where customer_id = (select min(customer_id) from marts.churn_scores)",
        "adds_up_to",
    ),
    Fault(
        "recommendations",
        "staging.stg_ml_recommendations",
        "a user is shown the first product once more at the end of the list",
        "insert into staging.stg_ml_recommendations select * replace (rank + 100 as rank) "
        "from staging.stg_ml_recommendations where rank = 1",
        "lists_are_ranked",
    ),
    Fault(
        "item_similarities",
        "staging.stg_ml_item_similarities",
        "products are most like themselves",
        "update staging.stg_ml_item_similarities set similar_item_id = item_id where rank = 1",
        "holds",
    ),
    Fault(
        "newcomer_recommendations",
        "staging.stg_ml_newcomer_recommendations",
        "the lists of categories are left over from the day before",
        "update staging.stg_ml_newcomer_recommendations set as_of = as_of - 1 where scope = 'category'",
        "scored_as_one",
    ),
    Fault(
        "buy_again",
        "staging.stg_ml_buy_again",
        "a chance is given in percent",
        "update staging.stg_ml_buy_again set purchase_probability = 100 * purchase_probability",
        "holds",
    ),
    Fault(
        "session_next_items",
        "staging.stg_ml_session_next_items",
        "one product follows twice",
        "insert into staging.stg_ml_session_next_items select * replace (rank + 100 as rank) "
        "from staging.stg_ml_session_next_items where rank = 2",
        "lists_are_ranked",
    ),
    Fault(
        "association_rules",
        "staging.stg_ml_association_rules",
        "antecedent and consequent have changed places in the counts",
        "update staging.stg_ml_association_rules "
        "set baskets_antecedent = baskets_consequent, baskets_consequent = baskets_antecedent",
        "holds",
    ),
    Fault(
        "cross_sell",
        "staging.stg_ml_cross_sell",
        "the counts of product and partner have changed places",
        "update staging.stg_ml_cross_sell set baskets_item = baskets_partner, baskets_partner = baskets_item",
        "holds",
    ),
    Fault(
        "recommendation_evaluation",
        "staging.stg_ml_evaluation",
        "the ends of the interval have changed places",
        "update staging.stg_ml_evaluation set ci_low = ci_high, ci_high = ci_low where ci_low < ci_high",
        "holds",
    ),
]
