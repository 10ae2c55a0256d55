"""Every setting of Footfall, read from the environment (prefix ``FOOTFALL_``) and from ``.env``.

``.env.example`` lists the same keys with the same defaults; a test compares the two.
"""

from __future__ import annotations

import json
import os
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ingestion.shops import Shop

_SHOP_KEYS = ("shop_id", "timezone", "currency", "orders_from", "bought_once")


class SettingsError(Exception):
    """A setting, or the shops file, is not what it must be; the message names the key and what was expected."""


class Settings(BaseSettings):
    """Settings of one installation. Days are shop days, money is never a setting, paths become absolute.

    Raises ``pydantic.ValidationError`` on construction; ``load_settings`` turns that into words.
    """

    model_config = SettingsConfigDict(
        env_prefix="FOOTFALL_", env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    home: Path = Field(Path("./var"), description="Folder that holds all state: lake, warehouse, published files.")
    shop_id: str = Field("main", description="The shop whose files lie in landing/<source>/.")
    timezone: str = Field("UTC", description="IANA zone of the shop's business day.")
    currency: str = Field("USD", description="ISO 4217 code of amounts that name none.")
    orders_from: Literal["events", "tables"] = Field("events", description="Where orders come from.")
    bought_once: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Categories of which people need one product, by commas, or as a JSON list."
    )
    shops_file: Path | None = Field(None, description="YAML list of further shops with the five keys above.")
    history_start: date = Field(date(2009, 1, 1), description="First arrival day that can be processed.")
    late_days: int = Field(3, ge=0, le=30, description="Days after the event on which it may still arrive.")
    max_customers_per_device: int = Field(1, ge=1, le=100, description="Customers on a device before it is shared.")
    duckdb_memory: str = Field("4GB", pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB|TB)$", description="DuckDB memory limit.")
    duckdb_threads: int = Field(2, ge=1, le=256, description="DuckDB threads.")
    batch_rows: int = Field(25_000_000, ge=1, description="Rows that dbt takes at a time; fewer need less memory.")
    pseudonym_key: SecretStr | None = Field(None, description="Key that turns personal ids into pseudonyms at ingest.")
    published_versions: int = Field(4, ge=1, le=100, description="Published versions to keep.")
    max_event_age_hours: int = Field(48, ge=1, description="Alert when the newest event's day ended longer ago.")
    max_quarantine_share: float = Field(0.05, ge=0, le=1, description="Share of a load's rows that may be quarantined.")
    alerts_file: Path | None = Field(None, description="Where alerts are appended; default <home>/alerts.jsonl.")
    daily_hour: int = Field(3, ge=0, le=23, description="Hour of the shop's day at which the daily run starts.")
    retrain_weekday: int = Field(1, ge=0, le=6, description="Day on which models are learned anew, 0 is Sunday.")
    owner: str = Field("team:data", description="Owner shown on every asset: an e-mail address or team:<name>.")

    @field_validator("shops_file", "pseudonym_key", "alerts_file", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("bought_once", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Names by commas; a name that holds a comma asks for a JSON list."""
        if not isinstance(value, str):
            return value
        if not value.lstrip().startswith("["):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"expected names by commas, or a JSON list of them: {error}") from error

    @field_validator("home", "shops_file", "alerts_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value is not None else None

    @model_validator(mode="after")
    def _shops_are_valid(self) -> Self:
        _ = self.shops
        return self

    @cached_property
    def shops(self) -> tuple[Shop, ...]:
        """The default shop first, then those of ``shops_file``. ``ValueError`` names what is wrong."""
        default = Shop(self.shop_id, self.timezone, self.currency, self.orders_from, self.bought_once)
        listed = _read_shops(self.shops_file) if self.shops_file else ()
        known = {shop.shop_id for shop in listed}
        if len(known) < len(listed):
            raise ValueError(f"{self.shops_file}: a shop_id is listed twice")
        return (default, *(shop for shop in listed if shop.shop_id != default.shop_id))

    def shop(self, shop_id: str | None = None) -> Shop:
        """The shop called ``shop_id`` (default: the default shop); ``SettingsError`` lists the known ones."""
        for shop in self.shops:
            if shop_id in (None, shop.shop_id):
                return shop
        known = ", ".join(shop.shop_id for shop in self.shops)
        raise SettingsError(
            f"shop {shop_id!r}: not configured, expected one of {known} (FOOTFALL_SHOPS_FILE lists more)"
        )

    @property
    def lake(self) -> Path:
        """Raw lake, ledger and quarantine."""
        return self.home / "lake"

    @property
    def landing(self) -> Path:
        """Where files wait: ``<source>/<file>``."""
        return self.home / "landing"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file; nothing outside a run opens it."""
        return self.home / "warehouse.duckdb"

    @property
    def models(self) -> Path:
        """Trained models; joblib files run code when read, so nobody else may write here."""
        return self.home / "models"

    @property
    def published(self) -> Path:
        """What readers see."""
        return self.home / "published"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.home / "dagster_home"

    @property
    def alerts(self) -> Path:
        """The alert log, one JSON object per line."""
        return self.alerts_file or self.home / "alerts.jsonl"

    def warehouse_environment(self) -> dict[str, str]:
        """The environment variables that ``dbt_project/profiles.yml`` and the macros read."""
        return {
            "FOOTFALL_HOME": str(self.home),
            "FOOTFALL_LATE_DAYS": str(self.late_days),
            "FOOTFALL_MAX_CUSTOMERS_PER_DEVICE": str(self.max_customers_per_device),
            "FOOTFALL_DUCKDB_MEMORY": self.duckdb_memory,
            "FOOTFALL_DUCKDB_THREADS": str(self.duckdb_threads),
        }

    def environment(self) -> dict[str, str]:
        """All settings as environment variables, for processes that load them anew (the UI, its runs).

        The pseudonym key is left where it came from: it is inherited, never written out.
        """
        values = self.model_dump(exclude={"pseudonym_key"})
        return {
            f"FOOTFALL_{key.upper()}": json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else str(value)
            for key, value in values.items()
            if value is not None
        }


def load_settings(**overrides: object) -> Settings:
    """Settings from ``overrides``, then the environment, then ``.env``. ``SettingsError`` names key and expectation."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"])
            name = f"FOOTFALL_{key.upper()}" if key else "settings"
            found = "" if not key else f" (found {problem['input']!r})"
            lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}{found}")
        raise SettingsError("\n".join(lines)) from error


def use_home(settings: Settings) -> None:
    """Make this process and its children see ``settings``: dbt and Dagster read the environment."""
    os.environ.update(settings.environment())
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)


def _read_shops(path: Path) -> tuple[Shop, ...]:
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ValueError(f"{path}: expected a list of shops, each with {', '.join(_SHOP_KEYS)}")
    shops = []
    for number, entry in enumerate(listed, start=1):
        unknown = set(entry) - set(_SHOP_KEYS)
        if unknown or "shop_id" not in entry:
            wrong = f"unknown key {sorted(unknown)[0]!r}" if unknown else "shop_id is missing"
            raise ValueError(f"{path}: shop {number}: {wrong}; expected {', '.join(_SHOP_KEYS)}")
        try:
            once = entry.get("bought_once") or ()
            shops.append(Shop(**{**entry, "bought_once": tuple(once) if isinstance(once, list) else once}))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: shop {number}: {error}") from error
    return tuple(shops)
