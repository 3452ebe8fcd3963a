// The piece of the chapter on the Kullback-Leibler divergence: two densities to drag, the
// divergence in both directions, and the integral cut off at ever wider limits.
"use strict";
(function (Explorer) {
  const LOG_2PI = Math.log(2 * Math.PI);
  const FAMILIES = {
    normal: (u) => -0.5 * (LOG_2PI + u * u),
    t: (u) => -Math.log(Math.PI) - Math.log1p(u * u),
  };
  const PANEL_POINTS = 64, LIMIT = 1e4, TOP = 20;  // nats

  // Log-density at x of {family, centre, spread}.
  const logDensity = ({ family, centre, spread }, x) =>
    FAMILIES[family]((x - centre) / spread) - Math.log(spread);

  const integrand = (p, q) => (x) => {
    const logP = logDensity(p, x);
    return Math.exp(logP) * (logP - logDensity(q, x));
  };

  // The integral of p log(p/q) from -A to A, in nats: Simpson's rule on panels that grow
  // by half, so that it sees a slow function on each.
  function cutOff(p, q, A) {
    const f = integrand(p, q), edges = [0];
    for (let edge = 0.5; edge < A; edge *= 1.5) edges.push(edge);
    edges.push(A);
    let sum = 0;
    for (const side of [-1, 1])
      for (let k = 1; k < edges.length; k++) {
        const width = (edges[k] - edges[k - 1]) / PANEL_POINTS;
        for (let i = 0; i <= PANEL_POINTS; i++) {
          const weight = i === 0 || i === PANEL_POINTS ? 1 : i % 2 ? 4 : 2;
          sum += (weight * width * f(side * (edges[k - 1] + i * width))) / 3;
        }
      }
    return sum;
  }

  // KL(p || q) in nats: infinite where p has the tails of t and q is normal; of two t's in
  // closed form, as their tails carry nats beyond any limit.
  function divergence(p, q) {
    if (p.family === "t" && q.family === "normal") return Infinity;
    if (p.family === "normal" || q.family === "normal") return cutOff(p, q, LIMIT);
    const sum = (p.spread + q.spread) ** 2, apart = (p.centre - q.centre) ** 2;
    return Math.log((sum + apart) / (4 * p.spread * q.spread));
  }

  // Nats that the integral of t against normal gains at last for each unit of its limits:
  // both tails are p.spread / (pi x^2) times x^2 / (2 q.spread^2).
  const gainOf = (p, q) => p.spread / (Math.PI * q.spread ** 2);

  function piece(root) {
    const { h, slider, choice, status, eachFrame } = Explorer.widgets;
    const words = Explorer.text.kl;
    const start = () => [{ family: "normal", centre: 0, spread: 1 }, { family: "normal", centre: 2, spread: 1 }];
    let pair = start(), forward = true, A = 10;
    const density = Explorer.plot.plot({ x: [-8, 8], y: [-0.4, 1.2], yTicks: [-0.4, 0, 1.2], ticks: [-8, -4, 0, 4, 8].map((v) => [v, v]),
      xLabel: words.x, yLabel: words.density, label: words.densityPlot });
    const growth = Explorer.plot.plot({ x: [0, 4], y: [-1, TOP], yTicks: [0, TOP], ticks: [[0, "1"], [1, "10"], [2, "100"], [3, "1,000"], [3.9, "10,000"]],
      xLabel: words.limit, yLabel: words.nats, label: words.growthPlot });
    const numbers = h("p", { class: "ex-numbers" }), said = status();

    const draw = eachFrame(() => {
      const [p, q] = forward ? pair : [...pair].reverse();
      const grid = Array.from({ length: 321 }, (_, i) => -8 + i / 20);
      density.clear();
      density.area(grid.map((x) => [x, integrand(p, q)(x)]), "area");
      density.line([[-8, 0], [8, 0]], "axis");
      pair.forEach((d, i) => {
        density.line(grid.map((x) => [x, Math.exp(logDensity(d, x))]), i ? "second" : "first");
        const top = Math.min(1.15, Math.exp(logDensity(d, d.centre)));
        density.dot([d.centre, top], "handle", 9).setAttribute("data-which", i);
      });
      growth.clear();
      const curve = Array.from({ length: 41 }, (_, i) => [i / 10, cutOff(p, q, 10 ** (i / 10))]);
      const within = curve.filter(([, nats]) => nats <= TOP).length;
      growth.line(curve.slice(0, within + 1), "first");
      if (within < curve.length)
        growth.word([curve[within][0] + (within > 20 ? -0.1 : 0.1), TOP - 1], words.leaves, within > 20 ? "end" : "start");
      if (cutOff(p, q, A) <= TOP) growth.dot([Math.log10(A), cutOff(p, q, A)], "handle", 6);
      const names = forward ? ["p", "q"] : ["q", "p"];
      numbers.textContent = words.numbers(names, divergence(p, q), divergence(q, p), A, cutOff(p, q, A));
      said.say(words.said(names, divergence(p, q), gainOf(p, q)));
    });

    const controls = ["p", "q"].map((name, i) => {
      const change = (key) => (value) => { pair[i] = { ...pair[i], [key]: value }; draw(); };
      return {
        family: choice(words.family(name), Object.entries(words.families), pair[i].family, change("family")),
        centre: slider({ label: words.centre(name), min: -5, max: 5, step: 0.1, value: pair[i].centre, format: (v) => v.toFixed(1), move: change("centre") }),
        spread: slider({ label: words.spread(name), min: 0.3, max: 4, step: 0.1, value: pair[i].spread, format: (v) => v.toFixed(1), move: change("spread") }),
      };
    });
    const put = (next) => {
      pair = next;
      controls.forEach((c, i) => { c.family.select.value = pair[i].family; c.centre.set(pair[i].centre); c.spread.set(pair[i].spread); });
      draw();
    };
    const turn = choice(words.direction, [["pq", "KL(p ‖ q)"], ["qp", "KL(q ‖ p)"]], "pq", (v) => { forward = v === "pq"; draw(); });
    const limit = slider({ label: words.limit, min: 0, max: 4, step: 0.05, value: 1, format: (v) => words.upTo(10 ** v), move: (v) => { A = 10 ** v; draw(); } });

    // Handles on the curves can be dragged; the sliders do the same by keys.
    let dragged = null;
    density.element.addEventListener("pointerdown", (event) => {
      if (!event.target.dataset.which) return;
      dragged = Number(event.target.dataset.which);
      density.element.setPointerCapture(event.pointerId);
    });
    density.element.addEventListener("pointermove", (event) => {
      if (dragged === null) return;
      const centre = Math.round(10 * Math.max(-5, Math.min(5, density.at(event)))) / 10;
      pair[dragged] = { ...pair[dragged], centre };
      controls[dragged].centre.set(centre);
      draw();
    });
    for (const end of ["pointerup", "pointercancel"]) density.element.addEventListener(end, () => { dragged = null; });

    root.append(h("p", {}, words.what),
      h("div", { class: "ex-bar" }, turn.element,
        h("button", { type: "button", onclick: () => { put(start()); } }, words.reset),
        h("button", { type: "button", onclick: () => { turn.select.value = "pq"; forward = true; put([{ family: "t", centre: 0, spread: 1 }, { family: "normal", centre: 0, spread: 1 }]); } }, words.cauchy)),
      h("div", { class: "ex-two" }, density.element, growth.element),
      numbers, said.element,
      h("div", { class: "ex-two" }, controls.map((c) => h("div", {}, c.family.element, c.centre.element, c.spread.element))),
      limit.element);
    draw();
  }

  Explorer.kl = { cutOff, divergence };
  Explorer.pieces = { ...Explorer.pieces, kl: piece };
})((globalThis.Explorer = globalThis.Explorer || {}));
