"""Figures of the study, one function each; they serve any D and any number of seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from disentlib.files import atomic_write
from disentlib.study.stats import mean_interval

# Okabe and Ito's palette, which colour-blind readers can tell apart, in an order that
# stays readable on white and on black.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")

# Figures stand on light and on dark pages: a transparent ground and mid-tone axes.
INK = "#7f7f7f"
INKED = (
    "text.color",
    "axes.labelcolor",
    "axes.edgecolor",
    "xtick.color",
    "ytick.color",
)
STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.dpi": 110,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
} | dict.fromkeys(INKED, INK)
mpl.rcParams.update(STYLE)

TITLES = {
    "autoencoder": "autoencoder",
    "vae": "VAE",
    "beta_vae": "β-VAE",
    "factor_vae": "FactorVAE",
    "reconstruction": "reconstruction",
    "kl": "KL divergence",
    "total_correlation": "total correlation",
    "total": "total loss",
    "beta_vae_score": "β-VAE score",
    "factor_vae_score": "FactorVAE score",
    "dci_disentanglement": "DCI disentanglement",
    "dci_completeness": "DCI completeness",
    "dci_informativeness": "DCI informativeness",
    "pruned_factor_vae_score": "FactorVAE score, pruned",
    "mig": "MIG",
    "sap": "SAP",
    "irs": "IRS",
    "held_out_reconstruction": "reconstruction (nats)",
    "held_out_kl": "KL divergence (nats)",
}
TERMS = ("reconstruction", "kl", "total_correlation", "total")


def loss_curves(history: pd.DataFrame, x: str = "step", by: str = "D") -> Figure:
    """Loss terms in nats against `x` (step, epoch or seconds), a row a model, a colour
    each `by`.

    `history` has the columns of a run's history, and model, seed and `by`. Lines are
    means over seeds at equal places in the record, bands one standard deviation; terms
    that no run of a model has are left out. The vertical axis is logarithmic for terms
    that stay positive.
    """
    models = list(history["model"].unique())
    levels = sorted(history[by].unique())
    colours = mpl.colormaps["viridis"](np.linspace(0.1, 0.85, len(levels)))
    fig, axes = plt.subplots(
        len(models),
        4,
        figsize=(10, 2.4 * len(models)),
        squeeze=False,
        layout="constrained",
    )
    for row, model in zip(axes, models):
        ours = history[history["model"] == model]
        for axis, term in zip(row, TERMS):
            axis.set_title(f"{TITLES.get(model, model)}: {TITLES[term]}", fontsize=9)
            if ours[term].isna().all():
                axis.set_axis_off()
                axis.set_title("")
                continue
            for level, colour in zip(levels, colours):
                curves = ours[ours[by] == level]
                place = curves.groupby("seed").cumcount()
                seeds = curves.groupby(place)
                middle, spread = seeds[term].mean(), seeds[term].std(ddof=0)
                where = seeds[x].mean()
                axis.plot(where, middle, color=colour, lw=1.2, label=f"{by} = {level}")
                axis.fill_between(
                    where,
                    middle - spread,
                    middle + spread,
                    color=colour,
                    alpha=0.2,
                    lw=0,
                )
            if (ours[term] > 0).all():
                axis.set_yscale("log")
            axis.set_xlabel(x)
        row[0].set_ylabel("nats an image")
    if len(levels) > 1:
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=len(levels))
    return fig


def mosaic(tiles: NDArray[np.uint8], gap: int = 4) -> NDArray[np.uint8]:
    """Tiles (rows, columns, 64, 64) side by side in one image, grey lines of `gap`
    between.
    """
    rows, columns, height, width = tiles.shape
    image = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap), 128, np.uint8
    )
    for i, j in np.ndindex(rows, columns):
        y, x = i * (height + gap), j * (width + gap)
        image[y : y + height, x : x + width] = tiles[i, j]
    return image


def reconstructions(pairs: Mapping[str, tuple[NDArray, NDArray]]) -> Figure:
    """Originals above their reconstructions, a pair of rows for each entry: (n, 64, 64)
    each.
    """
    fig, axes = plt.subplots(
        len(pairs),
        1,
        figsize=(8, 1.75 * len(pairs)),
        squeeze=False,
        layout="constrained",
    )
    for axis, (name, (originals, rebuilt)) in zip(axes[:, 0], pairs.items()):
        show(axis, mosaic(np.stack([originals, rebuilt])))
        axis.set_ylabel(name)
    return fig


def traversals(by_name: Mapping[str, NDArray[np.uint8]], columns: int = 3) -> Figure:
    """Latent traversals (D, 9, 64, 64), a row a dimension, the middle the image's own.

    Blocks stand side by side, `columns` of them in a line. Rows of one block are
    numbered z0 … from above; a smaller D leaves space below.
    """
    names = list(by_name)
    lines = [names[i : i + columns] for i in range(0, len(names), columns)]
    heights = [max(len(by_name[name]) for name in line) + 1 for line in lines]
    columns = len(lines[0])
    fig, axes = plt.subplots(
        len(lines),
        columns,
        figsize=(3.4 * columns, 0.37 * sum(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    for axis, (name, tiles) in zip(axes.flat, by_name.items()):
        show(axis, mosaic(tiles))
        axis.set_title(name, fontsize=9)
        axis.set_anchor("N")
        axis.set_yticks(
            [68 * d + 32 for d in range(len(tiles))],
            [f"z{d}" for d in range(len(tiles))],
            fontsize=7,
        )
        axis.tick_params(length=0)
    return fig


def show(axis: plt.Axes, image: NDArray[np.uint8]) -> None:
    """A grey image to the pixel, without ticks."""
    axis.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def hinton(by_name: Mapping[str, NDArray], factors: Sequence[str]) -> Figure:
    """Hinton diagrams of matrices (D, K): the area of a square is the importance it
    stands for.

    Dimensions along x and factors along y, as in the thesis' section 5.6; a square that
    fills its cell is an importance of 1.
    """
    widths = [len(matrix) for matrix in by_name.values()]
    fig, axes = plt.subplots(
        1,
        len(by_name),
        figsize=(0.26 * sum(widths) + 1.5, 2.4),
        width_ratios=widths,
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for axis, (name, matrix) in zip(axes[0], by_name.items()):
        for (d, k), value in np.ndenumerate(matrix):
            side = 0.96 * np.sqrt(min(float(value), 1.0))
            axis.add_patch(
                plt.Rectangle(
                    (d - side / 2, k - side / 2), side, side, color=COLOURS[0], lw=0
                )
            )
        axis.set(
            xlim=(-0.6, len(matrix) - 0.4),
            ylim=(len(factors) - 0.4, -0.6),
            aspect="equal",
        )
        axis.set_xticks(
            range(len(matrix)), [str(d) for d in range(len(matrix))], fontsize=7
        )
        axis.set_yticks(
            range(len(factors)), [name.replace("_", " ") for name in factors]
        )
        axis.tick_params(length=0)
        axis.set_title(name, fontsize=9)
    return fig


def scores_against(
    table: pd.DataFrame, measures: Sequence[str], by: str = "D"
) -> Figure:
    """Measures against `by`, a panel a measure, a colour a model: every seed, mean and
    t interval.

    `table` has columns model, seed, measure, value and `by`. The bar is the 95 %
    interval of the mean by Student's t over seeds, cut off at the frame; with one seed
    there is none.
    """
    columns = min(3, len(measures))
    rows = -(-len(measures) // columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(3.3 * columns, 2.5 * rows),
        squeeze=False,
        layout="constrained",
    )
    levels = sorted(table[by].unique())
    models = list(table["model"].unique())
    for axis, measure in zip(axes.flat, measures):
        for i, model in enumerate(models):
            ours = table[(table["model"] == model) & (table["measure"] == measure)]
            shift = 0.16 * (i - (len(models) - 1) / 2)
            means = []
            for place, level in enumerate(levels):
                values = ours.loc[ours[by] == level, "value"].dropna().to_numpy()
                if len(values) == 0:
                    continue
                mean, low, high = mean_interval(values)
                means.append((place + shift, mean))
                axis.plot(
                    np.full(len(values), place + shift),
                    values,
                    "o",
                    color=COLOURS[i],
                    ms=3,
                )
                if len(values) > 1:
                    axis.plot(
                        [place + shift] * 2,
                        [low, high],
                        color=COLOURS[i],
                        lw=1,
                        alpha=0.6,
                    )
            if means:
                axis.plot(
                    *zip(*means),
                    color=COLOURS[i],
                    lw=1.2,
                    label=TITLES.get(model, model),
                )
        axis.set_title(TITLES.get(measure, measure.replace("_", " ")), fontsize=9)
        axis.set_xticks(range(len(levels)), [str(level) for level in levels])
        axis.set_xlabel(by)
        dots = table.loc[table["measure"] == measure, "value"].dropna()
        if len(
            dots
        ):  # from zero, as a zoom makes noise look like news; bars may leave the frame
            axis.set_ylim(min(0.0, 1.1 * dots.min()), 1.15 * max(dots.max(), 1e-9))
    for axis in axes.flat[len(measures) :]:
        axis.set_axis_off()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=max(1, len(labels)))
    return fig


def save(fig: Figure, path: str | Path) -> Figure:
    """Write a figure as a file, atomically, and return it."""
    with atomic_write(path) as temporary:
        fig.savefig(temporary, dpi=150)
    return fig
