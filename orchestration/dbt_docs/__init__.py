"""Pages written from the dbt project: docs/metrics.md, docs/data-dictionary, and what dbt docs reads of them.

``python -m orchestration.dbt_docs`` (``make dictionary``) writes them anew; a test holds the committed
files to it. Needs the project parsed, never a warehouse.
"""
