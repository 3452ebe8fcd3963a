"""The ported renderer against the library's."""

import numpy as np
from node import needs_node, run

from disentlib.sprites.grid import GRID
from disentlib.sprites.render import render

IMAGES = 10_000


@needs_node
def test_ten_thousand_sprites_are_the_librarys():
    index = np.random.default_rng(0).integers(GRID.size, size=IMAGES)
    drawn = run(
        ["sprites"],
        """
        return given.map((classes) => {
          const image = Explorer.sprites.render(classes);
          const bytes = Buffer.alloc(512);
          image.forEach((white, i) => { if (white) bytes[i >> 3] |= 1 << (i & 7); });
          return bytes.toString("base64");
        });""",
        GRID.classes(index).tolist(),
    )
    import base64

    ours = np.stack([np.frombuffer(base64.b64decode(text), "<u8") for text in drawn])
    np.testing.assert_array_equal(ours, render(index))
