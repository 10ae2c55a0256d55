"""What a simulated shop looks like: size, dates, zone, and how much of each nuisance it has."""

from __future__ import annotations

import zlib
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ingestion.contract import CURRENCY_EXPONENTS, DEFAULT_EXPONENT


class SimulatorConfig(BaseModel):
    """Parameters of one simulation; the same values always give the same bytes.

    Volume grows in proportion to ``visitors`` and, while the horizon is short against people's
    lifetimes (months), to ``days``. Shares are between 0 and 1. A value out of range raises
    ``pydantic.ValidationError`` naming the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visitors: int = Field(
        default=5000, ge=1, le=10_000_000, description="People who come to the shop (not devices, not bots)."
    )
    days: int = Field(default=60, ge=1, le=3660, description="Length of the simulated history in the shop's days.")
    start: date = Field(default=date(2025, 3, 1), description="First day, in the shop's zone.")
    seed: int = Field(default=7, ge=0, lt=2**32, description="Seed of every random stream.")
    timezone: str = Field(default="Asia/Shanghai", description="IANA zone that rules the shop's day.")
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$", description="ISO 4217 code of every amount.")
    products: int = Field(default=480, ge=40, le=100_000, description="Catalogue size.")
    variant_share: float = Field(
        default=0.25, ge=0, le=1, description="Products that are another size or colour of the one before."
    )
    new_share: float = Field(
        default=0.12, ge=0, le=0.5, description="Products that come during the history, on any of its days."
    )
    withdrawn_share: float = Field(
        default=0.06, ge=0, le=0.5, description="Products that are withdrawn during the history, on any of its days."
    )
    viewed_after: float = Field(
        default=0.3,
        ge=0,
        le=0.7,
        description="Mean chance that a look at a product with a successor is followed by a look at that.",
    )
    bought_together: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Chance of what a visit puts into the cart after a thing of a set to be of that set too.",
    )
    season_amplitude: float = Field(
        default=0.35, ge=0, le=0.6, description="Yearly swing of the interest in each category, as a share of its mean."
    )
    activity: float = Field(default=1.0, gt=0, le=50, description="Multiplies everybody's visit rate.")

    two_devices_share: float = Field(default=0.25, ge=0, le=1, description="People who use a second device.")
    shared_device_share: float = Field(
        default=0.01, ge=0, le=0.5, description="Devices per visitor that 2 to 6 people with accounts use in turn."
    )
    late_login_share: float = Field(
        default=0.15, ge=0, le=1, description="Devices on which nobody logs in for the first 2 to 14 days."
    )
    log_out_share: float = Field(default=0.12, ge=0, le=1, description="Visits of own devices that end in a log-out.")
    bot_share: float = Field(
        default=0.002, ge=0, le=0.5, description="Crawlers and scrapers per visitor; above 0 every kind of bot comes."
    )
    swarm_day_share: float = Field(
        default=0.05, ge=0, le=1, description="Days on which a swarm of one-hit visitors comes; at least one day."
    )

    kinds_apart: float = Field(
        default=1.0,
        ge=1,
        le=4,
        description="How far apart the kinds of people lie in visits, conversion and price taste, and how much "
        "less than usual people of one kind differ among themselves.",
    )
    discount_lover_share: float = Field(default=0.12, ge=0, le=1, description="People who hunt for coupons.")
    payment_fidelity: float = Field(
        default=0.8, ge=0, le=1, description="Chance that a person pays with the preferred method."
    )
    cost_correction_share: float = Field(
        default=0.15, ge=0, le=1, description="Days of campaign cost that are corrected later."
    )

    late_share: float = Field(
        default=0.03, ge=0, le=1, description="Visits whose tail reaches the shop 1 to 3 days late."
    )
    very_late_share: float = Field(
        default=0.004, ge=0, le=1, description="Visits whose tail arrives 5 to 20 days late."
    )
    duplicate_share: float = Field(default=0.008, ge=0, le=1, description="Events delivered a second time.")
    dirty_share: float = Field(default=0.003, ge=0, le=0.5, description="Lines spoilt, spread over every kind of dirt.")

    cancel_share: float = Field(default=0.04, ge=0, le=1, description="Orders cancelled within a day.")
    refund_share: float = Field(default=0.08, ge=0, le=1, description="Other orders refunded days to weeks later.")
    partial_refund_share: float = Field(default=0.6, ge=0, le=1, description="Refunds that cover one line only.")
    reload_share: float = Field(
        default=0.05, ge=0, le=1, description="Orders whose purchase event is sent again on reload."
    )
    untracked_share: float = Field(default=0.03, ge=0, le=1, description="Orders without purchase event (ad blockers).")
    server_side_share: float = Field(
        default=0.08, ge=0, le=1, description="Orders whose purchase event the shop's backend posts, not the browser."
    )
    test_order_share: float = Field(
        default=0.01, ge=0, le=1, description="Tracked purchases that the shop's table lacks."
    )

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
            raise ValueError(f"timezone is {value!r}, expected an IANA zone such as 'Asia/Shanghai'") from error
        return value

    @property
    def exponent(self) -> int:
        """Digits after the point of the shop's currency (ISO 4217)."""
        return CURRENCY_EXPONENTS.get(self.currency, DEFAULT_EXPONENT)

    def rng(self, stream: str) -> np.random.Generator:
        """A generator of its own for each named part, so that a change in one part leaves the others' draws alone."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(zlib.crc32(stream.encode()),)))
