"""The orchestrator's side of Footfall: settings, Dagster definitions and the ``footfall`` command.

Nothing is computed here: every asset, check and sensor calls ``ingestion``, ``dbt_project``, ``ml`` or
``publishing``, all of which run without Dagster.
"""
