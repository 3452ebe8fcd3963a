// Elements, sliders, pictures and spoken messages.
"use strict";
(function (Explorer) {
  const SVG = "http://www.w3.org/2000/svg";
  const DRAWN = new Set(["svg", "rect", "line", "path", "circle", "text", "g"]);

  // An element with attributes, listeners ("oninput": function) and children.
  function h(tag, attributes = {}, ...children) {
    const element = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat());
    return element;
  }

  let count = 0;

  // A labelled range input whose value is shown, and spoken, with its unit. `hold` is
  // called when the reader takes hold of it, before it moves.
  function slider({ label, min, max, step, value, format, move, hold, hidden }) {
    const id = `ex-${++count}`;
    // The input tells its own value; many outputs that speak would drown the sentence.
    const output = h("output", { for: id, class: "ex-value", "aria-live": "off" });
    const input = h("input", {
      id, type: "range", min, max, step, value,
      onfocus: () => hold && hold(), onpointerdown: () => hold && hold(),
      oninput: () => { show(); move(Number(input.value)); },
    });
    function show(value = Number(input.value)) {
      const said = format(value);
      if (output.textContent !== said) output.textContent = said;
      input.setAttribute("aria-valuetext", said);
    }
    const set = (to) => { input.value = to; show(to); };  // which may lie between two steps
    set(value);
    const name = h("label", { for: id, class: hidden ? "ex-hidden" : "ex-label" }, label);
    return { element: h("div", { class: "ex-slider" }, name, h("div", { class: "ex-track" }, input), output), input, set };
  }

  // A choice among options [value, label].
  function choice(label, options, value, change) {
    const id = `ex-${++count}`;
    const select = h("select", { id, onchange: () => change(select.value) },
      options.map(([v, shown]) => h("option", { value: v, selected: v === value }, shown)));
    return { element: h("div", { class: "ex-choice" }, h("label", { for: id }, label), select), select };
  }

  // A canvas of 64 x 64 and a function that paints probabilities on it.
  function picture(label, className = "ex-picture") {
    const canvas = h("canvas", { width: 64, height: 64, class: className, role: "img", "aria-label": label });
    const context = canvas.getContext("2d");
    const data = context.createImageData(64, 64);
    data.data.fill(255);
    const paint = (values) => {
      for (let i = 0; i < values.length; i++) {
        const level = Math.round(255 * values[i]);
        data.data[4 * i] = data.data[4 * i + 1] = data.data[4 * i + 2] = level;
      }
      context.putImageData(data, 0, 0);
    };
    return { canvas, paint };
  }

  // A line that is seen at once and spoken when the reader pauses.
  function status() {
    const seen = h("p", { class: "ex-status", "aria-hidden": "true" });
    const spoken = h("p", { class: "ex-hidden", "aria-live": "polite" });
    let timer;
    const say = (message) => {
      seen.textContent = message;
      clearTimeout(timer);
      timer = setTimeout(() => { spoken.textContent = message; }, 400);
    };
    return { element: h("div", {}, seen, spoken), say };
  }

  // `action`, at most once a frame.
  function eachFrame(action) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; action(); });
    };
  }

  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  Explorer.widgets = { h, slider, choice, picture, status, eachFrame, still };
})((globalThis.Explorer = globalThis.Explorer || {}));
