// Pictures of 28×28 numbers as pixels, in the colours of the page. Nothing is ever read back.

const dark = matchMedia("(prefers-color-scheme: dark)");
const repaints = new Set();
let colours = null;

/** The colours of the stylesheet, as [red, green, blue]. */
export function palette() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    const rgb = (name) => {
      const hex = style.getPropertyValue(name).trim();
      return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    };
    colours = {
      paper: rgb("--paper"), ink: rgb("--ink"), plus: rgb("--plus"), minus: rgb("--minus"),
    };
  }
  return colours;
}

/** Call again whenever the page changes between light and dark. */
export const onTheme = (repaint) => repaints.add(repaint);

dark.addEventListener("change", () => {
  colours = null;
  for (const repaint of repaints) repaint();
});

export const css = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;

const mixed = (from, to, share) => [
  from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share, from[2] + (to[2] - from[2]) * share,
];

function fill(canvas, colourOf) {
  const image = new ImageData(28, 28);
  for (let p = 0; p < 784; p += 1) {
    const colour = colourOf(p);
    for (let i = 0; i < 3; i += 1) image.data[4 * p + i] = colour[i];
    image.data[4 * p + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Paint ink from 0 to 255. */
export function paintInk(canvas, rows) {
  const { paper, ink } = palette();
  const flat = rows ? rows.flat() : null;
  fill(canvas, (p) => mixed(paper, ink, flat ? flat[p] / 255 : 0));
}

/** Paint numbers of either sign: red above 0, blue below, the furthest from 0 in full colour. */
export function paintSigned(canvas, values, furthest = largest(values)) {
  const { paper, plus, minus } = palette();
  fill(canvas, (p) => {
    const share = furthest ? Math.min(Math.abs(values[p]) / furthest, 1) : 0;
    return mixed(paper, values[p] > 0 ? plus : minus, Math.sqrt(share));
  });
}

/** Paint numbers of either sign over faint ink. */
export function paintShare(canvas, rows, values, furthest) {
  const { paper, ink, plus, minus } = palette();
  const flat = rows.flat();
  fill(canvas, (p) => {
    const share = furthest ? Math.min(Math.abs(values[p]) / furthest, 1) : 0;
    const below = mixed(paper, ink, (0.2 * flat[p]) / 255);
    return mixed(below, values[p] > 0 ? plus : minus, Math.sqrt(share));
  });
}

export const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** A canvas of 28×28 pixels, for the eye only. */
export function thumbnail(className) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 28;
  canvas.className = `pixels ${className}`;
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}
