// A small plot: axes in SVG, and marks on them in the units of the data.
"use strict";
(function (Explorer) {
  const { h } = Explorer.widgets;
  const LEFT = 46, RIGHT = 10, TOP = 12, BOTTOM = 38;

  // A plot of `x` and `y` [low, high]; `label` says what is to be seen. `ticks` are pairs
  // [value, shown], `yTicks` values.
  function plot({ x, y, xLabel, yLabel, label, width = 420, height = 230,
    ticks = x.map((v) => [v, v]), yTicks = y }) {
    const px = (v) => LEFT + ((v - x[0]) / (x[1] - x[0])) * (width - LEFT - RIGHT);
    const py = (v) => height - BOTTOM - ((v - y[0]) / (y[1] - y[0])) * (height - TOP - BOTTOM);
    const fit = (v, low, high) => Math.max(low, Math.min(high, v));
    const marks = h("g");
    const word = (at, to, shown, anchor, more = {}) =>
      h("text", { x: at, y: to, "text-anchor": anchor, ...more }, String(shown).replace(/^-/, "−"));
    const element = h("svg", { viewBox: `0 0 ${width} ${height}`, class: "ex-plot", role: "img", "aria-label": label },
      h("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: height - BOTTOM, y2: height - BOTTOM }),
      h("line", { class: "axis", x1: LEFT, x2: LEFT, y1: TOP, y2: height - BOTTOM }),
      ticks.map(([at, shown]) =>
        word(Math.min(px(at), width - 4 * String(shown).length), height - BOTTOM + 15, shown, "middle")),
      yTicks.map((v) => word(LEFT - 5, py(v) + 4, v, "end")),
      word((LEFT + width - RIGHT) / 2, height - 6, xLabel, "middle"),
      word(12, (TOP + height - BOTTOM) / 2, yLabel, "middle",
        { transform: `rotate(-90 12 ${(TOP + height - BOTTOM) / 2})` }),
      marks);
    const put = (mark) => { marks.append(mark); return mark; };
    const path = (points) => points.map(([a, b], i) =>
      `${i ? "L" : "M"}${px(a).toFixed(1)} ${py(fit(b, ...y)).toFixed(1)}`).join("");
    return {
      element,
      clear: () => marks.replaceChildren(),
      line: (points, name) => put(h("path", { d: path(points), class: name })),
      area: (points, name) => put(h("path", {
        d: path([[points[0][0], 0], ...points, [points.at(-1)[0], 0]]) + "Z", class: name })),
      dot: ([a, b], name, r = 2.5) => put(h("circle", { cx: px(a), cy: py(b), r, class: name })),
      bar: (from, to, low, high, name) => put(h("rect", { x: px(from), width: px(to) - px(from),
        y: py(fit(high, ...y)), height: Math.max(0, py(low) - py(fit(high, ...y))), class: name })),
      word: ([a, b], shown, anchor = "start") => put(word(px(a), py(b), shown, anchor)),
      // The place on the horizontal axis of a pointer's event.
      at: (event) => {
        const box = element.getBoundingClientRect();
        const across = ((event.clientX - box.left) / box.width) * width;
        return x[0] + ((across - LEFT) / (width - LEFT - RIGHT)) * (x[1] - x[0]);
      },
    };
  }

  // Uniform numbers in (0, 1) from a seed (mulberry32), and standard normal ones of them.
  function uniform(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
  }

  function normal(seed) {
    const next = uniform(seed);
    return () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  }

  Explorer.plot = { plot, uniform, normal };
})((globalThis.Explorer = globalThis.Explorer || {}));
