// Small charts over the epochs, drawn as SVG.

const SVG = "http://www.w3.org/2000/svg";
const SIZE = { width: 260, height: 140, left: 38, right: 10, top: 10, bottom: 22 };

/**
 * Draw curves over the epochs.
 * @param lines [{name, values (null where not known), className, labels (texts in place of points)}]
 * @param options {epochs: length of the axis, selected: an epoch, low, high, write: value → text}
 */
export function chart(svg, lines, { epochs, selected, low, high, write, choose }) {
  svg.setAttribute("viewBox", `0 0 ${SIZE.width} ${SIZE.height}`);
  svg.replaceChildren();
  const values = lines.flatMap((line) => line.values).filter((value) => value !== null);
  const [bottom, top] = range(values, low, high);
  const first = SIZE.left + (lines.some((line) => line.labels) ? 9 : 0); // a digit is wider than a point
  const x = (epoch) => first + ((epoch - 1) / Math.max(epochs - 1, 1)) * (SIZE.width - first - SIZE.right);
  const y = (value) =>
    SIZE.top + ((top - value) / (top - bottom || 1)) * (SIZE.height - SIZE.top - SIZE.bottom);
  for (const value of [bottom, (bottom + top) / 2, top]) {
    part(svg, "line", { x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: y(value), y2: y(value), class: "grid" });
    part(svg, "text", { x: SIZE.left - 5, y: y(value) + 3.5, class: "tick end" }, write(value));
  }
  part(svg, "text", { x: x(1), y: SIZE.height - 5, class: "tick" }, "1");
  if (epochs > 1) part(svg, "text", { x: x(epochs), y: SIZE.height - 5, class: "tick end" }, String(epochs));
  if (selected) {
    part(svg, "line", { x1: x(selected), x2: x(selected), y1: SIZE.top, y2: SIZE.height - SIZE.bottom, class: "marker" });
  }
  for (const line of lines) curve(svg, line, x, y, selected);
  svg.onclick = (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * SIZE.width;
    const share = (at - first) / (SIZE.width - first - SIZE.right);
    choose?.(Math.round(1 + share * (epochs - 1)));
  };
}

function curve(svg, { values, className, labels }, x, y, selected) {
  const points = values.map((value, i) => (value === null ? null : [x(i + 1), y(value)]));
  const known = points.filter(Boolean);
  if (!known.length) return;
  if (!labels) {
    part(svg, "polyline", { points: known.map((point) => point.join()).join(" "), class: `curve ${className}` });
    const at = points[(selected ?? values.length) - 1];
    if (at) part(svg, "circle", { cx: at[0], cy: at[1], r: 3.2, class: `dot ${className}` });
    return;
  }
  const room = known.length > 1 ? known[1][0] - known[0][0] : Infinity;
  const every = Math.max(1, Math.ceil(9 / room)); // digits do not run into each other
  part(svg, "polyline", { points: known.map((point) => point.join()).join(" "), class: "curve faint" });
  points.forEach((point, i) => {
    if (!point || (i % every && i + 1 !== selected)) return;
    const chosen = i + 1 === selected ? " chosen" : "";
    part(svg, "text", { x: point[0], y: point[1] + 4, class: `mark${chosen}` }, labels[i]);
  });
}

function range(values, low, high) {
  const least = low ?? Math.min(...(values.length ? values : [0]));
  const most = high ?? Math.max(...(values.length ? values : [1]));
  return least === most ? [least - 0.5, most + 0.5] : [least, most];
}

function part(svg, tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  svg.append(node);
}
