"""dSprites: the grid of factors, the images on it, drawn by rule or read from the
official file.
"""

from disentlib.faces import late

__all__ = late(__name__)
