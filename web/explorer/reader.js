// Which sprite a picture shows: the one nearest to it in squared error, found by moving one
// factor at a time. A picture of probabilities is blurred; its nearest sprite is not.
"use strict";
(function (Explorer) {
  const { FACTORS, render, scaleOf, angleOf, placeOf } = Explorer.sprites;
  const SWEEPS = 3;
  const PERIOD = [90, 180, 360];  // degrees after which a shape looks as before
  const LEAST = [1, 0.1, 20, 2, 2];  // what counts as a change: shape, scale, degrees, pixels

  // Falls by the squared error between sprite and picture, as sum (p - s)^2 is a constant
  // less the sum of 2p - 1 over the white pixels.
  function likeness(gain, classes) {
    const sprite = render(classes);
    let sum = 0;
    for (let i = 0; i < sprite.length; i++) if (sprite[i]) sum += gain[i];
    return sum;
  }

  // Classes of the sprite nearest to `picture`, searched from the classes `start`.
  function read(picture, start) {
    const gain = picture.map((p) => 2 * p - 1);
    let best = [...start], most = likeness(gain, best);
    const attempt = (classes) => {
      const now = likeness(gain, classes);
      if (now > most) { most = now; best = classes; }
    };
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const before = most;
      for (const k of [3, 4, 1])
        for (let c = 0; c < FACTORS[k].size; c++) attempt(best.map((b, i) => (i === k ? c : b)));
      for (let shape = 0; shape < 3; shape++)
        for (let turn = 0; turn < 39; turn++) attempt([shape, best[1], turn, best[3], best[4]]);
      if (most === before) break;
    }
    return best;
  }

  // Values of classes: shape, scale, degrees, pixels, pixels.
  const values = ([shape, scale, turn, x, y]) =>
    [shape, scaleOf(scale), (angleOf(turn) * 180) / Math.PI, placeOf(x), placeOf(y)];

  // Which factors differ between two readings: [{factor, from, to}].
  function changes(before, after) {
    const from = values(before), to = values(after);
    const period = PERIOD[before[0]];
    const turned = (((to[2] - from[2]) % period) + 1.5 * period) % period - period / 2;
    to[2] = from[2] + (before[0] === after[0] ? turned : 0);
    return FACTORS.map((_, factor) => ({ factor, from: from[factor], to: to[factor] }))
      .filter(({ factor, from: a, to: b }) => Math.abs(b - a) >= LEAST[factor] - 1e-9);
  }

  Explorer.reader = { read, values, changes };
})((globalThis.Explorer = globalThis.Explorer || {}));
