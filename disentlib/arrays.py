"""Arrays in signatures: `Float64[Floats, "n D"]` is n rows of D numbers.

jaxtyping gives the shape, these names the type, for those who check types and for those
who read. Tests check both in every call.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    Numbers = NDArray[Any]
    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Integers = NDArray[np.int64]
    Words = NDArray[np.uint64]
    Bytes = NDArray[np.uint8]
    Truths = NDArray[np.bool_]
else:  # a shape is asked of a class, and NumPy has one for all of them
    Numbers = Floats = Singles = Integers = Words = Bytes = Truths = np.ndarray
