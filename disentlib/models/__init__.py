"""The networks of the study and the objectives that train them."""

from disentlib.models.networks import VAE, Discriminator

__all__ = ["VAE", "Discriminator"]
