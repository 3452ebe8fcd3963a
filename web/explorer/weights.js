// From named tensors, as torch names and lays them out, to the layers of network.js.
"use strict";
(function (Explorer) {
  const { text } = Explorer;
  const BATCH_NORM_EPSILON = 1e-5;  // torch's default
  const MEAN_SCALE = 0.5;  // of batch norm on the means, as in disentlib/models/networks.py
  const DIGITS =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
  const CONVS = [[1, 32], [32, 32], [32, 64], [64, 64]];
  const MOST = 64;  // dimensions that a page can show
  const UPCONVS = [[64, 64], [64, 32], [32, 32], [32, 1]];

  // The tensor `name`, which must have `shape`.
  function take(tensors, name, shape) {
    const tensor = tensors[name];
    if (!tensor) throw new Error(text.errors.missing(name));
    if (tensor.shape.join() !== shape.join())
      throw new Error(text.errors.shape(name, tensor.shape, shape));
    for (let i = 0; i < tensor.data.length; i++)
      if (!Number.isFinite(tensor.data[i])) throw new Error(text.errors.notFinite(name));
    return tensor.data;
  }

  // Scale and shift of each channel: those of the batch norm `name`, at its running
  // values, else 1 and the bias of the layer itself.
  function affine(tensors, layer, norm, outputs) {
    if (!norm) return [new Float32Array(outputs).fill(1), take(tensors, `${layer}.bias`, [outputs])];
    const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
      .map((part) => take(tensors, `${norm}.${part}`, [outputs]));
    const scale = weight.map((w, o) => w / Math.sqrt(variance[o] + BATCH_NORM_EPSILON));
    return [scale, bias.map((b, o) => b - mean[o] * scale[o])];
  }

  // One layer. `inputOrder` and `outputOrder` say where network.js keeps what torch has at
  // a place: images are channels first there and channels last here.
  function layer(tensors, kind, name, norm, inputs, outputs, relu, orders = {}) {
    const taps = kind === "dense" ? 1 : 16;
    const square = kind === "dense" ? [] : [4, 4];
    const shape = kind === "upconv" ? [inputs, outputs] : [outputs, inputs];
    const raw = take(tensors, `${name}.weight`, [...shape, ...square]);
    const [scale, shift] = affine(tensors, name, norm, outputs);
    const { inputOrder, outputOrder } = orders;
    const weight = new Float32Array(raw.length), bias = new Float32Array(outputs);
    for (let o = 0; o < outputs; o++) {
      const to = outputOrder ? outputOrder[o] : o;
      bias[to] = shift[o];
      for (let i = 0; i < inputs; i++) {
        const at = inputOrder ? inputOrder[i] : i;
        let from = (kind === "upconv" ? i * outputs + o : o * inputs + i) * taps;
        let place = kind === "upconv" ? i * taps * outputs + to : at * outputs + to;
        const step = kind === "upconv" ? outputs : inputs * outputs;
        for (let t = 0; t < taps; t++, from++, place += step) weight[place] = raw[from] * scale[o];
      }
    }
    return { kind, inputs, outputs, relu, weight, bias };
  }

  // 64 channels of 4 x 4.
  const channelsLast = Int32Array.from({ length: 1024 }, (_, i) => (i % 16) * 64 + (i >> 4));

  // Batch norm of the means alone, without parameters, at its running values.
  function normalise({ weight, bias, outputs }, mean, variance) {
    const scale = variance.map((v) => MEAN_SCALE / Math.sqrt(v + 1e-10));
    for (let i = 0; i < weight.length; i++) weight[i] *= scale[i % outputs];
    for (let o = 0; o < outputs; o++) bias[o] = (bias[o] - mean[o]) * scale[o];
  }

  // The network of a state dict {name: {shape, data}}, with or without batch norm.
  function networkOf(tensors) {
    const batchNorm = "features.1.running_mean" in tensors;
    const D = tensors["mean.weight"] ? tensors["mean.weight"].shape[0] : 0;
    if (!(D >= 1)) throw new Error(text.errors.missing("mean.weight"));
    if (D > MOST) throw new Error(text.errors.most(D, MOST));
    const step = batchNorm ? 3 : 2;
    const hidden = (part, index, kind, inputs, outputs, orders) =>
      layer(tensors, kind, `${part}.${index}`, batchNorm && `${part}.${index + 1}`,
        inputs, outputs, true, orders);
    const features = CONVS.map(([i, o], n) => hidden("features", n * step, "conv", i, o));
    features.push(hidden("features", 4 * step + 1, "dense", 1024, 128,
      { inputOrder: channelsLast }));
    const decoder = [
      hidden("decoder", 0, "dense", D, 128),
      hidden("decoder", step, "dense", 128, 1024, { outputOrder: channelsLast }),
      ...UPCONVS.slice(0, 3).map(([i, o], n) =>
        hidden("decoder", (2 + n) * step + 1, "upconv", i, o)),
      layer(tensors, "upconv", `decoder.${5 * step + 1}`, null, ...UPCONVS[3], false),
    ];
    const [mean, logvar] = ["mean", "logvar"].map((name) =>
      layer(tensors, "dense", name, null, 128, D, false));
    if ("mean_norm.running_mean" in tensors)
      normalise(mean, ...["mean", "var"].map((part) => take(tensors, `mean_norm.running_${part}`, [D])));
    return { D, batchNorm, features, mean, logvar, decoder };
  }

  // The bytes of a text in base 85: five digits make four bytes.
  function bytesOf(digits) {
    const whole = digits.padEnd(Math.ceil(digits.length / 5) * 5, DIGITS.at(-1));
    const values = new Uint8Array(128);
    for (let i = 0; i < 85; i++) values[DIGITS.charCodeAt(i)] = i;
    const view = new DataView(new ArrayBuffer((whole.length / 5) * 4));
    for (let i = 0, at = 0; i < whole.length; at += 4) {
      let number = 0;
      for (const end = i + 5; i < end; i++) number = number * 85 + values[whole.charCodeAt(i)];
      view.setUint32(at, number);
    }
    return new Uint8Array(view.buffer, 0, Math.floor((digits.length * 4) / 5));
  }

  // The bytes that zlib made `bytes` of.
  function decompressed(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer();
  }

  // The tensors of an exported model, in the order of `layout` [name, shape, bits, step]:
  // numbers of 32 bits, whole ones of 16, then of 12: first the upper eight bits of all
  // those, then the lower four, two numbers a byte.
  async function unpacked({ layout, weights }) {
    const buffer = await decompressed(bytesOf(weights));
    const tensors = {};
    let offset = 0, short = 0;  // bytes, and numbers of 12 bits, before this tensor
    const count = (shape) => shape.reduce((a, b) => a * b, 1);
    const total = layout.reduce((sum, [, shape, bits]) =>
      sum + (bits === 12 ? count(shape) : 0), 0);
    for (const [name, shape, bits, step] of layout) {
      const size = count(shape);
      const data = new Float32Array(size);
      if (bits === 32) data.set(new Float32Array(buffer, offset, size));
      else if (bits === 16) {
        const whole = new Int16Array(buffer, offset, size);
        for (let i = 0; i < size; i++) data[i] = whole[i] * step;
      } else {
        const upper = new Int8Array(buffer, offset, size);
        const lower = new Uint8Array(buffer, offset - short + total + short / 2, size / 2);
        for (let i = 0; i < size; i++)
          data[i] = ((upper[i] << 4) | ((lower[i >> 1] >> (4 * (i & 1))) & 15)) * step;
        short += size;
      }
      tensors[name] = { shape, data };
      offset += bits === 12 ? size : (size * bits) / 8;
    }
    return tensors;
  }

  Explorer.weights = { networkOf, unpacked };
})((globalThis.Explorer = globalThis.Explorer || {}));
