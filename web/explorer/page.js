// The page: factors that draw a sprite, and one or two models that encode it.
"use strict";
(function (Explorer) {
  const { text, sprites, models, reader } = Explorer;
  const { h, slider, choice, picture, status, eachFrame } = Explorer.widgets;
  const START = [2, 4, 5, 12, 18];  // a heart
  const VALUE = (k, c) => reader.values([0, 1, 2, 3, 4].map((i) => (i === k ? c : 0)))[k];

  // {model, with, factors, codes: [..., ...]} of a link, as far as it makes sense.
  function fromLink() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const factors = (asked.get("factors") || "").split(".").map(Number);
    const sound = factors.length === 5 &&
      factors.every((c, k) => Number.isInteger(c) && c >= 0 && c < sprites.FACTORS[k].size);
    const codes = ["code", "code2"].map((name) => asked.has(name) && asked.get(name).split(",").map(Number));
    return { ids: [asked.get("model") || "", asked.get("with") || ""], factors: sound ? factors : [...START], codes };
  }

  const captioned = (view, caption) => h("figure", {}, view, h("figcaption", {}, caption));

  function page(root) {
    const said = status(), sprite = picture(text.page.image);
    const panels = [null, null], since = [null, null], ids = ["", ""];  // asked for
    const there = ["", ""];  // in place
    const places = h("div", { class: "ex-panels" }), strip = h("div", { class: "ex-pictures" });
    const alert = h("p", { class: "ex-alert", role: "alert" });
    let factors = [...START], held = null, image, catalogue = [], mine = null;

    const link = () => {
      const state = new URLSearchParams({ model: ids[0], with: ids[1], factors: factors.join(".") });
      panels.forEach((p, i) => {
        // A code is nothing without its model: no link opens the reader's own file.
        if (p && ids[i] && p.state.edited) state.set(i ? "code2" : "code", Array.from(p.state.z, (v) => v.toFixed(2)));
      });
      return `#${state}`;
    };
    // The address bar keeps up, but not at every frame: browsers limit that; and not
    // before a control was used, as the address may name a section of the page.
    let remembering, used = false;
    const remember = () => {
      if (!used) return;
      clearTimeout(remembering);
      remembering = setTimeout(() => history.replaceState(null, "", link()), 300);
    };

    function draw() {
      image = sprites.render(factors);
      sprite.paint(image);
      const counts = panels.map((p, i) => {
        if (!p) return "";
        const answered = p.show(factors, image, since[i]);
        const line = text.said.answered(answered.map(text.dimension), p.state.z.length);
        return panels[1] && panels[0] ? text.said.inModel(p.facts.title, line) : line;
      }).filter(Boolean);
      if (held !== null && held.from !== factors[held.k])
        said.say(text.said.factor(text.factors.change[held.k](VALUE(held.k, held.from), VALUE(held.k, factors[held.k])), counts));
      remember();
    }
    const redraw = eachFrame(draw);

    // Taking hold of a factor: changes are counted from here.
    function hold(k) {
      if (held && held.k === k) return;
      held = { k, from: factors[k] };
      panels.forEach((p, i) => { since[i] = p && Float32Array.from(p.state.posterior.mu); });
      root.dataset.factor = k;
    }

    const sliders = sprites.FACTORS.map(({ size }, k) => slider({
      label: text.factors.labels[k], min: 0, max: size - 1, step: 1, value: factors[k],
      format: (c) => text.factors.value[k](VALUE(k, c)),
      hold: () => hold(k),
      move: (c) => { hold(k); factors = factors.map((old, i) => (i === k ? c : old)); redraw(); },
    }));

    function setFactors(classes) {
      factors = [...classes];
      held = null;
      since.fill(null);
      delete root.dataset.factor;
      sliders.forEach((s, k) => s.set(factors[k]));
    }

    // Put a model in place i (null: none), at the present sprite.
    function put(i, model, codes) {
      const panel = model && Explorer.panel(model, (message, from) => {
        held = null;
        delete root.dataset.factor;
        panels.forEach((p) => p && p !== from && p.mark([]));  // they answered what was said before
        said.say(panels[0] && panels[1] ? text.said.inModel(from.facts.title, message) : message);
        remember();
      });
      panels[i]?.leave();
      panels[i] = panel;
      held = null;
      since.fill(null);
      const shown = panels.filter(Boolean);
      places.replaceChildren(...shown.map((p) => p.element));
      strip.replaceChildren(captioned(sprite.canvas, text.page.image),
        ...shown.map((p) => captioned(p.view, text.page.decodedBy(p.facts.title))));
      if (!panel) { remember(); return; }
      image = sprites.render(factors);
      panel.show(factors, image);
      panel.begin();
      if (codes) panel.restore(codes);
      remember();
    }

    // Beside a new model in place i, a code that was moved before is no comparison.
    function fresh(i) {
      if (panels[1 - i]) panels[1 - i].show(factors, image);
      remember();
    }

    // Whether the model is there: not if it cannot be loaded, which leaves the one before
    // it in place, or if another was chosen meanwhile.
    async function choose(i, id, codes) {
      alert.textContent = "";
      ids[i] = id;
      try {
        const model = id ? await models.load(id) : i === 0 ? mine : null;
        if (ids[i] !== id) return false;
        put(i, model, codes);
        there[i] = id;
        return true;
      } catch (error) {
        alert.textContent = error.message;
        if (ids[i] === id) selects[i].select.value = ids[i] = there[i];
        return false;
      }
    }

    async function openFile(file) {
      alert.textContent = "";
      try {
        const model = mine = models.open(await file.arrayBuffer(), file.name);
        ids[0] = there[0] = "";
        own.textContent = file.name;
        if (!own.isConnected) selects[0].select.prepend(own);
        selects[0].select.value = "";
        put(0, model);
        fresh(0);
        said.say(text.page.opened(file.name, model.network.D));
      } catch (error) {
        alert.textContent = error.message;
      }
    }

    const file = h("input", {
      type: "file", id: "ex-file", accept: ".safetensors",
      onchange: () => { if (file.files[0]) openFile(file.files[0]); file.value = ""; },
    });
    const copy = h("button", { type: "button", onclick: async () => {
      history.replaceState(null, "", link());
      // There is no clipboard on plain http, and the browser may refuse.
      const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
      const parts = [copied ? text.page.copied : text.page.linked, mine && !ids[0] ? text.page.withoutFile : ""];
      said.say(parts.filter(Boolean).join(" "));
    } }, text.page.copy);
    const reset = h("button", { type: "button", onclick: () => {
      setFactors(START);
      redraw();
      first().forEach((id, i) => { selects[i].select.value = id; choose(i, id); });
      said.say(text.page.wasReset);
    } }, text.page.reset);
    const first = () => [catalogue.length ? (catalogue.find(({ start }) => start) || catalogue[0]).id : "", ""];
    let selects = [];
    const own = h("option", { value: "" });  // the name of the reader's file, once there is one

    // What went wrong is past once the reader goes on. Before the control's own listener,
    // which may have something new to tell.
    for (const kind of ["input", "click"])
      root.addEventListener(kind, (event) => {
        used = true;
        if (event.target.matches("button, input[type=range]")) alert.textContent = "";
      }, true);
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      used = true;
      if (event.dataTransfer.files[0]) openFile(event.dataTransfer.files[0]);
    });

    const known = (id) => catalogue.some((entry) => entry.id === id);

    // The models that a link asks for, or the first one; the reader's own file stays.
    const modelsOf = ({ ids: [id, second] }) =>
      [known(id) || (mine && !id) ? id : first()[0], known(second) ? second : ""];

    // Show what a link asks for.
    async function follow(asked) {
      setFactors(asked.factors);
      draw();  // at once: a later frame would put the codes of the link back to the means
      await Promise.all(modelsOf(asked).map((id, i) => {
        selects[i].select.value = id;
        return choose(i, id, id && id === asked.ids[i] && asked.codes[i]);
      }));
    }

    async function begin() {
      catalogue = await models.catalogue();
      const asked = fromLink(), start = modelsOf(asked);
      const options = catalogue.map(({ id, title }) => [id, title]);
      selects = [text.page.model, text.page.second].map((label, i) =>
        choice(label, i ? [["", text.page.none], ...options] : options, start[i], (id) => choose(i, id).then((done) => {
          if (done) fresh(i);
          if (done && id) said.say(text.page.chosen(panels[i].facts.title));
        })));
      strip.append(captioned(sprite.canvas, text.page.image));  // before any model is read
      root.replaceChildren(
        h("div", { class: "ex-bar" }, selects.map((s) => s.element),
          h("div", { class: "ex-choice" }, h("label", { for: "ex-file", class: "ex-button" }, text.page.open), file),
          reset),
        h("p", { class: "ex-note" }, text.page.openHelp), alert,
        h("div", { class: "ex-top" }, strip, said.element),
        h("h3", {}, text.page.factors), h("p", {}, text.page.factorsHelp),
        h("p", { class: "ex-note" }, text.said.answerRule),
        h("div", { class: "ex-factors" }, sliders.map((s) => s.element)),
        h("h3", {}, text.page.codes), h("p", {}, text.page.codesHelp),
        h("p", { class: "ex-note" }, text.said.readRule),
        places,
        h("div", { class: "ex-bar" }, copy));
      said.say(catalogue.length ? text.page.start : text.page.noModels);
      // A link that is put over this page's own address: the browser loads nothing anew.
      window.addEventListener("hashchange", () => {
        if (!new URLSearchParams(location.hash.slice(1)).has("factors")) return;
        said.say(text.page.start);
        follow(fromLink());
      });
      await follow(asked);
      root.dataset.ready = "true";
    }
    begin();
  }

  Explorer.pieces = { ...Explorer.pieces, page };
})((globalThis.Explorer = globalThis.Explorer || {}));
