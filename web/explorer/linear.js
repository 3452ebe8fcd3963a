// The piece of the chapter on the beta-VAE: the theorem on linear decoders as water that
// rises over the eigenvalues of the data.
"use strict";
(function (Explorer) {
  // Those that the chapter trains on.
  const EIGENVALUES = [24, 12, 6, 3, 1.5, 0.75, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01];
  const NOISE = 0.25;  // s^2

  // What the minimum looks like: water level tau, k eigenvalues above it, min(D, k)
  // dimensions in use, nats of each, squared error.
  function minimum(beta, D, eigenvalues = EIGENVALUES, noise = NOISE) {
    const tau = beta * noise;
    const k = eigenvalues.filter((v) => v > tau).length, used = Math.min(D, k);
    const nats = eigenvalues.map((v, i) => (i < used ? 0.5 * Math.log(v / tau) : 0));
    const rest = eigenvalues.slice(used).reduce((a, b) => a + b, 0);
    return { tau, k, used, nats, total: nats.reduce((a, b) => a + b, 0), error: used * tau + rest };
  }

  function piece(root) {
    const { h, slider, status, eachFrame } = Explorer.widgets;
    const words = Explorer.text.linear, n = EIGENVALUES.length;
    let beta = 4, D = 6;
    const ticks = EIGENVALUES.map((_, i) => [i + 1, i + 1]);
    // Heights are logarithms to base 10 of variances: 0.01 is the floor.
    const water = Explorer.plot.plot({ x: [0.3, n + 0.7], y: [-2, 2], ticks, xLabel: words.direction, yLabel: words.variance, label: words.waterPlot });
    const count = Explorer.plot.plot({ x: [0, n + 0.5], y: [0, n], ticks: [[0, 0], [6, 6], [12, 12]], xLabel: words.offered, yLabel: words.inUse, label: words.countPlot });
    const numbers = h("p", { class: "ex-numbers" }), said = status();
    const draw = eachFrame(() => {
      const now = minimum(beta, D), level = Math.log10(now.tau);
      water.clear();
      EIGENVALUES.forEach((v, i) => water.bar(i + 0.7, i + 1.3, -2, Math.log10(v), i < now.used ? "bar" : "bar off"));
      water.bar(0.3, n + 0.7, -2, level, "water");
      water.word([n + 0.6, level + 0.1], words.level(now.tau), "end");
      if (D < n) water.line([[D + 0.5, -2], [D + 0.5, 2]], "second");
      count.clear();
      count.line(Array.from({ length: n + 1 }, (_, i) => [i, minimum(beta, i).used]), "first");
      count.dot([D, now.used], "handle", 6);
      numbers.textContent = words.numbers(now);
      said.say(words.said(beta, D, now));
    });
    root.append(h("p", {}, words.what),
      slider({ label: "β", min: -1, max: 6.5, step: 0.1, value: 2, format: (v) => (2 ** v).toFixed(2), move: (v) => { beta = 2 ** v; draw(); } }).element,
      slider({ label: words.D, min: 1, max: n, step: 1, value: D, format: String, move: (v) => { D = v; draw(); } }).element,
      h("div", { class: "ex-two" }, water.element, count.element), numbers, said.element);
    draw();
  }

  Explorer.linear = { minimum };
  Explorer.pieces = { ...Explorer.pieces, linear: piece };
})((globalThis.Explorer = globalThis.Explorer || {}));
