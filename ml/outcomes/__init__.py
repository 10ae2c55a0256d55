"""Will a customer do it within H days? What churn and purchase propensity share: dates to learn from (``history``),
features (``features``), training with back-test and contest (``train``), scores with reasons (``score``)."""
