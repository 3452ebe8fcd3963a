from disentlib.study.figures.curves import loss_curves
from disentlib.study.figures.hinton import hinton
from disentlib.study.figures.names import TITLES, heading
from disentlib.study.figures.pictures import reconstructions, traversals
from disentlib.study.figures.scores import scores_against

__all__ = [
    "TITLES",
    "heading",
    "hinton",
    "loss_curves",
    "reconstructions",
    "scores_against",
    "traversals",
]
