// A reader of safetensors files (a length, a JSON header, raw numbers) that believes
// nothing it has not checked.
"use strict";
(function (Explorer) {
  const { errors } = Explorer.text;
  const FORMAT = "disentlib checkpoint 1";  // what disentlib/training/checkpoints.py writes
  const WIDTHS = { F32: 4, I64: 8 };
  const LONGEST_HEADER = 1e6, LARGEST_FILE = 1e8;  // bytes

  const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

  // The header of a file and where its numbers start.
  function headerOf(buffer) {
    if (buffer.byteLength < 8) throw new Error(errors.foreign);
    if (buffer.byteLength > LARGEST_FILE) throw new Error(errors.large);
    const view = new DataView(buffer);
    const length = view.getUint32(0, true);
    if (view.getUint32(4, true) !== 0 || length > LONGEST_HEADER) throw new Error(errors.foreign);
    if (8 + length > buffer.byteLength) throw new Error(errors.short);
    let header;
    try {
      const decoder = new TextDecoder("utf-8", { fatal: true });
      header = JSON.parse(decoder.decode(new Uint8Array(buffer, 8, length)));
    } catch {
      throw new Error(errors.foreign);
    }
    if (header === null || typeof header !== "object" || Array.isArray(header))
      throw new Error(errors.foreign);
    return [header, 8 + length];
  }

  // Where one tensor lies, checked against its type, its shape and the room there is.
  function placeOf(name, entry, room) {
    if (entry === null || typeof entry !== "object") throw new Error(errors.header(name));
    const { dtype, shape, data_offsets: offsets } = entry;
    const width = Object.hasOwn(WIDTHS, dtype) && WIDTHS[dtype];
    if (!width) throw new Error(errors.type(name, String(dtype)));
    if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isCount) ||
        !Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
      throw new Error(errors.header(name));
    const bytes = shape.reduce((a, b) => a * b, width);
    const [start, end] = offsets;
    if (end - start !== bytes) throw new Error(errors.header(name));
    if (end > room) throw new Error(errors.short);
    return { name, dtype, shape, start, end };
  }

  // {tensors: {name: {shape, data}}, facts} of the bytes of a file. Throws an Error of one
  // line for a file that is cut short, foreign, or whose header contradicts its content.
  function parse(buffer) {
    const [header, base] = headerOf(buffer);
    const { __metadata__: metadata, ...entries } = header;
    const room = buffer.byteLength - base;
    const places = Object.entries(entries).map(([name, entry]) => placeOf(name, entry, room));
    places.sort((a, b) => a.start - b.start || a.end - b.end);
    let reached = 0;
    for (const { name, start, end } of places) {
      if (start !== reached) throw new Error(errors.header(name));  // overlap or gap
      reached = end;
    }
    if (reached !== room) throw new Error(errors.long);
    if (!metadata || metadata.format !== FORMAT) throw new Error(errors.notOurs);
    const tensors = Object.create(null);
    for (const { name, dtype, shape, start, end } of places) {
      if (dtype !== "F32") continue;  // counters of batch norm
      const bytes = buffer.slice(base + start, base + end);  // aligned
      tensors[name] = { shape, data: new Float32Array(bytes) };
    }
    return { tensors, facts: factsOf(metadata) };
  }

  function factsOf({ facts }) {
    try {
      const content = JSON.parse(facts);
      return content && typeof content === "object" ? content : {};
    } catch {
      return {};
    }
  }

  Explorer.safetensors = { parse };
})((globalThis.Explorer = globalThis.Explorer || {}));
