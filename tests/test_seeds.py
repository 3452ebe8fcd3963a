"""Random streams: the same from the same place, and apart from every other."""

from itertools import product

import numpy as np
import pytest
import torch

from disentlib.seeds import PURPOSES, stream, torch_stream

PLACES = list(product((0, 1, 1000), PURPOSES, ((), (0,), (1,), (1, 0))))


def test_a_stream_repeats_itself():
    for seed, purpose, position in PLACES:
        draws = [stream(seed, purpose, *position).random(4) for _ in range(2)]
        assert np.array_equal(*draws)
        draws = [
            torch.rand(4, generator=torch_stream(seed, purpose, *position))
            for _ in range(2)
        ]
        assert torch.equal(*draws)


def test_no_two_places_share_a_stream():
    first = {tuple(stream(*place[:2], *place[2]).random(2)) for place in PLACES}
    assert len(first) == len(PLACES)
    torch_streams = [torch_stream(*place[:2], *place[2]) for place in PLACES]
    first = {tuple(torch.rand(2, generator=s).tolist()) for s in torch_streams}
    assert len(first) == len(PLACES)


def test_a_cpu_keeps_32_bits_of_a_torch_seed():
    """As the docstring of `torch_stream` says: should torch mend it, so must we."""
    one, other = (torch.Generator().manual_seed(s) for s in (5, 5 + 2**40))
    assert torch.equal(torch.rand(4, generator=one), torch.rand(4, generator=other))


def test_streams_of_neighbours_are_uncorrelated():
    draws = np.array(
        [stream(0, "posterior noise", t).standard_normal(1000) for t in range(40)]
    )
    off = np.corrcoef(draws)[~np.eye(40, dtype=bool)]
    assert abs(off).max() < 0.16  # five standard deviations of 1/sqrt(1000)


def test_a_purpose_may_say_more_after_a_colon():
    purposes = ("designs: noise", "designs: mixture", "designs")
    assert len({stream(0, purpose).random() for purpose in purposes}) == 3


def test_torch_and_numpy_global_states_play_no_part():
    torch.manual_seed(1)
    np.random.seed(1)
    one = torch.rand(3, generator=torch_stream(0, "evaluation"))
    torch.manual_seed(2)
    np.random.seed(2)
    assert torch.equal(one, torch.rand(3, generator=torch_stream(0, "evaluation")))


@pytest.mark.parametrize(
    ("seed", "purpose", "message"),
    [
        (-1, "evaluation", "^seed=-1 must be a whole number of at least 0$"),
        (0.5, "evaluation", r"^seed=0\.5 must be a whole number of at least 0$"),
        (0, "", "^purpose='' is unknown; give one of initialisation, data order, "),
        (0, "data ordre", "^purpose='data ordre' is unknown; give one of "),
    ],
)
def test_bad_places_are_refused(seed, purpose, message):
    for make in (stream, torch_stream):
        with pytest.raises(ValueError, match=message):
            make(seed, purpose)


@pytest.mark.parametrize("position", [-1, 1.5, True, 2**32])
def test_bad_positions_are_refused(position):
    """2**32 would be two words, those of the position (0, 1)."""
    match = f"^position={position} must be a whole number of at least 0 and at most 42"
    for make in (stream, torch_stream):
        with pytest.raises(ValueError, match=match):
            make(0, "codes", 0, position)
