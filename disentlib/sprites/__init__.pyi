from disentlib.sprites.grid import GRID, FactorGrid
from disentlib.sprites.table import Sprites, load_sprites, train_test_split

__all__ = ["GRID", "FactorGrid", "Sprites", "load_sprites", "train_test_split"]
