"""What tests of scoring share."""

import pytest
from small_runs import small_sprites


@pytest.fixture(scope="session")
def small():
    """2,400 sprites over the whole grid."""
    return small_sprites()
