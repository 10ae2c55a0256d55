"""The simulation from end to end: plant a shop, let it live, deliver its logs, write everything down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ingestion.simulator import events as ev
from ingestion.simulator.advertising import plan_campaign_costs
from ingestion.simulator.affinities import Affinities, plan_affinities
from ingestion.simulator.attribution_truth import attribution_truth
from ingestion.simulator.behaviour_truth import cost_truth, path_truth, search_truth
from ingestion.simulator.bots import crawl, plan_bot_visits
from ingestion.simulator.catalogue import Catalogue, build_catalogue
from ingestion.simulator.clock import ShopClock
from ingestion.simulator.config import SimulatorConfig
from ingestion.simulator.deliveries import deliver, plan_idless_orders
from ingestion.simulator.discounts import list_coupons, plan_coupons
from ingestion.simulator.funnel import Browsing, browse
from ingestion.simulator.hazard_truth import hazard_truth
from ingestion.simulator.identity_truth import identity_truth, people_truth
from ingestion.simulator.intent_truth import intent_truth
from ingestion.simulator.item_truth import affinity_truth, product_truth
from ingestion.simulator.log_files import spoil_lines, write_log_files
from ingestion.simulator.log_text import LogWriter
from ingestion.simulator.orders import Orders, place_orders, plan_order_events
from ingestion.simulator.pages import Pages, number_pages
from ingestion.simulator.people import Population, build_population
from ingestion.simulator.purchase_chance import PurchaseChances
from ingestion.simulator.searches import SearchTerms, build_terms
from ingestion.simulator.seasons import season_truth
from ingestion.simulator.shop_tables import build_tables, write_tables
from ingestion.simulator.timing import time_events
from ingestion.simulator.traffic import Campaign, plan_campaigns
from ingestion.simulator.truth import arrived_events, true_sessions
from ingestion.simulator.truth_files import (
    count_truth,
    delivery_truth,
    order_truth,
    session_truth,
    visitor_truth,
    write_truth,
)
from ingestion.simulator.visits import plan_visits


@dataclass(frozen=True)
class PlantedShop:
    """Everything that was planted, before it is delivered; see the modules that make each part."""

    clock: ShopClock
    catalogue: Catalogue
    affinities: Affinities
    terms: SearchTerms
    pages: Pages
    population: Population
    campaigns: tuple[Campaign, ...]
    costs: pd.DataFrame
    visits: pd.DataFrame
    walked: pd.DataFrame
    events: pd.DataFrame
    carts: pd.DataFrame
    orders: Orders


@dataclass(frozen=True)
class SimulationSummary:
    """What was written: folders' root, file counts, and the totals of ``truth/summary.json``."""

    out: Path
    log_files: int
    table_files: int
    lines: int
    sessions: int
    orders: int
    net_revenue: int
    currency: str
    first_day: str
    last_day: str

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {**asdict(self), "out": str(self.out)}


def plant(config: SimulatorConfig) -> PlantedShop:
    """Draw the whole shop and its history in memory; nothing is written."""
    clock = ShopClock(config.timezone, config.start, config.days)
    end = clock.midnight(config.days)
    catalogue = build_catalogue(config, clock)
    affinities = plan_affinities(config, catalogue)
    terms = build_terms(config, catalogue)
    pages = number_pages(catalogue, terms)
    population = build_population(config, clock)
    campaigns = plan_campaigns(config)
    people_visits = plan_visits(config, clock, population, campaigns)
    browsing = browse(config, population, catalogue, affinities, terms, pages, people_visits)
    timed = time_events(config, people_visits, browsing.events, end)
    timed["customer"] = _customers(population, people_visits, browsing, timed)
    timed = timed.drop(columns="rank")

    bot_visits = plan_bot_visits(config, clock, population.devices)
    visits = pd.concat([people_visits, bot_visits[people_visits.columns]], ignore_index=True)
    crawled = crawl(config, bot_visits, len(people_visits), catalogue, pages)

    coupon = plan_coupons(config, population, campaigns, visits)
    orders, carts = place_orders(
        config, clock, catalogue, list_coupons(campaigns), coupon, visits, timed, browsing.carts
    )
    later = plan_order_events(config, orders, timed, end)
    timed = _number_purchases(timed, orders)
    events = pd.concat([timed, plan_idless_orders(config, timed), later, crawled], ignore_index=True)
    events = events[events["ts"] < end].reset_index(drop=True)
    one = np.flatnonzero(events["product"].to_numpy() >= 0)
    product, visit = events["product"].to_numpy()[one], events["visit"].to_numpy()[one]
    version = np.full(len(events), -1, dtype=np.int64)
    version[one] = catalogue.version_at(product, visits["start"].to_numpy()[visit])
    events["version"] = version
    costs = plan_campaign_costs(config, clock, campaigns, visits)
    return PlantedShop(
        clock,
        catalogue,
        affinities,
        terms,
        pages,
        population,
        campaigns,
        costs,
        visits,
        browsing.walked,
        events,
        carts,
        orders,
    )


