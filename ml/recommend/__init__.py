"""Recommenders behind one interface (``recommender``): what goes in (``interactions``), a file for each member, and
what makes one list of several (``fusion``, ``reranker``). ``candidates`` lists what is tried, ``tuning`` tries it on
inner splits, ``choice`` says who serves, ``backtest`` judges.
"""
