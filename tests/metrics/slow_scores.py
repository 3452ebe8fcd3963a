"""The scores once more, image by image: loops from the papers' text, with nothing of
the library's.

Each function takes codes, the sizes of the factors, a `random.Random` and the numbers
of points; images are drawn afresh. Where a paper leaves a convention open, the
library's is taken.
"""

import math

import numpy as np
from scipy.optimize import minimize
from sklearn.ensemble import GradientBoostingClassifier


def draw(sizes, rng):
    return [rng.randrange(size) for size in sizes]


def row_of(sizes, classes):
    row = 0
    for size, c in zip(sizes, classes):
        row = row * size + c
    return row


def labelled(codes, sizes, rng, count):
    drawn = [draw(sizes, rng) for _ in range(count)]
    return np.array([codes[row_of(sizes, classes)] for classes in drawn]), np.array(
        drawn
    )


def softmax_regression(x, labels):
    """Weights that minimise the negative log-likelihood plus half the squares of the
    slopes.
    """
    classes = sorted(set(labels))
    target = np.array([[label == c for c in classes] for label in labels], dtype=float)
    augmented = np.column_stack([x, np.ones(len(x))])
    shape = (augmented.shape[1], len(classes))

    def loss(flat):
        weights = flat.reshape(shape)
        logits = augmented @ weights
        logits = logits - logits.max(axis=1, keepdims=True)
        total = np.exp(logits).sum(axis=1, keepdims=True)
        slopes = np.vstack([weights[:-1], np.zeros(len(classes))])
        value = np.log(total).sum() - (logits * target).sum() + 0.5 * (slopes**2).sum()
        return value, (augmented.T @ (np.exp(logits) / total - target) + slopes).ravel()

    found = minimize(loss, np.zeros(math.prod(shape)), jac=True, method="L-BFGS-B")
    weights = found.x.reshape(shape)
    return (
        lambda points: np.column_stack([points, np.ones(len(points))]) @ weights,
        classes,
    )


def beta_vae_score(codes, sizes, rng, train, test, batch_size):
    points, labels = [], []
    for _ in range(train + test):
        k = rng.randrange(len(sizes))
        total = np.zeros(codes.shape[1])
        for _ in range(batch_size):
            first, second = draw(sizes, rng), draw(sizes, rng)
            second[k] = first[k]
            total += abs(codes[row_of(sizes, first)] - codes[row_of(sizes, second)])
        points.append(total / batch_size)
        labels.append(k)
    logits, classes = softmax_regression(np.array(points[:train]), labels[:train])
    answers = [
        classes[best] for best in logits(np.array(points[train:])).argmax(axis=1)
    ]
    return sum(a == k for a, k in zip(answers, labels[train:])) / test


def factor_vae_votes(codes, sizes, rng, train, test, batch_size, threshold):
    scale = labelled(codes, sizes, rng, train + test)[0].std(axis=0)
    alive = [d for d in range(codes.shape[1]) if scale[d] >= threshold]
    votes = []
    for _ in range(train + test if alive else 0):
        k = rng.randrange(len(sizes))
        p = rng.randrange(sizes[k])
        batch = []
        for _ in range(batch_size):
            classes = draw(sizes, rng)
            classes[k] = p
            batch.append(codes[row_of(sizes, classes)])
        variance = (np.array(batch)[:, alive] / scale[alive]).var(axis=0)
        votes.append((alive[int(variance.argmin())], k))
    V = np.zeros((codes.shape[1], len(sizes)), dtype=int)
    for d, k in votes[:train]:
        V[d, k] += 1
    return V, votes[train:]


def factor_vae_score(codes, sizes, rng, train, test, batch_size, threshold=0.05):
    V, votes = factor_vae_votes(codes, sizes, rng, train, test, batch_size, threshold)
    return sum(V[d].argmax() == k for d, k in votes) / test


def pruned_factor_vae_score(codes, sizes, rng, train, test, batch_size, threshold=0.05):
    V, votes = factor_vae_votes(codes, sizes, rng, train, test, batch_size, threshold)
    right = 0
    for d, k in votes:
        first, second = sorted(V[d])[-1], sorted(V[d])[-2]
        right += V[d].argmax() == k and second <= first / 2
    return right / test


def dci(codes, sizes, rng, train, test):
    x, y = labelled(codes, sizes, rng, train)
    x_test, y_test = labelled(codes, sizes, rng, test)
    R, accuracies = np.zeros((codes.shape[1], len(sizes))), []
    for k in range(len(sizes)):
        trees = GradientBoostingClassifier(
            n_estimators=10, random_state=rng.randrange(2**32)
        )
        trees.fit(x, y[:, k])
        R[:, k] = trees.feature_importances_
        accuracies.append((trees.predict(x_test) == y_test[:, k]).mean())
    disentanglement = 0.0
    for row in R:
        if row.sum() > 0:
            P = row / row.sum()
            H = -sum(p * math.log(p, len(sizes)) for p in P if p > 0)
            disentanglement += row.sum() / R.sum() * (1 - H)
    completeness = 0.0
    for column in R.T:
        if column.sum() > 0:
            P = column / column.sum()
            completeness += 1 + sum(p * math.log(p, codes.shape[1]) for p in P if p > 0)
    return disentanglement, completeness / len(sizes), float(np.mean(accuracies))