def simulate(config: SimulatorConfig, out: Path, *, per_day: bool = False) -> SimulationSummary:
    """Simulate a shop and write ``logs/``, ``tables/`` and ``truth/`` under ``out``.

    The same configuration writes the same bytes. Files of an earlier simulation in ``out`` are
    replaced. ``per_day`` splits the shop's tables by day of change. Raises ``OSError`` where ``out``
    cannot be written.
    """
    shop = plant(config)
    deliveries, paths = _write_logs(config, shop, out)
    tables = build_tables(
        config,
        shop.clock,
        shop.catalogue,
        shop.population,
        shop.campaigns,
        shop.visits,
        shop.events,
        shop.orders,
        shop.costs,
    )
    table_paths = write_tables(shop.clock, out / "tables", tables, per_day)
    arrived = arrived_events(shop.events, deliveries, shop.visits)
    sessions = true_sessions(arrived)
    totals = count_truth(shop.events, deliveries, sessions, shop.orders)
    totals |= {"table_rows": {name: len(table) for name, table in tables.items()}}
    totals |= {"config": config.model_dump(mode="json")}
    chances = PurchaseChances(config, shop.terms)
    truth = {
        "visitors": visitor_truth(shop.population, shop.visits, arrived),
        "sessions": session_truth(sessions, shop.population, shop.campaigns, shop.visits),
        "orders": order_truth(shop.orders, shop.population, shop.campaigns, shop.visits),
        "deliveries": delivery_truth(shop.clock, deliveries),
        "identities": identity_truth(shop.population, arrived),
        "people": people_truth(shop.population, shop.visits, tables["users"]["uid"]),
        "attribution": attribution_truth(shop.orders, sessions, arrived, shop.population, shop.campaigns, shop.visits),
        "path_transitions": path_truth(shop.walked),
        "search_terms": search_truth(shop.terms, shop.walked, arrived),
        "customer_hazard": hazard_truth(
            config, shop.clock, shop.population, shop.campaigns, chances, shop.visits, shop.carts, shop.orders
        ),
        "session_intent": intent_truth(shop.population, chances, shop.visits, sessions, shop.orders),
        "campaign_costs": cost_truth(shop.clock, shop.campaigns, shop.costs),
        "products": product_truth(config, shop.clock, shop.catalogue),
        "item_affinities": affinity_truth(shop.catalogue, shop.affinities, shop.walked, shop.carts),
        "seasons": season_truth(config, shop.clock, shop.visits),
    }
    write_truth(out / "truth", truth, totals)
    return SimulationSummary(
        out=out,
        log_files=len(paths),
        table_files=len(table_paths),
        lines=len(deliveries),
        sessions=len(sessions),
        orders=int(str(totals["orders"])),
        net_revenue=int(str(totals["net_revenue"])),
        currency=config.currency,
        first_day=config.start.isoformat(),
        last_day=shop.clock.date_of(config.days - 1).isoformat(),
    )


def simulate_events_only(config: SimulatorConfig, out: Path) -> int:
    """Write only ``logs/`` under ``out``; returns the number of lines."""
    deliveries, _ = _write_logs(config, plant(config), out)
    return len(deliveries)


def _write_logs(config: SimulatorConfig, shop: PlantedShop, out: Path) -> tuple[pd.DataFrame, list[Path]]:
    deliveries = deliver(config, shop.clock, shop.events)
    writer = LogWriter(
        config,
        shop.clock,
        shop.catalogue,
        shop.terms,
        shop.pages,
        shop.population,
        shop.campaigns,
        shop.visits,
        shop.carts,
        shop.orders,
    )
    lines = writer.lines(shop.events, deliveries)
    spoil_lines(lines, deliveries["dirt"].to_numpy())
    return deliveries, write_log_files(shop.clock, out / "logs", lines, deliveries)


def _customers(population: Population, visits: pd.DataFrame, browsing: Browsing, timed: pd.DataFrame) -> np.ndarray:
    """Customer number of each event: the visitor's from the log-in until the log-out, else -1."""
    visit, rank = timed["visit"].to_numpy(), timed["rank"].to_numpy()
    customer = population.people["customer"].to_numpy()[visits["person"].to_numpy()[visit]]
    known = (rank >= browsing.known_from[visit]) & (rank < browsing.known_until[visit])
    return np.where(known, customer, -1)


def _number_purchases(timed: pd.DataFrame, orders: Orders) -> pd.DataFrame:
    """Point each purchase event at its order, drop the purchases that an ad blocker swallowed, and let
    the backend post some of the others."""
    table = orders.orders
    row = np.full(int(timed["visit"].max()) + 1, -1, dtype=np.int64)
    row[table["visit"].to_numpy()] = np.arange(len(table))
    bought = timed["kind"].to_numpy() == ev.ORDER
    payload = np.where(bought, row[timed["visit"].to_numpy()], -1)
    tracked = np.ones(len(timed), dtype=bool)
    tracked[bought] = table["tracked"].to_numpy()[payload[bought]]
    posted = np.zeros(len(timed), dtype=bool)
    posted[bought] = table["server_side"].to_numpy()[payload[bought]]
    page = np.where(posted, -1, timed["page"].to_numpy())
    return timed.assign(payload=payload, page=page, server=np.where(posted, 1, -1))[tracked]
