"""What `make lint` asks of the dbt project beyond style: portable SQL, metrics used, groups set.

``python -m orchestration.dbt_lint``. Reads files and the parsed manifest, never a warehouse. Naming, layers,
contracts, descriptions and tests are dbt-bouncer's (``dbt_project/dbt-bouncer.yml``).
"""
