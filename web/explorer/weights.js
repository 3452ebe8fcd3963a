// From named tensors, as torch names and lays them out, to the layers of network.js.
"use strict";
(function (Explorer) {
  const { text } = Explorer;
  const BATCH_NORM_EPSILON = 1e-5;  // torch's default
  const CONVS = [[1, 32], [32, 32], [32, 64], [64, 64]];
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

  // The network of a state dict {name: {shape, data}}, with or without batch norm.
  function networkOf(tensors) {
    const batchNorm = "features.1.running_mean" in tensors;
    const D = tensors["mean.weight"] ? tensors["mean.weight"].shape[0] : 0;
    if (!(D >= 1 && D <= 64)) throw new Error(text.errors.missing("mean.weight"));
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
    return { D, batchNorm, features, mean, logvar, decoder };
  }

  // The tensors of an exported model: 32-bit numbers, then 16-bit, then 8-bit ones, in the
  // order of `layout` [name, shape, bits, channel axis]; those of 16 and 8 bits are whole
  // numbers times a scale of their channel.
  function unpacked({ layout, weights }) {
    const characters = atob(weights), bytes = new Uint8Array(characters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
    const types = { 32: Float32Array, 16: Int16Array, 8: Int8Array };
    const tensors = {};
    let offset = 0;
    for (const [name, shape, bits] of layout) {
      const count = shape.reduce((a, b) => a * b, 1);
      tensors[name] = { shape, data: new types[bits](bytes.buffer, offset, count) };
      offset += (count * bits) / 8;
    }
    for (const [name, shape, bits, axis] of layout) {
      if (bits === 32) continue;
      const { data: whole } = tensors[name], { data: scale } = tensors[`${name}.scale`];
      const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const data = new Float32Array(whole.length);
      for (let i = 0, channel = 0; i < data.length; channel = (channel + 1) % shape[axis])
        for (const end = i + stride; i < end; i++) data[i] = whole[i] * scale[channel];
      tensors[name].data = data;
    }
    return tensors;
  }

  Explorer.weights = { networkOf, unpacked };
})((globalThis.Explorer = globalThis.Explorer || {}));
