from disentlib.sprites.grid import FactorGrid
from disentlib.sprites.table import GRID, Sprites, load_sprites, train_test_split

__all__ = ["GRID", "FactorGrid", "Sprites", "load_sprites", "train_test_split"]
