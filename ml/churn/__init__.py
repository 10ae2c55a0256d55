"""Who will not buy in the next H days, why, and what to do about it. H is the shop's own (``horizon``)."""
