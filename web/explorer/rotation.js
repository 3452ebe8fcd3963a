// The piece of the chapter on scores: a perfect code of two factors, rotated, and what the
// scores make of it. Definitions as in disentlib/metrics, over all images of the grid.
"use strict";
(function (Explorer) {
  // 18 classes: of no rotation do the codes lie on the edges of the bins.
  const SIZE = 18, BINS = 20;
  const VOTES = { train: 600, test: 300, batch: 16 };

  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const mean = (values) => sum(values) / values.length;
  const variance = (values) => { const m = mean(values); return mean(values.map((v) => (v - m) ** 2)); };
  const entropy = (counts) => {
    const total = sum(counts);
    return -sum(counts.map((c) => (c ? (c / total) * Math.log(c / total) : 0)));
  };

  // Classes [a, b] of each image, and the two dimensions of the code turned by `angle`.
  function codes(angle, size = SIZE) {
    const classes = Array.from({ length: size * size }, (_, i) => [Math.floor(i / size), i % size]);
    const middle = (size - 1) / 2, scale = Math.sqrt((size * size - 1) / 12);
    const unit = classes.map((row) => row.map((c) => (c - middle) / scale));
    const cos = Math.cos(angle), sin = Math.sin(angle);
    const columns = [unit.map(([u, v]) => u * cos - v * sin), unit.map(([u, v]) => u * sin + v * cos)];
    return { classes, columns, size };
  }

  // Mutual information [dimension][factor] in nats, each dimension cut into equal bins.
  function information({ classes, columns, size }) {
    return columns.map((column) => {
      const low = Math.min(...column), width = (Math.max(...column) - low) / BINS;
      const edges = Array.from({ length: BINS - 1 }, (_, i) => low + (i + 1) * width);
      const cells = column.map((v) => edges.filter((e) => e <= v).length);
      return [0, 1].map((k) => {
        const cell = new Array(BINS).fill(0), label = new Array(size).fill(0), joint = new Array(BINS * size).fill(0);
        cells.forEach((c, i) => { cell[c]++; label[classes[i][k]]++; joint[c * size + classes[i][k]]++; });
        return Math.max(0, entropy(cell) + entropy(label) - entropy(joint));
      });
    });
  }

  // The mean over factors of the gap between the best and the second best dimension.
  const gap = (table, unit) => mean([0, 1].map((k) => Math.abs(table[0][k] - table[1][k]) / unit));

  const modularity = (table) => mean(table.map((row) => {
    const squares = row.map((v) => v * v), best = Math.max(...squares);
    return best ? 1 - (sum(squares) - best) / best : 0;
  }));

  function correlations({ classes, columns }) {
    return columns.map((z) => [0, 1].map((k) => {
      const v = classes.map((row) => row[k]), mz = mean(z), mv = mean(v);
      const both = mean(z.map((x, i) => (x - mz) * (v[i] - mv)));
      return both ** 2 / (variance(z) * variance(v));
    }));
  }

  function irs({ classes, columns, size }) {
    const largest = (values) => { const m = mean(values); return Math.max(...values.map((v) => Math.abs(v - m))); };
    const weights = columns.map(largest);
    const scores = columns.map((z, d) => Math.max(0, ...[0, 1].map((k) =>
      1 - mean(Array.from({ length: size }, (_, c) => largest(z.filter((_, i) => classes[i][k] === c)))) / weights[d])));
    return sum(scores.map((s, d) => s * weights[d])) / sum(weights);
  }

  // Majority vote from the dimension that varies least to the factor that was held.
  function factorVae({ columns, size }, uniform) {
    const spread = columns.map(variance), table = [[0, 0], [0, 0]], tests = [];
    const draw = (n) => Math.floor(n * uniform());
    for (let point = 0; point < VOTES.train + VOTES.test; point++) {
      const k = draw(2), held = draw(size);
      const rows = Array.from({ length: VOTES.batch }, () => (k ? draw(size) * size + held : held * size + draw(size)));
      const scaled = columns.map((z, d) => variance(rows.map((i) => z[i])) / spread[d]);
      const winner = scaled[0] <= scaled[1] ? 0 : 1;
      if (point < VOTES.train) table[winner][k]++;
      else tests.push([winner, k]);
    }
    return mean(tests.map(([winner, k]) => ((table[winner][1] > table[winner][0] ? 1 : 0) === k ? 1 : 0)));
  }

  // The scores of the code turned by `angle` radians.
  function scores(angle, size = SIZE) {
    const code = codes(angle, size), table = information(code);
    return {
      factorVae: factorVae(code, Explorer.plot.uniform(1)),
      mig: gap(table, Math.log(size)),
      sap: gap(correlations(code), 1),
      modularity: modularity(table),
      irs: irs(code),
    };
  }

  function piece(root) {
    const { h, slider, status, eachFrame } = Explorer.widgets;
    const words = Explorer.text.rotation, names = Object.keys(words.scores);
    let degrees = 0;
    const cloud = Explorer.plot.plot({ x: [-2.6, 2.6], y: [-2.6, 2.6], ticks: [[-2, -2], [0, 0], [2, 2]], yTicks: [-2, 0, 2], xLabel: "z0", yLabel: "z1", label: words.cloudPlot, width: 400, height: 400 });
    const ticks = [0, 15, 30, 45, 60, 75, 90].map((v) => [v, `${v}°`]);
    const curves = Explorer.plot.plot({ x: [0, 90], y: [0, 1], ticks, xLabel: words.angle, yLabel: words.score, label: words.curvePlot, height: 300 });
    const history = Array.from({ length: 31 }, (_, i) => [3 * i, scores((3 * i * Math.PI) / 180)]);
    const cells = names.map(() => h("td")), said = status();
    const draw = eachFrame(() => {
      const angle = (degrees * Math.PI) / 180, { columns, classes } = codes(angle), now = scores(angle);
      cloud.clear();
      columns[0].forEach((u, i) => {
        if (classes[i][1] % 2) return;
        cloud.dot([u, columns[1][i]], classes[i][0] < SIZE / 2 ? "dot-first" : "dot-second", 3 + classes[i][1] / 4);
      });
      curves.clear();
      names.forEach((name, i) => {
        curves.line(history.map(([at, s]) => [at, s[name]]), `score-${i}`);
        curves.dot([degrees, now[name]], "handle", 4);
        cells[i].textContent = now[name].toFixed(2);
      });
      said.say(words.said(degrees, names.map((name) => [words.scores[name], now[name]])));
    });
    const dash = (i) => h("svg", { viewBox: "0 0 36 8", width: 36, height: 8, class: "ex-plot ex-key", "aria-hidden": "true" },
      h("line", { class: `score-${i}`, x1: 0, x2: 36, y1: 4, y2: 4 }));
    root.append(h("p", {}, words.what),
      slider({ label: words.angle, min: 0, max: 90, step: 1, value: 0, format: (v) => `${v}°`, move: (v) => { degrees = v; draw(); } }).element,
      h("div", { class: "ex-two" }, cloud.element, h("div", {}, curves.element,
        h("table", { class: "ex-numbers" }, h("caption", { class: "ex-hidden" }, words.table), h("tbody", {}, names.map((name, i) => h("tr", {}, h("td", {}, dash(i)), h("th", { scope: "row" }, words.scores[name]), cells[i])))))),
      said.element);
    draw();
  }

  Explorer.rotation = { scores };
  Explorer.pieces = { ...Explorer.pieces, rotation: piece };
})((globalThis.Explorer = globalThis.Explorer || {}));
