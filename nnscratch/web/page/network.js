// The diagram: what the network sees, its hidden units, the ten digits, and the lines between them.

import { largest, onTheme, paintInk, paintShare, paintSigned, thumbnail } from "./paint.js";
import { getUnits, unitOf } from "./units.js";
import { byId, element, isRefused, number, sureness } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDEST = 4.5; // pixels, for the strongest line

export class Diagram {
  /** @param pointed called with the index of the unit that is pointed at, or null */
  constructor(pointed) {
    this.pointed = pointed;
    this.network = null;
    this.units = []; // {index, button, canvas, value}
    this.painted = new Map(); // the unit whose mask a canvas shows
    this.look = null;
    this.alone = null; // the index of the unit pointed at
    this.digits = [...Array(10).keys()].map((digit) => this.digitRow(digit));
    this.places = null; // where everything is, until something moves
    this.lines = []; // by unit: the one to it, and those to the digits
    onTheme(() => this.show(this.network));
    const moved = new ResizeObserver(() => {
      this.places = null;
      this.wire();
    });
    for (const part of [".stage", "#units", "#digits", "#seen", ".sees h2"]) moved.observe(document.querySelector(part));
  }

  digitRow(digit) {
    const bar = element("span", "bar");
    const value = element("span", "value", "–");
    const row = element("li", "digit", element("span", "name", String(digit)),
      element("span", "track", bar), value);
    byId("digits").append(row);
    return { row, bar, value };
  }

  /** Show the units of another network. */
  show(network) {
    if (!network) return;
    if (network.hidden_size !== this.network?.hidden_size) this.look = null; // of quite other units
    this.network = network;
    this.places = null;
    this.painted.clear();
    this.arrange();
    this.paint();
  }

  /** Give every unit in view a row: one that stays in view keeps its own. */
  arrange() {
    const { units, hidden_size: all } = this.network;
    const telling = this.look?.units?.map((unit) => unit.index);
    let wanted = telling ?? units.map((unit) => unit.index);
    if (this.look && this.units.length === wanted.length) {
      const before = telling ? this.units.map((unit) => unit.index) : wanted;
      const fresh = wanted.filter((index) => !before.includes(index));
      wanted = before.map((index) => (wanted.includes(index) ? index : fresh.shift()));
    }
    while (this.units.length > wanted.length) this.units.pop().button.parentElement.remove();
    while (this.units.length < wanted.length) this.units.push(this.unitRow());
    this.units.forEach((unit, i) => { unit.index = wanted[i]; });
    if (!wanted.includes(this.alone)) this.alone = null;
    const shown = wanted.length;
    byId("units-title").textContent = all > shown
      ? `${shown} of ${all} hidden units` : `${inWords(all)} hidden unit${all === 1 ? "" : "s"}`;
    const most = telling ? "that say most about this drawing" : "with the most say";
    byId("which-units").textContent = all > shown
      ? `Shown are the ${inWords(shown).toLowerCase()} ${most}; the others count as well.` : "";
    this.paintMasks();
  }

  /** Paint the masks, those that are not here yet as soon as they have come. */
  paintMasks() {
    const { network } = this;
    for (const { index, canvas } of this.units) {
      const unit = unitOf(network, index);
      if (this.painted.get(canvas) === index) continue;
      if (!unit) {
        if (this.painted.delete(canvas)) canvas.getContext("2d").clearRect(0, 0, 28, 28);
        continue;
      }
      paintSigned(canvas, unit.weights);
      this.painted.set(canvas, index);
    }
    getUnits(network, this.units.map((unit) => unit.index)).then((came) => {
      if (!came || network !== this.network) return;
      this.paintMasks();
      this.paint();
    });
  }

  unitRow() {
    const canvas = thumbnail("mask");
    const value = element("span", "activation", "–");
    const button = element("button", "unit", canvas, value);
    button.type = "button";
    const row = { index: null, button, canvas, value };
    const over = () => this.pointed(row.index);
    const out = () => this.pointed(null);
    button.addEventListener("pointerenter", over);
    button.addEventListener("focus", over);
    button.addEventListener("pointerleave", out);
    button.addEventListener("blur", out);
    byId("units").append(element("li", "", button));
    return row;
  }

  /** Show what the network makes of the drawing. */
  answer(look) {
    this.look = look;
    if (this.network && (!look || look.units)) this.arrange(); // several digits leave it as it is
    this.paint();
  }

  /** Show one unit alone, or all of them again. */
  single(index) {
    this.alone = this.units.some((unit) => unit.index === index) ? index : null;
    this.paint();
  }

