// Brings a piece into a page: <div data-explorer="kl"> … </div> and, once below all of
// them, this script. What stands in the element is for readers without JavaScript and for
// print. Classic scripts, since modules are not loaded from a page on disk.
"use strict";
(function () {
  const MODELS = ["sprites", "network", "weights", "safetensors", "models", "reader", "panel"];
  const FILES = {
    page: [...MODELS, "page"],
    kl: ["plot", "kl"],
    gradients: ["plot", "gradients"],
    linear: ["plot", "linear"],
    rotation: ["plot", "rotation"],
  };
  const base = new URL(".", document.currentScript.src);
  const places = [...document.querySelectorAll("[data-explorer]")];
  const names = new Set(["text", "widgets", ...places.flatMap((p) => FILES[p.dataset.explorer])]);
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("explorer.css", base);
  document.head.append(style);
  const loads = [...names].map((name) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = false;  // run in this order
    script.onload = resolve;
    script.onerror = reject;
    script.src = new URL(`${name}.js`, base);
    document.head.append(script);
  }));
  Promise.all(loads).then(() => {
    for (const place of places) {
      const root = document.createElement("div");
      root.className = "ex-piece";
      place.classList.add("ex-static");
      place.before(root);
      globalThis.Explorer.pieces[place.dataset.explorer](root);
    }
  });
})();
