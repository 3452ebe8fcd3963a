// The forward passes of the networks in disentlib/models/networks.py, written out.
//
// A layer is {kind, inputs, outputs, weight, bias, relu}. Images are (places, channels)
// here, channels last, so that all three kinds are one product, of places (n, inner) and
// the weight (inner, width):
//   dense   inner = inputs,             width = outputs
//   conv    inner = 16 pixels * inputs, width = outputs       (4 x 4, stride 2, padding 1)
//   upconv  inner = inputs,             width = 16 pixels * outputs, then added up
"use strict";
(function (Explorer) {
  const PATCH = 16, STEP = 8;
  const at = new Int32Array(1024 + STEP), by = new Float64Array(1024 + STEP);

  // a (n, inner) times b (inner, width). ReLU leaves many zeros in `a`: the others of a
  // row are gathered, and eight rows of `b` are added at a time.
  function multiply(a, b, n, inner, width) {
    const out = new Float32Array(n * width);
    for (let row = 0; row < n; row++) {
      let count = 0;
      for (let k = 0; k < inner; k++) {
        const value = a[row * inner + k];
        if (value !== 0) { at[count] = k * width; by[count++] = value; }
      }
      for (; count % STEP; count++) { at[count] = 0; by[count] = 0; }
      const to = row * width;
      for (let j = 0; j < count; j += STEP) {
        const a0 = at[j], a1 = at[j + 1], a2 = at[j + 2], a3 = at[j + 3];
        const a4 = at[j + 4], a5 = at[j + 5], a6 = at[j + 6], a7 = at[j + 7];
        const b0 = by[j], b1 = by[j + 1], b2 = by[j + 2], b3 = by[j + 3];
        const b4 = by[j + 4], b5 = by[j + 5], b6 = by[j + 6], b7 = by[j + 7];
        for (let i = 0; i < width; i++)
          out[to + i] += b0 * b[a0 + i] + b1 * b[a1 + i] + b2 * b[a2 + i] + b3 * b[a3 + i] +
            b4 * b[a4 + i] + b5 * b[a5 + i] + b6 * b[a6 + i] + b7 * b[a7 + i];
      }
    }
    return out;
  }

  // Call `visit(pixel, place, i)` for each pixel i of the patch of each place, of an
  // image (side, side), that lies inside.
  function eachPixel(side, visit) {
    const half = side / 2;
    for (let place = 0; place < half * half; place++)
      for (let i = 0; i < PATCH; i++) {
        const y = 2 * Math.floor(place / half) + (i >> 2) - 1;
        const x = 2 * (place % half) + (i & 3) - 1;
        if (y >= 0 && y < side && x >= 0 && x < side) visit(y * side + x, place, i);
      }
  }

  function patchesOf(image, side, channels) {
    const patches = new Float32Array((side * side * PATCH * channels) / 4);
    eachPixel(side, (pixel, place, i) => {
      const to = (place * PATCH + i) * channels, from = pixel * channels;
      for (let c = 0; c < channels; c++) patches[to + c] = image[from + c];
    });
    return patches;
  }

  function addedUp(patches, side, channels) {
    const image = new Float32Array(side * side * channels);
    eachPixel(side, (pixel, place, i) => {
      const from = (place * PATCH + i) * channels, to = pixel * channels;
      for (let c = 0; c < channels; c++) image[to + c] += patches[from + c];
    });
    return image;
  }

  function apply({ kind, inputs, outputs, weight, bias, relu }, input) {
    const places = kind === "dense" ? 1 : input.length / inputs;
    const side = Math.sqrt(places);
    let out;
    if (kind === "conv")
      out = multiply(patchesOf(input, side, inputs), weight, places / 4, PATCH * inputs, outputs);
    else if (kind === "upconv")
      out = addedUp(multiply(input, weight, places, inputs, PATCH * outputs), 2 * side, outputs);
    else out = multiply(input, weight, 1, inputs, outputs);
    for (let i = 0; i < out.length; i++) {
      out[i] += bias[i % outputs];
      if (relu && out[i] < 0) out[i] = 0;
    }
    return out;
  }

  // Mean and standard deviation (D each) of q(z|x) of an image (4096).
  function encode(network, image) {
    const features = network.features.reduce((x, layer) => apply(layer, x), image);
    const sigma = apply(network.logvar, features).map((v) => Math.exp(v / 2));
    return { mu: apply(network.mean, features), sigma };
  }

  // Probabilities (4096) that the pixels are white, of a code (D).
  function decode(network, z) {
    const logits = network.decoder.reduce((x, layer) => apply(layer, x), z);
    return logits.map((v) => 1 / (1 + Math.exp(-v)));
  }

  // KL(N(mu, sigma^2) || N(0, 1)) of each dimension in nats.
  const kl = ({ mu, sigma }) =>
    Array.from(mu, (m, d) => 0.5 * (m * m + sigma[d] ** 2 - 1) - Math.log(sigma[d]));

  Explorer.network = { encode, decode, kl };
})((globalThis.Explorer = globalThis.Explorer || {}));
