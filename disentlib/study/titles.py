"""What measures and models are called on a page, and with how many decimals they are
printed.
"""

from disentlib.scoring.sizes import EXCESS
from disentlib.study.figures.names import TITLES
from disentlib.study.measures import ROTATED

NATS = ("held_out_reconstruction", "held_out_kl", "dimensions_in_use")
SHORT = {
    "held_out_reconstruction": "reconstruction error",
    "dimensions_in_use": "dimensions in use",
}


def title(name: str) -> str:
    """A measure's or a model's name on a page."""
    for suffix, words in ((EXCESS, " over its rotations"), (ROTATED, " of rotations")):
        if name.endswith(suffix):
            return title(name.removesuffix(suffix)) + words
    return SHORT.get(name) or TITLES.get(name) or name.replace("_", " ")


def digits_of(measure: str) -> int:
    """Decimals that a measure is printed with: one for nats and counts."""
    return 1 if measure in NATS else 3
