// Every word that the explorer says, in one place: translate this file, and no other.
"use strict";
(function (Explorer) {
  const signed = (value, digits) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
  const list = (names) =>
    names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

  Explorer.text = {
    signed,
    list,
    dimension: (d) => `z${d}`,
    nats: (value) => `${value.toFixed(2)} nats`,
    code: (value) => signed(value, 2),
    factors: {
      labels: ["shape", "scale", "orientation", "position x", "position y (down)"],
      short: ["shape", "scale", "angle", "x", "y"],
      // A value with its unit, and a change with its unit.
      value: [
        (v) => ["square", "ellipse", "heart"][v],
        (v) => v.toFixed(1),
        (v) => `${Math.round(v)}°`,
        (v) => `${v.toFixed(1)} pixels`,
        (v) => `${v.toFixed(1)} pixels`,
      ],
      change: [
        (from, to) => `${["square", "ellipse", "heart"][from]} to ${["square", "ellipse", "heart"][to]}`,
        (from, to) => `scale ${signed(to - from, 1)}`,
        (from, to) => `orientation ${signed(to - from, 0)}°`,
        (from, to) => `x ${signed(to - from, 0)} pixels`,
        (from, to) => `y ${signed(to - from, 0)} pixels`,
      ],
    },
    page: {
      factors: "1. Move a factor of the image",
      factorsHelp: "The sprite is drawn from these five numbers. Move one of them and count " +
        "how many dimensions answer. The bars under the decoded picture are what the encoder read off the sprite, from mean − σ to " +
        "mean + σ (σ: standard deviation): blue ones answered, pale ones have collapsed. The decoded picture is blurred, as a few " +
        "numbers do not hold every pixel.",
      codes: "2. Move a dimension of the code",
      codesHelp: "The encoder turns the sprite into a code: for each dimension a mean (the " +
        "slider) and a standard deviation (the band). Move one dimension and see " +
        "how many factors of the picture answer. In a disentangled code one factor moves " +
        "one dimension, and one dimension moves one factor. Rows are sorted by KL: the nats (of 1.44 " +
        "bits) that a dimension tells about a sprite, on average. The squares say how much it helps to predict each factor.",
      image: "sprite",
      picture: "decoded",
      decodedBy: (title) => `decoded: ${title}`,
      model: "Model",
      second: "Compare with",
      none: "no other",
      open: "Open your own model …",
      openHelp: "The model.safetensors of a run that you trained with this library; or drop one here. It is read in this page. " +
        "Nothing leaves it.",
      copy: "Copy a link to this state",
      copied: "The link is in the address bar and copied.",
      linked: "The link is in the address bar.",
      withoutFile: "It cannot carry your file: open that again beside it.",
      reset: "Reset",
      wasReset: "Everything is as at the start.",
      noModels: "This build of the book holds no models. Open one of your own.",
      notLoaded: (id) => `The model ${id} could not be loaded.`,
      opened: (name, D) => `${name} is open: ${D} dimensions.`,
      chosen: (title) => `${title} reads the same sprite.`,
      start: "Move a slider: what it changed is said here.",
    },
    panel: {
      own: (name, D) => `${name}, D = ${D}`,
      step: (step) => `after ${step.toLocaleString("en")} steps`,
      heads: ["KL", "importance for"],
      idle: (count) => `${count} collapsed ${count === 1 ? "dimension" : "dimensions"}: ` +
        "below 0.1 nats, the picture hardly depends on " + (count === 1 ? "it" : "them"),
      play: (d) => `Traverse z${d}`,
      stop: "Stop",
      playing: (d) => `z${d} goes from −2 to +2 around its mean and back.`,
      played: (d) => `z${d} is back where it was.`,
      film: (d) => `z${d} at nine steps from −2 to +2 around its mean`,
      band: (mu, sigma) => `mean ${signed(mu, 2)}, standard deviation ${sigma.toFixed(2)}`,
      importance: (values, names) =>
        `importance for ${names.map((n, k) => `${n} ${values[k].toFixed(2)}`).join(", ")}`,
      scores: "Scores of this model",
      scoreHeads: ["score", "value", "excess over rotations"],
      scoresNote: "Of sampled codes. The last column is the score less the mean score of random " +
        "rotations of the same codes: what the choice of axes adds. Near 0, the axes are no better than any others.",
      noExcess: "–: no rotations were scored.",
      noScores: "A model of your own comes without scores: the page on scoring computes them.",
      klNote: (images) => `KL over ${images} random sprites.`,
      reads: (label) => `example (another sprite), from −1 to +1: ${label}`,
      back: "Back to the encoder's means",
      wasBack: "All dimensions are at the encoder's means again.",
    },
    said: {
      factor: (change, counts) => [change, counts.join("; ")].filter(Boolean).join(": ") + ".",
      answered: (names, D) => names.length
        ? `${names.length} of ${D} dimensions answered (${list(names)})`
        : `none of ${D} dimensions answered`,
      inModel: (title, said) => `${title}: ${said}`,
      answerRule: "A dimension answers if its mean moves by more than its standard deviation.",
      dimension: (d, delta, changes) => `z${d} ${signed(delta, 2)}: ` + (changes.length
        ? `${changes.length} ${changes.length === 1 ? "factor" : "factors"} of the picture answered (${list(changes)}).`
        : "no factor of the picture answered."),
      readRule: "Factors are read off the picture by the sprite that is nearest to it. The words at a dimension say " +
        "what it did to one image of the study when it went from −1 to +1 around its mean. A turn counts from 20°, a shift from 2 pixels, a scale from 0.1.",
    },
    errors: {
      short: "This file is cut short: it ends before its own header says it does.",
      long: "This file is longer than its header says: it is damaged or not a model.",
      large: "This file is over 100 MB: a model.safetensors of this book has about 2 MB.",
      foreign: "This is no safetensors file: choose the model.safetensors of a run.",
      notOurs: "This safetensors file was not written by disentlib: choose the model.safetensors of a run.",
      type: (name, dtype) => `Tensor ${name} has type ${dtype}: only F32 is read here. Open the file as training wrote it.`,
      header: (name) => `The header of this file contradicts itself at ${name}: it is damaged or not a model.`,
      missing: (name) => `No usable tensor ${name}: this is not a VAE of this book.`,
      most: (D, most) => `This model has D = ${D}: up to ${most} dimensions are shown here.`,
      shape: (name, found, wanted) =>
        `Tensor ${name} has shape ${found.join(" × ")}, not ${wanted.join(" × ")}: this is not a VAE of this book.`,
      notFinite: (name) => `Tensor ${name} holds numbers that are not finite: this model ran away.`,
    },
    kl: {
      what: "Drag a circle, or move a slider. The grey area is the integrand, p log(p/q), " +
        "cut off at the frame; the divergence is what lies above zero less what lies below. Then choose t(1) against N(0, 1) and widen the limits.",
      x: "x", density: "density", limit: "limits −A … A", nats: "nats",
      densityPlot: "The densities p and q, and the integrand of the divergence.",
      leaves: "↑ leaves the frame",
      growthPlot: "The integral from −A to A against A, on a logarithmic axis.",
      direction: "Direction", reset: "Reset", cauchy: "t(1) against N(0, 1)",
      families: { normal: "normal", t: "t(1)" },
      family: (name) => `Family of ${name} (${name === "p" ? "solid" : "dashed"})`,
      centre: (name) => `centre of ${name}`,
      spread: (name) => `spread of ${name}`,
      upTo: (A) => `±${A < 100 ? A.toFixed(1) : Math.round(A).toLocaleString("en")}`,
      size: (nats) => (nats === Infinity ? "infinite" : `${nats.toFixed(3)} nats`),
      numbers([a, b], nats, other, A, cut) {
        return `KL(${a} ‖ ${b}) is ${this.size(nats)}; KL(${b} ‖ ${a}) is ${this.size(other)}. ` +
          `Cut off at ${this.upTo(A)} the integral of the first is ${cut.toFixed(2)} nats.`;
      },
      said([a, b], nats, growth) {
        return nats === Infinity
          ? `KL(${a} ‖ ${b}) is infinite: however wide the limits, the integral goes on growing, by ${growth.toFixed(2)} nats for each unit of A.`
          : `KL(${a} ‖ ${b}) is ${this.size(nats)}: the integral comes to this as the limits widen.`;
      },
    },
    gradients: {
      what: "Each point is one estimate of the same gradient, from one draw of the noise: its first two " +
        "components. The cross is the exact gradient. Both clouds are centred on it; what differs is their width.",
      first: "∂/∂μ₁", second: "∂/∂μ₂", D: "dimensions D", sigma: "standard deviation σ",
      baseline: "baseline for the score function", again: "New draws",
      scorePlot: "Gradients by the score function", pathPlot: "Gradients by reparameterisation",
      caption: {
        score: (v, out, all) => `Score function: variance ${v.toFixed(1)}; ${out} of ${all} points lie outside the frame.`,
        path: (v, out, all) => `Reparameterised: variance ${v.toFixed(2)}; ${out} of ${all} points lie outside the frame.`,
      },
      said: (D, ratio) => `At D = ${D} one reparameterised draw is worth ${ratio.toFixed(0)} draws of the score function.`,
    },
    linear: {
      what: "The bars are the variances λ of the data along twelve directions, on a logarithmic axis. The water stands at " +
        "τ = β s². Directions above the water are worth a dimension, if one is offered: right of the dashed line none is left.",
      direction: "direction of the data", variance: "log₁₀ variance", offered: "dimensions offered, D", inUse: "dimensions in use",
      waterPlot: "Variances of the data as bars, and the level of the water.",
      countPlot: "Dimensions in use against dimensions offered: rising, then flat.",
      D: "dimensions offered, D",
      level: (tau) => `τ = ${tau.toFixed(2)}`,
      numbers: ({ nats, total, error }) => `Nats a dimension: ${nats.filter((v) => v > 0).map((v) => v.toFixed(2)).join(", ") || "none"}. ` +
        `In all ${total.toFixed(2)} nats; squared error ${error.toFixed(2)}.`,
      said: (beta, D, { k, used }) => `β = ${beta.toFixed(2)}: ${k} ${k === 1 ? "variance lies" : "variances lie"} above β s², ${D} ` +
        `${D === 1 ? "dimension is" : "dimensions are"} offered, min(D, k) = ${used} ${used === 1 ? "is" : "are"} in use` +
        (D > k ? "; more would change nothing." : D < k ? "; one more would be used." : "."),
    },
    rotation: {
      what: "A perfect code of two factors with 18 classes each: z0 is the first factor (colour: its half), z1 the second " +
        "(size of the points). Turn it: every image keeps a code of its own, and nothing is lost. The FactorVAE score asks only which " +
        "dimension varies least, and notices nothing until 45°.",
      angle: "angle", score: "score", table: "Scores at this angle",
      cloudPlot: "The codes of all images in the plane of z0 and z1.",
      curvePlot: "Five scores against the angle of rotation, with the present angle marked.",
      scores: { factorVae: "FactorVAE score", mig: "MIG", sap: "SAP (squared correlation)", modularity: "modularity", irs: "IRS" },
      said: (degrees, scores) => `Turned by ${degrees}°: ${scores.map(([name, v]) => `${name} ${v.toFixed(2)}`).join(", ")}.`,
    },
  };
})((globalThis.Explorer = globalThis.Explorer || {}));
