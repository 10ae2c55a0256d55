"""Names of the columns that recommenders and their evaluation share: frames in, frames out."""

from __future__ import annotations

#: Who: a customer, a visitor, or a session where the next click is wanted. Text in any script.
USER = "user"
#: What was viewed, bought or recommended. Text in any script.
ITEM = "item"
#: How much an interaction says of liking; 1 where there is none.
WEIGHT = "weight"
#: When, as a timestamp without zone (UTC).
TIME = "time"
#: Place in a list, from 1.
RANK = "rank"
#: What a list is ordered by, larger first; its unit is the model's own.
SCORE = "score"
#: In lists of similar items: the other item (``ITEM`` is the one asked for).
SIMILAR = "similar_item"
