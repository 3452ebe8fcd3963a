"""Shapes in signatures are checked whenever a test calls."""

import pytest
import torch

from disentlib.sprites.table import unpack_by_shifts


@pytest.mark.parametrize(
    "packed", [torch.zeros(3, dtype=torch.uint8), torch.zeros(3, 4)]
)
def test_a_wrong_shape_or_type_is_noticed(packed):
    """Without the import hook of pyproject.toml this passes in silence."""
    with pytest.raises(Exception, match="packed"):
        unpack_by_shifts(packed)
