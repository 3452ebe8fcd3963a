// One model: its picture, its dimensions as rows, its scores.
"use strict";
(function (Explorer) {
  const { text, network, reader } = Explorer;
  const { h, slider, picture, eachFrame, still } = Explorer.widgets;
  const IDLE = 0.1;  // nats below which a dimension is folded away
  const REACH = 2, PERIOD = 4000, FRAMES = 9;  // of a traversal: codes, milliseconds, pictures

  // The squares of one row of a Hinton diagram: their area is the importance.
  function squares(importances) {
    const names = text.factors.short, cell = 36;
    const row = h("svg", {
      class: "ex-hinton", role: "img", viewBox: `0 0 ${cell * names.length} ${cell}`,
      "aria-label": text.panel.importance(importances, names),
    });
    importances.forEach((value, k) => {
      const side = 0.9 * cell * Math.sqrt(Math.min(value, 1));
      row.append(h("rect", {
        x: (k + 0.5) * cell - side / 2, y: (cell - side) / 2, width: side, height: side,
        "data-factor": k,
      }));
    });
    return row;
  }

  function scoreTable(scores) {
    const cells = (tag, row) => row.map((v, i) =>
      h(i ? tag : "th", { scope: tag === "th" ? "col" : i ? null : "row" }, v));
    const number = (v) => (v == null ? "–" : v.toFixed(2));
    return h("table", {}, h("caption", { class: "ex-hidden" }, text.panel.scores),
      h("thead", {}, h("tr", {}, cells("th", text.panel.scoreHeads))),
      h("tbody", {}, scores.map(([name, value, excess]) =>
        h("tr", {}, cells("td", [name, number(value), excess == null ? "–" : text.signed(excess, 2)])))));
  }

  // A panel that shows `model` and reports `moved(message)` when the reader moves a code.
  function panel(model, moved) {
    const { facts, network: net } = model;
    const decoded = picture(`${facts.title}: ${text.page.picture}`);
    const state = { z: new Float32Array(net.D), edited: false, posterior: null, factors: null };
    let held = null, playing = null, reading;
    const rows = Array.from({ length: net.D }, (_, d) => row(d));
    // The whole code at a glance, beside the picture: a bar from mean - sigma to mean + sigma.
    const bars = Array.from({ length: net.D }, () => h("rect", { width: 8 }));
    const glance = h("svg", { class: "ex-bars", viewBox: `0 0 ${10 * net.D} 60`, preserveAspectRatio: "none", "aria-hidden": "true" },
      h("line", { class: "axis", x1: 0, x2: 10 * net.D, y1: 30, y2: 30 }), bars);
    const names = h("div", { class: "ex-names", "aria-hidden": "true" }, bars.map(() => h("span")));
    const list = h("div", { class: "ex-rows" });
    const idle = h("details", { class: "ex-idle" }, h("summary"), h("div", {}));
    const note = h("p", { class: "ex-note" });
    const back = h("button", { type: "button", disabled: true, onclick: () => { show(state.factors, state.image); moved(text.panel.wasBack, panelOf); } }, text.panel.back);

    // The row of one dimension: name, KL, importances, slider over a band, traverse button.
    function row(d) {
      const kl = h("span", { class: "ex-kl" });
      const band = h("span", { class: "ex-band" });
      const code = slider({
        label: text.dimension(d), min: -3, max: 3, step: 0.05, value: 0, format: text.code,
        hold: () => hold(d), move: (value) => { stop(); set(d, value); },
      });
      code.input.before(band);
      const play = h("button", { type: "button", class: "ex-play", "aria-label": text.panel.play(d), onclick: () => traverse(d) }, "▶");
      const film = h("div", { class: "ex-film" });
      const label = facts.labels && facts.labels[d];
      const element = h("div", { class: "ex-row", "data-dimension": d },
        code.element, play,
        h("div", { class: "ex-about" }, kl,
          facts.importances ? squares(facts.importances[d]) : "",
          label ? h("span", { class: "ex-reads" }, text.panel.reads(label)) : ""),
        film);
      return { element, code, band, kl, play, film };
    }

    const tell = (kl) => rows.forEach((r, d) => { r.kl.textContent = text.nats(kl[d]); });

    // Rows by KL, those that carry nothing folded away.
    function arrange(kl) {
      const order = [...kl.keys()].sort((a, b) => kl[b] - kl[a]);
      const active = order.filter((d) => kl[d] >= IDLE), rest = order.filter((d) => kl[d] < IDLE);
      tell(kl);
      list.replaceChildren(...active.map((d) => rows[d].element));
      idle.hidden = !rest.length;
      idle.firstChild.textContent = text.panel.idle(rest.length);
      idle.lastChild.replaceChildren(...rest.map((d) => rows[d].element));
      order.forEach((d, i) => { bars[d].setAttribute("x", 10 * i + 1); bars[d].classList.toggle("ex-off", kl[d] < IDLE); names.children[i].textContent = d; });
    }

    const draw = eachFrame(() => { state.picture = network.decode(net, state.z); decoded.paint(state.picture); });

    function place(d) {
      const { code, band } = rows[d], { mu, sigma } = state.posterior;
      const reach = Math.max(3, Math.ceil(Math.abs(state.z[d])), Math.ceil(Math.abs(mu[d])));
      code.input.min = -reach; code.input.max = reach;
      code.set(state.z[d]);
      // From -reach to reach, less the 8 pixels at both ends that the thumb's middle never reaches.
      const inset = (v) => `calc(8px + (100% - 16px) * ${(1 + Math.max(-1, Math.min(1, v / reach))) / 2})`;
      band.style.left = inset(mu[d] - sigma[d]);
      band.style.right = inset(-mu[d] - sigma[d]);
      code.input.title = text.panel.band(mu[d], sigma[d]);
      const top = Math.max(-3, Math.min(3, mu[d] + sigma[d])), low = Math.max(-3, Math.min(3, mu[d] - sigma[d]));
      bars[d].setAttribute("y", 30 - 10 * top);
      bars[d].setAttribute("height", Math.max(1, 10 * (top - low)));
    }

    // Show the sprite `image` of the classes `factors`; returns which dimensions answered
    // since the means `since`.
    function show(factors, image, since) {
      stop();
      clearTimeout(reading);
      const posterior = network.encode(net, image), { mu, sigma } = posterior;
      const answered = Array.from(mu.keys()).filter((d) => since && Math.abs(mu[d] - since[d]) > sigma[d]);
      Object.assign(state, { factors, image, posterior, z: Float32Array.from(mu), edited: false });
      noFilms();
      rows.forEach((_, d) => place(d));
      mark(answered);
      back.disabled = true;
      held = null;
      draw();
      return answered;
    }

    const mark = (dimensions) => rows.forEach((r, d) => {
      r.element.classList.toggle("ex-answered", dimensions.includes(d));
      bars[d].classList.toggle("ex-answered", dimensions.includes(d));
    });

    // Taking hold of a dimension: changes are counted from here, and not from a moment of
    // what plays.
    function hold(d) {
      if (held && held.d === d) return;
      const z = Float32Array.from(state.z);
      if (playing) z[playing.d] = playing.z;
      held = { d, value: z[d], z };
    }

    // Pictures of a traversal are of the codes that were there.
    const noFilms = () => rows.forEach((r) => r.film.replaceChildren());

    function set(d, value) {
      noFilms();
      if (!held || held.d !== d) hold(d);
      state.z[d] = value;
      state.edited = true;
      back.disabled = false;
      place(d);
      mark([d]);
      draw();
      clearTimeout(reading);
      reading = setTimeout(() => {
        const from = held;
        from.read = from.read || reader.read(network.decode(net, from.z), state.factors);
        const now = reader.read(network.decode(net, state.z), from.read);
        const said = reader.changes(from.read, now).map(({ factor, from: a, to }) => text.factors.change[factor](a, to));
        moved(text.said.dimension(d, state.z[d] - held.value, said), panelOf);
      }, 120);
    }

    function stop() {
      if (!playing) return;
      cancelAnimationFrame(playing.frame);
      const { d, z } = playing;
      playing = null;
      state.z[d] = z;
      place(d);
      rows[d].play.textContent = "▶";
      rows[d].play.setAttribute("aria-label", text.panel.play(d));
      draw();
    }

    // Play dimension d around its mean; where motion is not wanted, nine pictures.
    function traverse(d) {
      const again = playing && playing.d === d;
      stop();
      if (again) { moved(text.panel.played(d), panelOf); return; }
      mark([d]);
      if (still()) { film(d); return; }
      const start = performance.now(), z = state.z[d];
      playing = { d, z };
      rows[d].play.textContent = "■";
      rows[d].play.setAttribute("aria-label", text.panel.stop);
      moved(text.panel.playing(d), panelOf);
      const step = (now) => {
        if (now - start > PERIOD) { stop(); moved(text.panel.played(d), panelOf); return; }
        state.z[d] = state.posterior.mu[d] + REACH * Math.sin((2 * Math.PI * (now - start)) / PERIOD);
        place(d);
        draw();
        playing.frame = requestAnimationFrame(step);
      };
      playing.frame = requestAnimationFrame(step);
    }

    function film(d) {
      const pictures = Array.from({ length: FRAMES }, (_, i) => {
        const z = Float32Array.from(state.z), tile = picture("", "ex-tile");
        z[d] = state.posterior.mu[d] + REACH * ((2 * i) / (FRAMES - 1) - 1);
        tile.paint(network.decode(net, z));
        tile.canvas.setAttribute("aria-hidden", "true");
        return tile.canvas;
      });
      rows[d].film.replaceChildren(...pictures);
      moved(text.panel.film(d), panelOf);
    }

    // KL of a model that came without: over random sprites, a few at a time. Rows move at
    // the first and the last of them alone, since a slider that moves is let go.
    function measure(images, sum = new Array(net.D).fill(0), done = 0) {
      const first = !done;
      for (let i = 0; i < 4; i++, done++)
        network.kl(network.encode(net, Explorer.sprites.random())).forEach((v, d) => { sum[d] += v; });
      const kl = sum.map((v) => v / done), inHand = document.activeElement;
      if (first || done >= images) {
        arrange(kl);
        if (element.contains(inHand)) inHand.focus({ preventScroll: true });
      } else tell(kl);
      note.textContent = text.panel.klNote(done);
      if (done < images && element.isConnected) setTimeout(() => measure(images, sum, done));
    }

    const heads = text.factors.short.map((name) => h("span", {}, name));
    const element = h("section", { class: "ex-panel", "aria-label": facts.title },
      h("h4", {}, facts.title),
      h("div", { class: "ex-bar" }, facts.step ? h("span", { class: "ex-note" }, text.panel.step(facts.step)) : "", back),
      facts.importances ? h("div", { class: "ex-heads", "aria-hidden": "true" },
        h("span", {}, text.panel.heads[0]), h("div", {}, h("span", { class: "ex-over" }, text.panel.heads[1]), heads)) : "",
      list, idle, note,
      facts.scores ? h("details", { class: "ex-scores" }, h("summary", {}, text.panel.scores), scoreTable(facts.scores),
        h("p", { class: "ex-note" }, text.panel.scoresNote,
          facts.scores.some(([, , excess]) => excess == null) ? ` ${text.panel.noExcess}` : "")) : h("p", { class: "ex-note" }, text.panel.noScores));

    // Codes of an earlier state, as a link holds them.
    function restore(codes) {
      if (codes.length !== net.D || !codes.every(Number.isFinite)) return;
      state.z = Float32Array.from(codes);
      Object.assign(state, { edited: true });
      back.disabled = false;
      rows.forEach((_, d) => place(d));
      draw();
    }

    // For another in its place: nothing plays on, and nothing is said any more.
    const leave = () => { stop(); clearTimeout(reading); };

    const panelOf = { element, leave, state, view: h("div", { style: `--bars: ${net.D}` }, decoded.canvas, glance, names), facts, show, restore, mark, begin: () => (facts.kl ? arrange(facts.kl) : measure(96)) };
    return panelOf;
  }

  Explorer.panel = panel;
})((globalThis.Explorer = globalThis.Explorer || {}));
