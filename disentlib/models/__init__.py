"""The networks of the study and the objectives that train them."""

from disentlib.models import objectives
from disentlib.models.networks import (
    VAE,
    Discriminator,
    count_parameters,
    initialised,
)

__all__ = ["VAE", "Discriminator", "count_parameters", "initialised", "objectives"]
