from disentlib.models.networks import (
    VAE,
    Discriminator,
    count_parameters,
    initialised,
)

from . import objectives

__all__ = ["VAE", "Discriminator", "count_parameters", "initialised", "objectives"]
