// Why this answer: the lead of one digit over another, pixel by pixel and unit by unit.

import { paintSheet, placeOf } from "./drawing.js";
import { css, largest, onTheme, paintSigned, palette, thumbnail } from "./paint.js";
import { getUnits, unitOf } from "./units.js";
import { aDigit, addingUp, byId, element, isRefused, number, signed } from "./words.js";

const LISTED = 10; // units with a row of their own

export class Account {
  constructor(drawing, pointed, chosen) {
    this.drawing = drawing;
    this.pointed = pointed;
    this.look = null;
    this.network = null;
    this.alone = null;
    this.rows = new Map();
    this.pictures = new WeakMap(); // by mask
    byId("against").addEventListener("change", (event) => {
      chosen(event.target.value === "" ? null : Number(event.target.value));
    });
    onTheme(() => {
      this.pictures = new WeakMap();
      this.show(this.look, this.network);
    });
  }

  show(look, network) {
    this.look = look;
    this.network = network;
    const why = look?.why ?? null;
    byId("no-why").hidden = Boolean(why);
    byId("no-why").textContent = !look || look.answer === ""
      ? "Draw a digit first." : "Several digits are read one by one: draw a single one to take its answer apart.";
    for (const part of document.querySelectorAll(".when-why")) part.hidden = !why;
    const refused = isRefused(look);
    byId("why-refused").hidden = !why || !refused;
    const question = why && `${refused ? "why" : "Why"} ${why.digit} and not ${why.against}?`;
    byId("why-title").textContent = why
      ? `${refused ? "Had it had to answer: " : ""}${question}` : "Why this answer?";
    if (!why) return;
    this.choices(why);
    this.pixelSum(why);
    this.unitRows(why);
    this.paint();
  }

  choices({ digit, against }) {
    const select = byId("against");
    const others = [...Array(10).keys()].filter((other) => other !== digit);
    if (select.dataset.of !== String(digit)) {
      select.replaceChildren(...others.map((other) => new Option(aDigit(other), other)));
      select.dataset.of = digit;
    }
    select.value = against;
  }

  pixelSum({ digit, against, pixels, constant, lead }) {
    const flat = pixels.flat();
    const sum = (keep) => flat.filter(keep).reduce((total, value) => total + value, 0);
    const [plus, minus, rest] = addingUp(
      [sum((v) => v > 0), sum((v) => v < 0), constant], lead);
    byId("pixel-sum").replaceChildren(
      ...line(`Ink that speaks for ${digit}`, signed(plus), "plus"),
      ...line(`Ink that speaks for ${against}`, signed(minus), "minus"),
      ...line("What a blank sheet would give", signed(rest)),
      ...line(lead < 0 ? `${digit} is behind ${against} by` : `${digit} leads ${against} by`,
        number(Math.abs(lead)), "total"),
    );
  }

  unitRows({ digit, against, units, bias, lead }) {
    const listed = units.slice(0, LISTED); // they come with the largest share first
    const others = units.slice(LISTED);
    const shares = [...listed.map((unit) => unit.share),
      others.reduce((sum, unit) => sum + unit.share, 0), bias];
    const shown = addingUp(shares, lead);
    const widest = largest(shares);
    this.rows.clear();
    byId("formula").textContent = `Activation × (its weight to ${digit} − its weight to ${against})`;
    const focused = document.activeElement?.dataset?.share;
    byId("shares").replaceChildren(
      ...listed.map((unit, i) => this.unitRow(unit, shown[i], widest)),
      ...(others.length
        ? [shareRow("", `${others.length} other unit${others.length > 1 ? "s" : ""}`, shown.at(-2), widest)]
        : []),
      shareRow("", "bias", shown.at(-1), widest),
      shareRow("total", `lead of ${digit} over ${against}`, Math.round(lead * 100) / 100, null),
    );
    if (focused !== undefined) this.rows.get(Number(focused))?.focus();
    this.fetchMasks(listed.map((unit) => unit.index));
  }

  /** A small picture of a mask, painted once. */
  painted(mask) {
    if (mask && this.pictures.has(mask)) return this.pictures.get(mask);
    const canvas = thumbnail("mask small-mask");
    if (!mask) return canvas;
    paintSigned(canvas, mask);
    this.pictures.set(mask, canvas);
    return canvas;
  }

  /** The weights of a hidden unit, as far as they are here. */
  mask(index) {
    return unitOf(this.network, index)?.weights;
  }

  /** Get the masks that are not here yet, once the drawing rests. */
  fetchMasks(indices) {
    clearTimeout(this.fetching);
    const { network } = this;
    if (indices.every((index) => unitOf(network, index))) return;
    this.fetching = setTimeout(async () => {
      const came = await getUnits(network, indices);
      if (came && network === this.network && this.look?.why) this.show(this.look, network);
    }, 200);
  }

