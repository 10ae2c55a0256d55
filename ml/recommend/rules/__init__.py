"""Association rules: what is bought together, beyond luck.

In the order of a run: ``limits`` (thresholds as exact fractions), ``baskets`` (who bought what, coded, in DuckDB),
``pairs`` (one SQL pass) and ``cross_sell`` (partners of an item); ``frequent_sets`` (Eclat), ``rules`` (one item on
the right) and ``next_items`` (for many baskets at once); ``significance`` guards both against luck, ``variants``
against two sizes of one shirt. Entry point for a shop in the warehouse:
:func:`ml.recommend.rules.shop_rules.learn_rules`.
"""
