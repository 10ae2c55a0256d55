"""Plots as PNG bytes: reliability, lift, importance, tracking, scatter. Small, plain, and readable without colour.

matplotlib is imported when a plot is drawn: it takes a second that nothing else should wait for.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

_INK, _PALE, _MARKS = "#1f3a5f", "#b0b7c3", "osD^vPX*<>"
_SIZE = (5.2, 3.6)
_COLOURS = 128
#: Points of a scatter beyond this only darken it.
SCATTER_POINTS = 4000


def reliability_plot(tables: Mapping[str, pd.DataFrame], title: str) -> bytes:
    """Stated against found shares, one line a model; ``tables`` as ``classification.reliability`` gives them."""

    def draw(axes: Any) -> None:
        top = max([float(table[["stated", "found"]].max().max()) for table in tables.values()] + [0.01]) * 1.05
        axes.plot([0, top], [0, top], color=_PALE, linestyle="--", label="perfect")
        for (name, table), style in zip(tables.items(), _styles(), strict=False):
            axes.plot(table["stated"], table["found"], label=name, **style)
        axes.set(xlabel="stated probability", ylabel="share that came true", xlim=(0, top), ylim=(0, top))
        axes.legend(frameon=False, fontsize=8)

    return _drawn(draw, title)


def lift_plot(tables: Mapping[str, pd.DataFrame], title: str) -> bytes:
    """Share of positives found against share of customers taken; ``tables`` as ``classification.lift_curve``."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=_PALE, linestyle="--", label="random")
        for (name, table), style in zip(tables.items(), _styles(), strict=False):
            axes.plot([0, *table["share"]], [0, *table["found"]], label=name, **style)
        axes.set(xlabel="share taken, best first", ylabel="share of positives found", xlim=(0, 1), ylim=(0, 1))
        axes.legend(frameon=False, fontsize=8)

    return _drawn(draw, title)


def importance_plot(importance: Mapping[str, float], title: str, most: int = 12) -> bytes:
    """Bars of the most important features, largest on top."""
    chosen = sorted(importance.items(), key=lambda item: (-item[1], item[0]))[:most][::-1]

    def draw(axes: Any) -> None:
        axes.barh([name for name, _ in chosen], [value for _, value in chosen], color=_INK)
        axes.set(xlabel="importance")
        axes.tick_params(axis="y", labelsize=8)

    return _drawn(draw, title)


def lines_plot(lines: Mapping[str, tuple[Sequence[Any], npt.ArrayLike]], title: str, x: str, y: str) -> bytes:
    """Lines by name, each as (x values, y values): what was expected beside what happened."""

    def draw(axes: Any) -> None:
        for (name, (across, up)), style in zip(lines.items(), _styles(), strict=False):
            axes.plot(across, up, label=name, **{**style, "marker": None})
        axes.set(xlabel=x, ylabel=y)
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, fontsize=8)
        axes.figure.autofmt_xdate()

    return _drawn(draw, title)


def scatter_plot(
    x: npt.ArrayLike, y: npt.ArrayLike, labels: Sequence[str], title: str, axes_names: tuple[str, str]
) -> bytes:
    """Points in a plane by group, at most ``SCATTER_POINTS`` of them, evenly picked."""
    frame = pd.DataFrame({"x": np.asarray(x, dtype=float), "y": np.asarray(y, dtype=float), "label": list(labels)})
    frame = frame.iloc[:: max(1, -(-len(frame) // SCATTER_POINTS))]

    def draw(axes: Any) -> None:
        from matplotlib import colormaps

        groups = sorted(frame["label"].unique())
        colours = colormaps["viridis"](np.linspace(0, 0.95, max(len(groups), 1)))
        for number, group in enumerate(groups):
            part = frame[frame["label"] == group]
            axes.scatter(
                part["x"],
                part["y"],
                s=7,
                alpha=0.6,
                color=colours[number],
                marker=_MARKS[number % len(_MARKS)],
                label=group,
            )
        axes.set(xlabel=axes_names[0], ylabel=axes_names[1])
        axes.legend(frameon=False, fontsize=7, markerscale=2)

    return _drawn(draw, title)


def _styles() -> list[dict[str, Any]]:
    shades = ("#1f3a5f", "#c8553d", "#588b8b", "#8a5a83", "#caa43a", "#6b705c")
    return [{"color": shade, "marker": mark, "markersize": 4} for shade, mark in zip(shades, _MARKS, strict=False)]


def _drawn(draw: Callable[[Any], None], title: str) -> bytes:
    # Not pyplot: it keeps figures and picks a display, and this runs in a server.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=_SIZE, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # A shop may be called "a$b$", which is no formula.
    axes.set_title(title, fontsize=10, parse_math=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    draw(axes)
    image, small = io.BytesIO(), io.BytesIO()
    figure.savefig(image, format="png", metadata={"Software": None})
    # A drawing has few colours: a palette makes a third of it, and these images are kept with every run.
    Image.open(image).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()
