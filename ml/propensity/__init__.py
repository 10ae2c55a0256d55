"""How likely is a purchase: of a customer within days (``customer_propensity``)."""
