// Models: those of the book, each a script that is loaded when it is chosen, and the
// reader's own.
"use strict";
(function (Explorer) {
  const { text, weights, safetensors } = Explorer;
  const loaded = new Map();
  const here = globalThis.document && document.currentScript;
  const folder = here ? new URL("models/", here.src).href : "";

  // Called by the script of a model.
  Explorer.addModel = (content) => {
    const { layout, weights: _, ...facts } = content;
    loaded.set(facts.id, weights.unpacked(content).then((tensors) =>
      ({ facts, network: weights.networkOf(tensors) })));
  };

  function script(name) {
    return new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.onload = () => resolve();
      element.onerror = () => reject(new Error(text.page.notLoaded(name)));
      element.src = `${folder}${name}.js`;
      document.head.append(element);
    });
  }

  // The entries {id, title} of models/catalogue.js; none where there is no such file.
  const catalogue = () =>
    script("catalogue").then(() => Explorer.catalogue || [], () => []);

  async function load(id) {
    if (!loaded.has(id)) await script(id);
    if (!loaded.has(id)) throw new Error(text.page.notLoaded(id));
    return loaded.get(id);
  }

  // The model in the bytes of a model.safetensors; throws an Error of one line.
  function open(buffer, name) {
    const { tensors, facts } = safetensors.parse(buffer);
    const network = weights.networkOf(tensors);
    const step = Number.isSafeInteger(facts.step) ? facts.step : undefined;
    return { facts: { title: text.panel.own(name, network.D), step }, network };
  }

  Explorer.models = { catalogue, load, open };
})((globalThis.Explorer = globalThis.Explorer || {}));
