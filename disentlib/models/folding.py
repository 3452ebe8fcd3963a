"""Batch norm folded into the layers before it: a network for inference alone."""

import copy

from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

from disentlib.models.networks import MEAN_SCALE, VAE, hollow


def folded(vae: VAE) -> VAE:
    """A copy of `vae` without batch norm: the same function, rounding aside, of the
    same images, with batch norm at its running values.
    """
    vae = copy.deepcopy(vae).eval()
    tensors: dict[str, Tensor] = {}
    for part in ("features", "decoder"):
        tensors |= _folded_layers(getattr(vae, part)).state_dict(prefix=f"{part}.")
    tensors |= _mean_layer(vae).state_dict(prefix="mean.")
    tensors |= vae.logvar.state_dict(prefix="logvar.")
    plain = hollow(vae.D, batch_norm=False)
    plain.load_state_dict(tensors, assign=True)
    return plain.eval().requires_grad_(False)


def _mean_layer(vae: VAE) -> nn.Linear:
    """The layer of the posterior's means, with their batch norm if they have one."""
    norm = vae.mean_norm
    if norm is None:
        return vae.mean
    scaled = nn.BatchNorm1d(vae.D, eps=norm.eps).eval()
    scaled.load_state_dict(norm.state_dict(), strict=False)
    nn.init.constant_(scaled.weight, MEAN_SCALE)
    return fuse_linear_bn_eval(vae.mean, scaled)


def _folded_layers(network: nn.Sequential) -> nn.Sequential:
    """`network` with each batch norm folded into the layer before it."""
    layers: list[nn.Module] = []
    for layer in network:
        before = layers[-1] if layers else None
        if isinstance(layer, nn.BatchNorm1d) and isinstance(before, nn.Linear):
            layers[-1] = fuse_linear_bn_eval(before, layer)
        elif isinstance(layer, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            layers[-1] = fuse_conv_bn_eval(before, layer)
        elif isinstance(layer, nn.BatchNorm2d) and isinstance(
            before, nn.ConvTranspose2d
        ):
            layers[-1] = fuse_conv_bn_eval(before, layer, transpose=True)
        else:
            layers.append(layer)
    return nn.Sequential(*layers)
