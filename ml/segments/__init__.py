"""Customer segments: K-Means on RFM, with behaviour where that finds more, k chosen by stability, names in words.

Entry point: :func:`ml.segments.customer_segments.segment_customers`. Around it, in the order of a run:
``inputs`` (reads the warehouse), ``history`` (earlier runs, by which segments keep their numbers),
``features`` and ``behaviour`` (joined by ``feature_space``), ``choose_features`` over ``choose_k``, ``model``,
``naming``, ``outliers``, ``projection``, ``stable_ids``, ``tables`` and ``evaluate``.
"""