  paint() {
    if (!this.network) return;
    this.paintSeen();
    const active = new Map((this.look?.units ?? []).map((u) => [u.index, u.activation]));
    this.units.forEach((unit) => {
      const known = active.has(unit.index);
      const activation = active.get(unit.index) ?? 0;
      unit.value.textContent = known ? number(activation, 1) : "–";
      unit.button.classList.toggle("off", known && activation === 0);
      unit.button.classList.toggle("faded", this.alone !== null && this.alone !== unit.index);
      unit.button.disabled = !known;
      unit.button.setAttribute("aria-label", `Hidden unit ${unit.index}: ${
        known ? (activation ? `on, ${number(activation, 1)}` : "off") : "nothing to see yet"}`);
    });
    const probabilities = this.look?.probabilities;
    byId("digits").classList.toggle("withheld", isRefused(this.look));
    byId("digits-refused").hidden = !isRefused(this.look);
    this.digits.forEach(({ row, bar, value }, digit) => {
      const share = probabilities?.[digit] ?? 0;
      bar.style.width = `${100 * share}%`;
      value.textContent = probabilities ? sureness(share) : "–";
      row.classList.toggle("first", Boolean(probabilities) && share === Math.max(...probabilities));
    });
    this.wire();
  }

  paintSeen() {
    const { seen } = this.look ?? {};
    const unit = unitOf(this.network, this.alone);
    const canvas = byId("seen");
    if (seen && unit) {
      const ink = seen.flat();
      const shares = unit.weights.map((weight, p) => (weight * ink[p]) / 255);
      paintShare(canvas, seen, shares, largest(shares));
    } else {
      paintInk(canvas, seen);
    }
    canvas.setAttribute("aria-label", seen
      ? "What the network sees of your drawing, 28 by 28 pixels" : "What the network sees of your drawing: nothing yet");
    byId("seen-caption").textContent = seen && unit
      ? `Unit ${unit.index} alone: the ink that turns it on (red) and off (blue).`
      : "28 × 28 pixels of ink: your drawing, cut out, scaled and centred as the pictures it learned from.";
  }

  /** Where the picture, the units and the digits are, in pixels from the corner of the diagram. */
  measure() {
    const frame = byId("wires").getBoundingClientRect();
    const middle = (node) => {
      const box = node.getBoundingClientRect();
      return {
        left: box.left - frame.left, right: box.right - frame.left,
        y: box.top + box.height / 2 - frame.top,
      };
    };
    return {
      seen: middle(byId("seen")),
      ends: this.digits.map(({ row }) => middle(row)),
      boxes: this.units.map(({ button }) => middle(button)),
    };
  }

  /** Lay a line from the picture to every unit, and from every unit to every digit. */
  lay() {
    const { seen, ends, boxes } = (this.places = this.measure());
    this.lines = boxes.map((box) => ({
      incoming: seen.right < box.left ? line(seen.right, seen.y, box.left, box.y) : null,
      votes: ends.map((end) => line(box.right, box.y, end.left, end.y)),
    }));
    byId("wires").replaceChildren(
      ...this.lines.flatMap(({ incoming, votes }) => (incoming ? [incoming, ...votes] : votes)));
  }

  /** Show on the lines a unit's activation from the picture, weight × activation to each digit. */
  wire() {
    if (!this.network) return;
    if (!this.places || this.lines.length !== this.units.length) this.lay();
    const active = new Map((this.look?.units ?? []).map((u) => [u.index, u.activation]));
    const votes = this.units.map(({ index }) =>
      (unitOf(this.network, index)?.votes ?? []).map((vote) => vote * (active.get(index) ?? 0)));
    const strongest = largest(votes.flat());
    const mostActive = Math.max(...active.values(), 0);
    this.units.forEach(({ index }, i) => {
      const faded = this.alone === null || this.alone === index ? "" : " faded";
      const { incoming, votes: lines } = this.lines[i];
      const width = mostActive ? (4 * (active.get(index) ?? 0)) / mostActive : 0;
      if (incoming) dress(incoming, `in${faded}`, width);
      lines.forEach((one, digit) => {
        const vote = votes[i][digit] ?? 0;
        const share = strongest ? Math.abs(vote) / strongest : 0;
        if (!active.size) dress(one, `idle${faded}`, 0.6, 0.5);
        else if (share < 0.02) dress(one, "none", 0);
        else dress(one, `${vote > 0 ? "for" : "against"}${faded}`, share * WIDEST, 0.25 + 0.75 * share);
      });
    });
  }
}

function line(x1, y1, x2, y2) {
  const path = document.createElementNS(SVG, "path");
  const bend = (x2 - x1) * 0.45;
  path.setAttribute("d", `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`);
  return path;
}

/** Give a line its class, width and opacity; what it has already costs the browser nothing. */
function dress(path, className, width, opacity = 1) {
  const wanted = { class: className, "stroke-width": Math.max(width, 0.4).toFixed(2), opacity: opacity.toFixed(2) };
  for (const [name, value] of Object.entries(wanted)) {
    if (path.getAttribute(name) !== value) path.setAttribute(name, value);
  }
}

const WORDS = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"];
const inWords = (count) => WORDS[count] ?? String(count);
