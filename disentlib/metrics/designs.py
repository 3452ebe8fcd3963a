"""Representations designed by hand, of which it is known what a score ought to say.

Each is an array (grid.size, D) of float64, row i the code of image i, for any
`FactorGrid`; a factor stands for its class number, shifted and scaled to mean 0 and
variance 1 over the grid.
"""

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from disentlib.arrays import Floats
from disentlib.checks import finite_numbers, instance, whole_number
from disentlib.metrics import scales
from disentlib.seeds import stream
from disentlib.sprites.grid import FactorGrid

_MOST = 4096  # dimensions


def identity(grid: FactorGrid) -> Float64[Floats, "images D"]:
    """One dimension a factor, in the order of the factors: D = K, perfectly
    disentangled.
    """
    instance("grid", grid, FactorGrid)
    return standardised(grid.classes(np.arange(grid.size)))


def rotated(grid: FactorGrid, seed: int = 0) -> Float64[Floats, "images D"]:
    """`identity` times a random rotation or reflection: D = K, nothing lost, all
    factors mixed.
    """
    return identity(grid) @ orthonormal(len(grid.sizes), len(grid.sizes), seed)


def split(grid: FactorGrid, factor: str | int) -> Float64[Floats, "images D"]:
    """One factor in two dimensions, its coarse and its fine part; the others as they
    are: D = K+1.

    Class c is written with two digits, c = m · coarse + fine, m the square root of the
    number of classes, rounded up. Both digits together say the class, neither does
    alone. The fine part is the last dimension. Raises `ValueError` for a factor of
    fewer than 3 classes, which has no two digits, and for one that is not in the grid.
    """
    k = instance("grid", grid, FactorGrid).factor(factor)
    if grid.sizes[k] < 3:
        raise ValueError(
            f"factor {factor!r} has {grid.sizes[k]} classes; split one of at least 3"
        )
    classes = grid.classes(np.arange(grid.size))
    coarse, fine = np.divmod(classes[:, k], int(np.ceil(np.sqrt(grid.sizes[k]))))
    classes[:, k] = coarse
    return standardised(np.column_stack([classes, fine]))


def merged(
    grid: FactorGrid, first: str | int, second: str | int
) -> Float64[Floats, "images D"]:
    """Two factors in one dimension, from which both can be read; the others as they
    are: D = K-1.

    The dimension is (class of `first`) · (classes of `second`) + (class of `second`):
    each pair of classes has its own value. It stands where `first` stood, and `second`
    has none. Raises `ValueError` for the same factor twice and for factors that are not
    in the grid.
    """
    instance("grid", grid, FactorGrid)
    a, b = grid.factor(first), grid.factor(second)
    if a == b:
        raise ValueError(f"factors {first!r} and {second!r} are the same; give two")
    classes = grid.classes(np.arange(grid.size))
    classes[:, a] = classes[:, a] * grid.sizes[b] + classes[:, b]
    return standardised(np.delete(classes, b, axis=1))


def with_dead(codes: ArrayLike, n: int = 1) -> Float64[Floats, "images D"]:
    """`codes` and `n` more dimensions that are 0 for every image."""
    whole_number("n", n, 0, _MOST)
    codes = finite_numbers("codes", codes, 2)
    return np.column_stack([codes, np.zeros((len(codes), n))])


def noise(grid: FactorGrid, D: int, seed: int = 0) -> Float64[Floats, "images D"]:
    """Standard normal noise, drawn for each image: no information about any factor.

    A seed has the same numbers for every D, cut into rows of D, and in
    `random_mixture`: to compare these, take another seed for each.
    """
    instance("grid", grid, FactorGrid)
    whole_number("D", D, 1, _MOST)
    return stream(seed, "designs: noise").standard_normal((grid.size, D))


def with_noise(codes: ArrayLike, D: int, seed: int = 0) -> Float64[Floats, "images D"]:
    """`codes` and as many dimensions of standard normal noise as make D.

    The noise in a dimension is the same for every larger D. Raises `ValueError` for a
    smaller D than `codes` has.
    """
    codes = finite_numbers("codes", codes, 2)
    extra = _at_least(D, codes) - codes.shape[1]
    columns = [
        stream(seed, "designs: noise", d).standard_normal(len(codes))
        for d in range(extra)
    ]
    return np.column_stack([codes, *columns])


def spread(codes: ArrayLike, D: int, seed: int = 0) -> Float64[Floats, "images D"]:
    """The same information over D dimensions: `codes` times a random matrix of
    orthonormal rows.

    All distances between codes stay as they are, hence so does all that can be learned
    from them; the variance of a dimension falls as 1/D. `standardised` makes each 1
    again. Raises `ValueError` for a smaller D than `codes` has.
    """
    codes = finite_numbers("codes", codes, 2)
    return codes @ orthonormal(codes.shape[1], _at_least(D, codes), seed)


def random_mixture(
    grid: FactorGrid, D: int, seed: int = 0
) -> Float64[Floats, "images D"]:
    """A random representation, anywhere between one factor a dimension and all, clean
    and noisy.

    The squared weights of the factors in a dimension are drawn from a Dirichlet
    distribution whose parameter is drawn once, log-uniform in 0.03 … 30: small ones
    give a dimension to one factor, large ones to all. Noise takes a share of the
    variance, drawn once, uniform in 0 … 1. Every dimension has variance 1 (the noise in
    expectation). For agreement of scores over many seeds.
    """
    instance("grid", grid, FactorGrid)
    whole_number("D", D, 1, _MOST)
    generator = stream(seed, "designs: mixture")
    K = len(grid.sizes)
    concentration, share = 10 ** generator.uniform(-1.5, 1.5), generator.uniform()
    weights = np.sqrt(generator.dirichlet(np.full(K, concentration), size=D)).T
    weights *= generator.choice([-1, 1], size=(K, D))
    signal, disturbance = identity(grid) @ weights, noise(grid, D, seed)
    mixture: Floats = np.sqrt(1 - share) * signal + np.sqrt(share) * disturbance
    return mixture


def standardised(codes: ArrayLike) -> Float64[Floats, "images D"]:
    """`codes` with mean 0 and variance 1 in each dimension; constant dimensions become
    0.
    """
    codes = finite_numbers("codes", codes, 2)
    return scales.standardised(codes, codes)[0]


def orthonormal(
    rows: int, columns: int, seed: int = 0
) -> Float64[Floats, "{rows} {columns}"]:
    """A random matrix (rows, columns ≥ rows) of orthonormal rows, uniform over all of
    them.
    """
    whole_number("rows", rows, 1, _MOST)
    whole_number("columns", columns, rows, _MOST)
    square = stream(seed, "designs: rotation").standard_normal((columns, rows))
    q, r = np.linalg.qr(square)
    # QR alone prefers some signs; with those of r's diagonal the draw is uniform
    # (Mezzadri 2007).
    turned: Floats = (q * np.sign(np.diag(r))).T
    return turned


def _at_least(D: int, codes: Float64[Floats, "n d"]) -> int:
    if codes.shape[1] > whole_number("D", D, 1, _MOST):
        raise ValueError(
            f"D = {D} is less than the {codes.shape[1]} dimensions of the codes"
        )
    return D
