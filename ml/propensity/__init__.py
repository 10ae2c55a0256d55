"""How likely is a purchase: of a customer within days (``customer_propensity``), in a session that is under way
(``session_intent``)."""
