"""Recommenders behind one interface (``recommender``): what goes in (``interactions``), a file for each member, and
what makes one list of several (``fusion``, ``reranker``).
"""
