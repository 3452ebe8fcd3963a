"""What tests of studies share."""

from functools import partial

import pytest

from disentlib.study import plan


@pytest.fixture
def make_study(tmp_path, monkeypatch):
    """`synthetic` in a folder of the test's own, whose plans are found there."""
    # Here, so that tests of commands start without the whole library.
    from synthetic_study import synthetic

    monkeypatch.setattr(plan, "STUDIES", tmp_path / "studies")
    return partial(synthetic, tmp_path)
