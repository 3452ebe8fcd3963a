// The piece of the chapter on reparameterisation: clouds of one-draw gradients of
// E[f(z)], f(z) = -|z - a|^2 / 2, with respect to the mean, by the two estimators.
"use strict";
(function (Explorer) {
  const TARGET = 0.5, DRAWS = 300;  // a in each dimension, as in the chapter

  // The gradients (draws, 2): components of the first two dimensions. Method "path" or
  // "score"; with a baseline the mean of f over the other draws is taken off.
  function cloud(method, D, sigma, draws, baseline, normal) {
    const noise = Array.from({ length: draws }, () => Array.from({ length: D }, normal));
    const gap = noise.map((eps) => eps.map((e) => sigma * e - TARGET));  // z - a, at mu = 0
    if (method === "path") return gap.map((g) => [-g[0], -(g[1] ?? 0)]);
    const f = gap.map((g) => -0.5 * g.reduce((sum, v) => sum + v * v, 0));
    const total = f.reduce((a, b) => a + b, 0);
    return noise.map((eps, i) => {
      const reward = f[i] - (baseline ? (total - f[i]) / (draws - 1) : 0);
      return [(reward * eps[0]) / sigma, (reward * (eps[1] ?? 0)) / sigma];
    });
  }

  // Variance of the first component.
  function variance(points) {
    const mean = points.reduce((sum, [u]) => sum + u, 0) / points.length;
    return points.reduce((sum, [u]) => sum + (u - mean) ** 2, 0) / (points.length - 1);
  }

  function piece(root) {
    const { h, slider, status, eachFrame } = Explorer.widgets;
    const words = Explorer.text.gradients;
    let D = 10, logSigma = 0, baseline = false, seed = 1;
    const side = { width: 400, height: 400, ticks: [-15, 0, 15].map((v) => [v, v]), yTicks: [-15, 0, 15] };
    const make = (label) => Explorer.plot.plot({ x: [-15, 15], y: [-15, 15], xLabel: words.first, yLabel: words.second, label, ...side });
    const plots = { score: make(words.scorePlot), path: make(words.pathPlot) };
    const captions = { score: h("figcaption"), path: h("figcaption") };
    const said = status();
    const draw = eachFrame(() => {
      const spread = {};
      for (const method of ["score", "path"]) {
        const points = cloud(method, D, 10 ** logSigma, DRAWS, baseline, Explorer.plot.normal(seed));
        const plot = plots[method];
        plot.clear();
        let outside = 0;
        for (const point of points) {
          if (Math.max(...point.map(Math.abs)) > 15) outside++;
          else plot.dot(point, method === "path" ? "dot-third" : baseline ? "dot-second" : "dot-first", 3.5);
        }
        plot.line([[TARGET - 1, TARGET], [TARGET + 1, TARGET]], "cross");
        plot.line([[TARGET, TARGET - 1], [TARGET, TARGET + 1]], "cross");
        spread[method] = variance(points);
        captions[method].textContent = words.caption[method](spread[method], outside, DRAWS);
      }
      said.say(words.said(D, spread.score / spread.path));
    });
    const box = h("input", { type: "checkbox", id: "ex-baseline", onchange: () => { baseline = box.checked; draw(); } });
    root.append(h("p", {}, words.what),
      slider({ label: words.D, min: 2, max: 128, step: 1, value: D, format: String, move: (v) => { D = v; draw(); } }).element,
      slider({ label: words.sigma, min: -1, max: 0.5, step: 0.05, value: 0, format: (v) => (10 ** v).toFixed(2), move: (v) => { logSigma = v; draw(); } }).element,
      h("div", { class: "ex-bar" }, h("label", { class: "ex-check", for: "ex-baseline" }, box, " ", words.baseline),
        h("button", { type: "button", onclick: () => { seed++; draw(); } }, words.again)),
      h("div", { class: "ex-two" }, ["score", "path"].map((m) => h("figure", {}, plots[m].element, captions[m]))),
      said.element);
    draw();
  }

  Explorer.gradients = { cloud, variance };
  Explorer.pieces = { ...Explorer.pieces, gradients: piece };
})((globalThis.Explorer = globalThis.Explorer || {}));
