"""What moves with the step: the learning rate, and the weight in the objective."""

import math

from disentlib.models import objectives
from disentlib.training.configuration import TrainingConfig


def rate_factor(step: int, config: TrainingConfig) -> float:
    """Factor on the learning rates in step 1 … `config.steps`.

    "constant" is 1, after `config.warmup` steps along a straight line; it does not know
    how long the run will be, so that one run serves every budget. "one_cycle" is
    `eq-one-cycle` (Smith and Topin 2019): from 1/25 up to 1 over the first 30 % of the
    steps and down to 1/250,000, both along half a cosine. A function of the step alone:
    a run that goes on needs no schedule's state.
    """
    if config.schedule == "constant":
        return min(1.0, step / config.warmup) if config.warmup else 1.0
    peak = 0.3 * config.steps - 1
    last = config.steps - 1
    if step - 1 <= peak:
        return half_cosine(1 / 25, 1.0, (step - 1) / peak if peak > 0 else 1.0)
    return half_cosine(1.0, 1 / 250_000, (step - 1 - peak) / (last - peak))


def half_cosine(start: float, end: float, share: float) -> float:
    """From `start` to `end` along half a cosine, `share` of the way."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def weights_of_step(step: int, config: TrainingConfig) -> tuple[float, float]:
    """Weights of the KL term and of the total correlation in step 1 … `config.steps`.

    Those of `objectives.loss_weights`, where beta and gamma begin as
    `config.weight_start` times their values and move to them along a straight line over
    `config.weight_steps` steps: down from a factor above 1, which presses dimensions
    out early, or up from one below it, as in a warm-up of the KL.
    """
    share = min(1.0, (step - 1) / config.weight_steps) if config.weight_steps else 1.0
    factor = 1.0 + (config.weight_start - 1.0) * (1.0 - share)
    return objectives.loss_weights(
        config.model, factor * config.beta, factor * config.gamma
    )
