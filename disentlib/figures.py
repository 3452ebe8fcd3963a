"""Figures of the study, one function each; they serve any D and any number of seeds."""

import matplotlib as mpl

# Okabe and Ito's palette, which colour-blind readers can tell apart, in an order that stays
# readable on white and on black.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")

# Figures stand on light and on dark pages: a transparent ground and mid-tone axes.
INK = "#7f7f7f"
STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.dpi": 110,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
} | dict.fromkeys(
    ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
)
mpl.rcParams.update(STYLE)
