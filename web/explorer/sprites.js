// The sprites of dSprites, drawn by the rule of disentlib/sprites/render.py, pixel for
// pixel: a pixel is white where an odd number of edges cross its row to its left.
"use strict";
(function (Explorer) {
  const SIDE = 64, SUBPIXELS = 256, UNIT = 0.15 * 64;
  const FACTORS = [
    { name: "shape", size: 3 },
    { name: "scale", size: 6 },
    { name: "orientation", size: 40 },
    { name: "position_x", size: 32 },
    { name: "position_y", size: 32 },
  ];

  const circle = (count, point) =>
    Array.from({ length: count }, (_, i) => point((2 * Math.PI * i) / count));
  const OUTLINES = [
    [[-UNIT, -UNIT], [UNIT, -UNIT], [UNIT, UNIT], [-UNIT, UNIT]],
    circle(100, (t) => [UNIT * (1.33 * Math.cos(t)), UNIT * (Math.sin(t) / 1.33)]),
    circle(150, (t) => {
      const up = (13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) -
        Math.cos(4 * t)) / 14.5 + 0.15;
      return [UNIT * Math.sin(t) ** 3, UNIT * -up];
    }),
  ];

  const scaleOf = (c) => 0.5 + 0.1 * c;
  // 40 classes and 39 angles: the last class repeats the first.
  const angleOf = (c) => (2 * Math.PI * (c % 39)) / 39;
  const placeOf = (c) => 16 + (32 * c) / 31;

  // To the nearest whole number, a tie to the even one, as NumPy's rint.
  function rint(x) {
    const low = Math.floor(x);
    if (x - low !== 0.5) return Math.round(x);
    return low % 2 === 0 ? low : low + 1;
  }

  // The vertices of a sprite in units of 1/256 pixel.
  function vertices([shape, scale, orientation, x, y]) {
    const s = scaleOf(scale), angle = angleOf(orientation);
    const cos = Math.cos(angle), sin = Math.sin(angle);
    return OUTLINES[shape].map(([u, v]) => [
      rint(SUBPIXELS * (placeOf(x) + s * u * cos + s * v * sin)),
      rint(SUBPIXELS * (placeOf(y) - s * u * sin + s * v * cos)),
    ]);
  }

  // The image (4096 numbers, 0 or 1) of the classes [shape, scale, orientation, x, y].
  function render(classes) {
    const points = vertices(classes);
    const flips = new Uint8Array(SIDE * (SIDE + 1));
    points.forEach(([x, y], i) => {
      const [x1, y1] = points[(i + 1) % points.length];
      const row = Math.floor(y / SUBPIXELS - 0.5) + 1;
      const row1 = Math.floor(y1 / SUBPIXELS - 0.5) + 1;
      const height = y1 - y;
      for (let r = Math.min(row, row1); r < Math.max(row, row1); r++) {
        const below = (r + 0.5) * SUBPIXELS - y;
        const crossing = (x * height + below * (x1 - x)) / (SUBPIXELS * height);
        flips[r * (SIDE + 1) + Math.ceil(crossing - 0.5)] ^= 1;
      }
    });
    const image = new Float32Array(SIDE * SIDE);
    for (let r = 0; r < SIDE; r++) {
      let white = 0;
      for (let c = 0; c < SIDE; c++) {
        white ^= flips[r * (SIDE + 1) + c];
        image[r * SIDE + c] = white;
      }
    }
    return image;
  }

  const random = () =>
    render(FACTORS.map(({ size }) => Math.floor(size * Math.random())));

  Explorer.sprites = { SIDE, FACTORS, render, random, scaleOf, angleOf, placeOf };
})((globalThis.Explorer = globalThis.Explorer || {}));
