"""Training in the tests: one thread, before anything starts more."""

import pytest
import torch
from small_runs import small_sprites

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small():
    return small_sprites()
