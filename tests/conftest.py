"""What several files of tests share."""

import pytest


@pytest.fixture(scope="session")
def small():
    """2,400 sprites over the whole grid."""
    from small_runs import (
        small_sprites,
    )  # here, so that tests without torch start at once

    return small_sprites()
