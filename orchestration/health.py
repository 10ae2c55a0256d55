"""How an installation is: what it last published, how old the data are, what waits, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ingestion.lake import Lake
from ingestion.ledger import pending_quarantine, read_ledger
from orchestration.settings import Settings
from publishing.errors import MissingTable, NothingPublished
from publishing.pending import PendingDay, pending_days
from publishing.reader import PublishedReader


@dataclass(frozen=True)
class DataAge:
    """The newest day of a shop that holds an event, and the hours since that day ended in the shop's zone."""

    shop_id: str
    newest_day: date
    hours: float


@dataclass(frozen=True)
class Trouble:
    """Something a person should know: ``name`` stays the same while it lasts, ``words`` say it."""

    name: str
    words: str


def age_of_data(settings: Settings, now: datetime) -> list[DataAge]:
    """The age of each shop's newest published event, by shop; empty where nothing is published.

    Days, not the newest time stamp: one device with a clock that runs ahead would hide a dead source.
    """
    reader = PublishedReader(settings.published)
    try:
        reader.require("audit_events_daily")
    except (NothingPublished, MissingTable):
        return []
    zones = {shop.shop_id: shop.timezone for shop in (*Lake(settings.lake).shops(), *settings.shops)}
    with reader.connect() as connection:
        newest = connection.execute(
            "SELECT shop_id, max(event_date) FROM audit_events_daily WHERE events > 0 GROUP BY shop_id ORDER BY shop_id"
        ).fetchall()
    ages = []
    for shop_id, day in newest:
        zone = ZoneInfo(zones.get(shop_id, "UTC"))
        ended = datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=zone)
        ages.append(DataAge(shop_id, day, max((now - ended).total_seconds() / 3600, 0.0)))
    return ages


def stale_scores(settings: Settings) -> list[tuple[str, str, date | None, str]]:
    """Shop, capability, day of the scores that are served, and why no newer ones are; empty where all is well."""
    reader = PublishedReader(settings.published)
    try:
        reader.require("score_status")
    except (NothingPublished, MissingTable):
        return []
    with reader.connect() as connection:
        return connection.execute(
            "SELECT shop_id, capability, served_as_of, reason FROM score_status WHERE status = 'stale' ORDER BY ALL"
        ).fetchall()


def waiting_days(settings: Settings) -> list[PendingDay]:
    """Arrival days that are loaded and not published as they are now, oldest first."""
    return pending_days(settings.lake / "ledger", settings.published, settings.warehouse)


def find_troubles(settings: Settings, now: datetime) -> list[Trouble]:
    """All that is wrong at ``now``: data too old, past days not published, too much in quarantine, stale scores."""
    troubles = [
        Trouble(
            f"old_data:{age.shop_id}",
            f"Shop {age.shop_id}: the newest published event is of {age.newest_day}, a day that ended "
            f"{hours_in_words(age.hours)} ago; expected at most {settings.max_event_age_hours} hours.",
        )
        for age in age_of_data(settings, now)
        if age.hours > settings.max_event_age_hours
    ]
    today = now.astimezone(ZoneInfo(settings.timezone)).date()
    # Yesterday's day may still be waiting for tonight's run.
    overdue = [day for day in waiting_days(settings) if day.arrival_date < today - timedelta(days=1)]
    if overdue:
        first = overdue[0]
        troubles.append(
            Trouble(
                "pending_days",
                f"{len(overdue)} arrival days have not been published, the oldest {first.arrival_date} of shop "
                f"{first.shop_id} ({first.reason}). Run `footfall run`, or look at the last run's failure.",
            )
        )
    entries = pending_quarantine(read_ledger(Lake(settings.lake)))
    over = [entry for entry in entries if entry.rows_quarantined > settings.max_quarantine_share * entry.rows_read]
    if over:
        troubles.append(
            Trouble(
                "quarantine",
                f"{len(over)} loads have more than {settings.max_quarantine_share:.1%} of their rows in quarantine, "
                f"such as {over[0].files[0]} ({over[0].rows_quarantined} of {over[0].rows_read}).",
            )
        )
    troubles += [
        Trouble(
            f"stale_scores:{shop_id}:{capability}",
            f"Shop {shop_id}: {capability} serves scores of {day or 'no day'}; newer ones were refused: {reason}.",
        )
        for shop_id, capability, day, reason in stale_scores(settings)
    ]
    return troubles


def hours_in_words(hours: float) -> str:
    """'5 hours' or '12 days'."""
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"