def mutual_information(codes, sizes, rng, train, bins=20):
    x, y = labelled(codes, sizes, rng, train)
    table = np.zeros((codes.shape[1], len(sizes)))
    entropies = np.zeros(len(sizes))
    for k, size in enumerate(sizes):
        share = [(y[:, k] == c).mean() for c in range(size)]
        entropies[k] = -sum(p * math.log(p) for p in share if p > 0)
        for d in range(codes.shape[1]):
            low, high = x[:, d].min(), x[:, d].max()
            joint = np.zeros((bins, size))
            for value, c in zip(x[:, d], y[:, k]):
                cell = int((value - low) / (high - low) * bins) if high > low else 0
                joint[min(cell, bins - 1), c] += 1 / train
            for i in range(bins):
                for c in range(size):
                    if joint[i, c] > 0:
                        ratio = joint[i, c] / (joint[i].sum() * joint[:, c].sum())
                        table[d, k] += joint[i, c] * math.log(ratio)
    return table, entropies


def mig(codes, sizes, rng, train):
    table, entropies = mutual_information(codes, sizes, rng, train)
    gaps = []
    for k in range(len(sizes)):
        ordered = sorted([0.0, *table[:, k]])
        gaps.append((ordered[-1] - ordered[-2]) / entropies[k])
    return sum(gaps) / len(gaps)


def modularity(codes, sizes, rng, train):
    table, _ = mutual_information(codes, sizes, rng, train)
    scores = []
    for row in table:
        best = int(row.argmax())
        if row[best] < 1e-12:
            scores.append(0.0)
            continue
        template = [row[best] if k == best else 0.0 for k in range(len(sizes))]
        deviation = sum((m - t) ** 2 for m, t in zip(row, template))
        scores.append(1 - deviation / (row[best] ** 2 * (len(sizes) - 1)))
    return sum(scores) / len(scores)


def best_cuts(x, labels, size):
    """The intervals of a line, at most one a class, that give the best balanced
    accuracy.
    """
    values = sorted(set(x))
    weight = np.zeros((len(values) + 1, size))
    counts = [max(1, int((labels == c).sum())) for c in range(size)]
    for v, c in zip(x, labels):
        weight[values.index(v) + 1, c] += 1 / counts[c]
    cumulated = weight.cumsum(axis=0)
    best = {(0, 0): (0.0, [])}  # (cuts used, values covered): recall gained, intervals
    for used in range(1, size + 1):
        before = [best.get((used - 1, k), (-np.inf,))[0] for k in range(len(values))]
        for stop in range(1, len(values) + 1):
            gain = cumulated[stop] - cumulated[:stop]  # of each start
            value = before[:stop] + gain.max(axis=1)
            start = value.argmax()
            if value[start] > -np.inf:
                taken = (values[start], int(gain[start].argmax()))
                best[used, stop] = value[start], [*best[used - 1, start][1], taken]
    return max(
        best[u, len(values)] for u in range(1, size + 1) if (u, len(values)) in best
    )[1]


def sap(codes, sizes, rng, train, test):
    x, y = labelled(codes, sizes, rng, train)
    x_test, y_test = labelled(codes, sizes, rng, test)
    gaps = []
    for k, size in enumerate(sizes):
        scores = [0.0]
        for d in range(codes.shape[1]):
            intervals = best_cuts(x[:, d], y[:, k], size)
            recalls = [[] for _ in range(size)]
            for value, c in zip(x_test[:, d], y_test[:, k]):
                answer = [a for start, a in intervals if start <= value] or [
                    intervals[0][1]
                ]
                recalls[c].append(answer[-1] == c)
            scores.append(float(np.mean([np.mean(r) for r in recalls if r])))
        scores.sort()
        gaps.append(scores[-1] - scores[-2])
    return sum(gaps) / len(gaps)


def explicitness(codes, sizes, rng, train, test):
    x, y = labelled(codes, sizes, rng, train)
    x_test, y_test = labelled(codes, sizes, rng, test)
    scale = np.where(x.std(axis=0) > 1e-12, x.std(axis=0), 1.0)
    x, x_test = (x - x.mean(axis=0)) / scale, (x_test - x.mean(axis=0)) / scale
    factors = []
    for k, size in enumerate(sizes):
        areas = []
        for c in range(size):
            # Two mirrored logits with the penalty on both are one logit with half the
            # penalty.
            logits, _ = softmax_regression(np.sqrt(2) * x, (y[:, k] == c).tolist())
            scores = logits(np.sqrt(2) * x_test) @ [-1, 1]
            own, others = scores[y_test[:, k] == c], scores[y_test[:, k] != c]
            wins = sum((a > b) + 0.5 * (a == b) for a in own for b in others)
            areas.append(wins / (len(own) * len(others)))
        factors.append(sum(areas) / size)
    return sum(factors) / len(factors)


def irs(codes, sizes, rng, train):
    x, y = labelled(codes, sizes, rng, train)
    total, weights = 0.0, 0.0
    for d in range(codes.shape[1]):
        largest = max(abs(x[:, d] - x[:, d].mean()))
        if largest < 1e-12:
            continue
        robustness = []
        for k, size in enumerate(sizes):
            held = 0.0
            for c in range(size):
                group = x[y[:, k] == c, d]
                if len(group):
                    held += len(group) / train * max(abs(group - group.mean()))
            robustness.append(1 - held / largest)
        total += largest * max(robustness)
        weights += largest
    return total / weights if weights else 0.0
