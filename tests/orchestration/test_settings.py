from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.settings import Settings, SettingsError, load_settings

ROOT = Path(__file__).parents[2]


def listed_keys() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(re.fullmatch(r"([A-Z_]+)=(.*)", line).groups() for line in lines if line and not line.startswith("#"))  # type: ignore[union-attr,misc]


def test_env_example_lists_every_setting_and_nothing_else() -> None:
    assert set(listed_keys()) == {f"FOOTFALL_{name.upper()}" for name in Settings.model_fields}


def test_env_example_shows_the_defaults(footfall_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOOTFALL_HOME")
    by_default = load_settings()
    for key, value in listed_keys().items():
        monkeypatch.setenv(key, value)
    assert load_settings() == by_default


def test_paths_are_absolute_whatever_the_working_folder(footfall_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_HOME", "state")
    assert load_settings().warehouse == footfall_home.parent / "state" / "warehouse.duckdb"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("FOOTFALL_TIMEZONE", "Mars/Olympus", "expected an IANA name"),
        ("FOOTFALL_CURRENCY", "euro", "three capital letters"),
        ("FOOTFALL_LATE_DAYS", "-1", "FOOTFALL_LATE_DAYS"),
        ("FOOTFALL_ORDERS_FROM", "thin air", "'events' or 'tables'"),
        ("FOOTFALL_DUCKDB_MEMORY", "lots", "FOOTFALL_DUCKDB_MEMORY"),
        ("FOOTFALL_BOUGHT_ONCE", '["Fridges"', "expected names by commas, or a JSON list of them"),
        ("FOOTFALL_BOUGHT_ONCE", '["Fridges", 3]', "FOOTFALL_BOUGHT_ONCE"),
        ("FOOTFALL_SHOPS_FILE", "/no/such/file.yml", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(
    footfall_home: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, words: str
) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError, match=re.escape(words)):
        load_settings()


def test_further_shops_come_from_a_file(footfall_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = footfall_home / "shops.yml"
    file.write_text(
        "- {shop_id: north, timezone: Europe/Oslo, currency: NOK, orders_from: tables}\n- {shop_id: south}\n"
    )
    monkeypatch.setenv("FOOTFALL_SHOPS_FILE", str(file))
    settings = load_settings()
    assert [shop.shop_id for shop in settings.shops] == ["main", "north", "south"]
    assert settings.shop("north").currency == "NOK"
    with pytest.raises(SettingsError, match="'east': not configured, expected one of main, north, south"):
        settings.shop("east")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shop_id: north", "expected a list of shops"),
        ("- {shop_id: north, zone: UTC}", "shop 1: unknown key 'zone'"),
        ("- {timezone: UTC}", "shop 1: shop_id is missing"),
        ("- {shop_id: a}\n- {shop_id: a}", "listed twice"),
        ("- {shop_id: a, timezone: Nowhere/At}", "shop 1: shop a: timezone"),
        ("- {shop_id: a, bought_once: 冰箱}", "shop 1: shop a: bought_once '冰箱': expected names of categories"),
        ("- {shop_id: a, bought_once: [冰箱, '']}", "expected names of categories"),
    ],
)
def test_a_wrong_shops_file_is_explained(
    footfall_home: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    file = footfall_home / "shops.yml"
    file.write_text(text)
    monkeypatch.setenv("FOOTFALL_SHOPS_FILE", str(file))
    with pytest.raises(SettingsError, match=re.escape(words)):
        load_settings()


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", ()),
        ("家电/冰箱, Washing machines", ("家电/冰箱", "Washing machines")),
        ('["Beds, large", "Κουζίνα/Ψυγεία"]', ("Beds, large", "Κουζίνα/Ψυγεία")),
    ],
)
def test_categories_bought_once_are_a_shops_own(
    footfall_home: Path, monkeypatch: pytest.MonkeyPatch, value: str, names: tuple[str, ...]
) -> None:
    file = footfall_home / "shops.yml"
    file.write_text("- {shop_id: north, bought_once: [Ovner, 冰箱]}\n- {shop_id: south}\n", encoding="utf-8")
    monkeypatch.setenv("FOOTFALL_SHOPS_FILE", str(file))
    monkeypatch.setenv("FOOTFALL_BOUGHT_ONCE", value)
    settings = load_settings()
    assert [shop.bought_once for shop in settings.shops] == [names, ("Ovner", "冰箱"), ()]
    # and so it is for a process that we start
    monkeypatch.setenv("FOOTFALL_BOUGHT_ONCE", settings.environment()["FOOTFALL_BOUGHT_ONCE"])
    assert load_settings() == settings


def test_the_pseudonym_key_is_neither_shown_nor_handed_on(footfall_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_PSEUDONYM_KEY", "hush-hush")
    settings = load_settings()
    assert settings.pseudonym_key is not None and settings.pseudonym_key.get_secret_value() == "hush-hush"
    assert "hush-hush" not in repr(settings)
    assert "hush-hush" not in str(settings.environment())


def test_a_process_started_by_us_loads_the_same_settings(footfall_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = load_settings(shop_id="demo", timezone="Asia/Shanghai", currency="CNY", late_days=5)
    for key, value in ours.environment().items():
        monkeypatch.setenv(key, value)
    assert load_settings() == ours