  unitRow(unit, share, widest) {
    const canvas = this.painted(this.mask(unit.index));
    const formula = `${number(unit.activation)} × (${number(unit.weight_for)} − ${
      unit.weight_against < 0 ? `(${number(unit.weight_against)})` : number(unit.weight_against)})`;
    const button = element("button", "share-button", canvas,
      element("span", "formula", formula), bar(share, widest), element("span", "value", signed(share)));
    button.type = "button";
    button.dataset.share = unit.index;
    button.setAttribute("aria-label",
      `Hidden unit ${unit.index}: activation ${number(unit.activation)} adds ${signed(share)}`);
    for (const type of ["pointerenter", "focus"]) {
      button.addEventListener(type, () => this.pointed(unit.index));
    }
    for (const type of ["pointerleave", "blur"]) {
      button.addEventListener(type, () => this.pointed(null));
    }
    this.rows.set(unit.index, button);
    return element("li", "", button);
  }

  single(index) {
    this.alone = index;
    for (const [unit, row] of this.rows) row.classList.toggle("faded", index !== null && index !== unit);
    if (this.look?.why) this.paint();
  }

  /** What one unit's ink adds to the lead; for all of them together, the account's own pixels. */
  shares() {
    const { why, seen } = this.look;
    if (this.alone === null) return why.pixels.flat();
    const mask = this.mask(this.alone);
    const part = why.units.find((one) => one.index === this.alone);
    if (!part || !mask) return new Array(784).fill(0); // a unit that is off adds nothing
    const ink = (seen ?? why.seen).flat();
    const vote = part.weight_for - part.weight_against;
    return mask.map((weight, p) => (vote * weight * ink[p]) / 255);
  }

  paint() {
    const { why, onto, shear } = this.look;
    const canvas = byId("account");
    const brush = canvas.getContext("2d");
    const [left, top, right, bottom] = this.place(onto);
    const side = canvas.width;
    if (onto) paintSheet(canvas, this.drawing, 0.18);
    else paintFaint(brush, side, why.seen);
    const shares = this.shares();
    const furthest = largest(why.pixels.flat());
    const { plus, minus } = palette();
    const [w, h] = [((right - left) * side) / 28, ((bottom - top) * side) / 28];
    shares.forEach((share, p) => {
      if (!share) return;
      brush.fillStyle = css(share > 0 ? plus : minus, 0.9 * Math.sqrt(Math.min(Math.abs(share) / furthest, 1)));
      const row = Math.floor(p / 28);
      const column = (p % 28) + (onto && shear ? shear[row] : 0); // where it was before deskewing
      brush.fillRect(left * side + column * w, top * side + row * h, w + 0.3, h + 0.3);
    });
    this.caption(why);
  }

  /** Where the 28×28 pixels lie on the canvas, in fractions of it. */
  place(onto) {
    if (!onto) return [0, 0, 1, 1];
    const bitmap = this.drawing.picture?.bitmap;
    if (!bitmap) return onto;
    const [left, top, width, height] = placeOf(bitmap);
    return [left + onto[0] * width, top + onto[1] * height, left + onto[2] * width, top + onto[3] * height];
  }

  caption({ digit, against, units }) {
    const one = units.find((unit) => unit.index === this.alone);
    byId("account-caption").textContent = this.alone === null
      ? `Red ink speaks for ${digit}, blue for ${against}.`
      : one
        ? `Unit ${this.alone} alone: with its bias, it adds ${signed(one.share)} to the lead of ${digit} over ${against}.`
        : `Unit ${this.alone} is off: it adds nothing.`;
  }
}

function paintFaint(brush, side, seen) {
  brush.clearRect(0, 0, side, side);
  const cell = side / 28;
  seen.flat().forEach((ink, p) => {
    brush.fillStyle = css(palette().ink, (0.18 * ink) / 255);
    brush.fillRect((p % 28) * cell, Math.floor(p / 28) * cell, cell, cell);
  });
}

function line(name, value, className = "") {
  return [element("dt", className, name), element("dd", className, value)];
}

function bar(share, widest) {
  const inner = element("span", share < 0 ? "minus-bar" : "plus-bar");
  inner.style.width = `${widest ? (50 * Math.abs(share)) / widest : 0}%`;
  return element("span", "both-ways", inner);
}

function shareRow(className, name, share, widest) {
  return element("li", `plain ${className}`, element("span", "formula", name),
    widest === null ? "" : bar(share, widest), element("span", "value", signed(share)));
}
