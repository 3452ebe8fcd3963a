"""The reader of traversals: on rows that were drawn to do one thing, or two."""

import numpy as np
import pytest

from disentlib.scoring.nearest import nearest_sprites
from disentlib.scoring.pictures import Pictures, load_pictures, save_pictures
from disentlib.scoring.reader import read_row, read_traversals, summary, with_reading
from disentlib.sprites.grid import GRID
from disentlib.sprites.table import load_sprites

HEART, NINE = [2, 3, 7, 16, 16], np.arange(9)
NAMES = dict(enumerate(GRID.names))


def rows(**changes):
    """Rows of the grid, nine in a line; a heart but for the factors that change."""
    classes = np.tile(HEART, (9, 1))
    for name, values in changes.items():
        classes[:, GRID.factor(name)] = values
    return GRID.rows(classes)


def read(**changes):
    return read_row(rows(**changes), np.zeros(9), GRID)


@pytest.fixture(scope="module")
def sprites():
    return load_sprites()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": [0, 0, 0, 1, 1, 1, 2, 2, 2]}, "square, ellipse, heart"),
        ({"scale": [0, 1, 2, 2, 3, 3, 4, 5, 5]}, "scale +0.5"),
        ({"scale": NINE[::-1] // 2 + 1}, "scale −0.4"),
        ({"orientation": 2 * NINE}, "turns 148° counter-clockwise"),
        ({"orientation": (38 - NINE) % 39}, "turns 74° clockwise"),
        ({"orientation": (35 + NINE) % 39}, "turns 74° counter-clockwise"),
        ({"position_x": 10 + NINE}, "8 pixels to the right"),
        ({"position_y": 20 - NINE}, "8 pixels up"),
        ({"position_y": 16 + np.abs(NINE - 4)}, "place down there and back"),
        ({}, "nothing moves"),
    ],
)
def test_a_row_that_does_one_thing(changes, words):
    reading = read(**changes)
    assert reading.words == words
    assert reading.shares.tolist() == [name in changes for name in GRID.names]


def test_a_square_that_is_turned_by_a_quarter_has_hardly_moved():
    # 10 of 39 steps are 92°, two degrees from where a square looks the same.
    turned = read(shape=0, orientation=[0, 10] * 4 + [0])
    assert turned.movement < 0.01
    assert read(shape=2, orientation=[0, 10] * 4 + [0]).movement > 0.1


def test_a_row_that_does_two_things_is_divided_as_it_was_drawn():
    both = read(position_x=10 + NINE, position_y=5 + 2 * NINE)
    assert both.words == "17 pixels down; 8 pixels to the right"
    assert both.shares == pytest.approx([0, 0, 0, 0.2, 0.8], abs=1e-9)
    even = read(position_x=10 + NINE, position_y=10 + NINE)
    assert even.shares.max() == pytest.approx(0.5)


def test_what_sprites_drawn_at_random_move():
    drawn = np.random.default_rng(0).integers(GRID.size, size=(800, 9))
    readings = [read_row(row, np.zeros(9), GRID) for row in drawn]
    moved = np.mean([r.movement * r.shares for r in readings], axis=0)
    assert moved == pytest.approx([0.9, 0.9, 1.5, 0.9, 0.9], abs=0.05)


def test_a_decoder_that_draws_sprites_is_read_to_the_pixel(sprites, tmp_path):
    drawn = [
        rows(shape=[0, 0, 0, 1, 1, 1, 2, 2, 2]),
        rows(scale=[0, 1, 2, 2, 3, 3, 4, 5, 5]),
        rows(orientation=NINE),
        rows(position_x=10 + NINE),
        rows(),
        rows(position_x=10 + NINE, position_y=10 + NINE),
    ]
    tiles = 255 * sprites.images(np.array(drawn))
    tiles = tiles.reshape(6, 9, 64, 64)
    found = read_traversals(tiles, sprites)
    assert [r.shares.max() for r in found] == pytest.approx([1, 1, 1, 1, 0, 0.5])
    assert [r.distance for r in found] == [0] * 6
    assert [r.shares.argmax() for r in found][:4] == [0, 1, 2, 3]
    ten = np.zeros((10, 64, 64), np.uint8)
    seen = with_reading(Pictures(ten, ten, tiles, np.eye(6, 5)), sprites)
    assert summary(seen) == {
        "traversal_purity": pytest.approx(0.9),
        "traversal_distance": 0,
    }
    save_pictures(tmp_path / "p.npz", seen)
    assert load_pictures(tmp_path / "p.npz").words.tolist() == [r.words for r in found]


def test_the_nearest_is_the_nearest_of_all(small):
    generator = np.random.default_rng(0)
    images = small.images(np.arange(2400))
    noisy = images[generator.integers(2400, size=20)] ^ (
        generator.random((20, 64, 64)) < 0.03
    )
    blank = np.zeros((1, 64, 64), np.uint8)
    pictures = 255 * np.concatenate([noisy, blank, blank]).astype(np.uint8)
    found = nearest_sprites(pictures, small)
    apart = np.array([(images != p // 255).sum(axis=(1, 2)) for p in pictures])
    assert np.array_equal(found.distances, apart.min(axis=1))
    assert np.array_equal(found.rows, apart.argmin(axis=1))
