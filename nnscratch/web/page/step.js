// One step of gradient descent on the drawing alone: before, after, and what it cost.

import * as api from "./api.js";
import { aDigit, byId, element, number, percent } from "./words.js";

export class OneStep {
  /** @param looked gives the name of the network that answers now */
  constructor(drawing, looked, chosen, fails) {
    Object.assign(this, { drawing, looked, chosen, fails });
    this.taken = []; // what each step came to, the last one last
    for (let digit = 0; digit < 10; digit += 1) {
      const key = element("button", "key", String(digit));
      key.type = "button";
      key.setAttribute("aria-label", `It is ${aDigit(digit)}`);
      key.addEventListener("click", () => this.take(digit));
      byId("teach").append(key);
    }
    byId("take-back").addEventListener("click", () => this.back());
  }

  say(text) {
    byId("step-result").replaceChildren(element("p", "empty", text));
  }

  async take(digit) {
    const { strokes, pen, picture } = this.drawing.content;
    if (picture || !strokes.length) {
      this.say(picture ? "A step is taken on a drawing: draw the digit yourself." : "Draw a digit first, then say what it is.");
      return;
    }
    const rate = byId("step-lr");
    if (!rate.checkValidity() || rate.value === "") {
      this.say(`The learning rate is a number from ${rate.min} to ${rate.max}.`);
      return;
    }
    const keys = document.querySelectorAll("#teach button");
    for (const key of keys) key.disabled = true;
    try {
      const step = await api.step({ strokes, pen, digit, lr: Number(rate.value), network: this.looked() });
      this.taken.push({ ...step, digit });
      this.chosen(step.network);
      this.show();
    } catch (error) {
      this.say(error.message);
      if (error.gone) this.fails(error);
    }
    for (const key of keys) key.disabled = false;
    keys[digit].focus({ preventScroll: true });
  }

  back() {
    const last = this.taken.pop();
    if (!last) return;
    this.chosen(last.from);
    this.show();
  }

  /** Forget the steps: another network answers now. */
  forget() {
    this.taken = [];
    this.show();
  }

  show() {
    byId("take-back").disabled = this.taken.length === 0;
    const last = this.taken.at(-1);
    if (!last) {
      byId("step-result").replaceChildren();
      return;
    }
    const { digit, before, after, samples } = last;
    const rows = [
      ["Its answer", before.answer ?? "?", after.answer ?? "?", ""],
      [`Probability of ${digit}`, percent(before.probability), percent(after.probability), change(100 * (after.probability - before.probability), 1, " points")],
      ["Loss", number(before.loss, 4), number(after.loss, 4), change(after.loss - before.loss, 4)],
      [`Right of ${samples.toLocaleString("en")} test pictures`, percent(before.accuracy), percent(after.accuracy),
        change(Math.round(samples * (after.accuracy - before.accuracy)), 0, " pictures")],
    ];
    const head = element("tr", "", ...["", "before", "after", "change"].map((text) => {
      const cell = element("th", "", text);
      cell.scope = "col";
      return cell;
    }));
    const body = rows.map(([name, ...cells]) => {
      const first = element("th", "", name);
      first.scope = "row";
      return element("tr", "", first, ...cells.map((cell) => element("td", "", String(cell))));
    });
    const table = element("table", "before-after", element("thead", "", head), element("tbody", "", ...body));
    byId("step-result").replaceChildren(table, this.bars(before, after, digit),
      element("p", "small", `Step ${this.taken.length}. The light bars are from before.`));
  }

  bars(before, after, digit) {
    const list = element("ol", "twin-bars");
    list.setAttribute("aria-hidden", "true");
    after.probabilities.forEach((share, i) => {
      const [old, young] = [element("span", "old"), element("span", "young")];
      old.style.height = `${100 * before.probabilities[i]}%`;
      young.style.height = `${100 * share}%`;
      list.append(element("li", i === digit ? "wanted" : "", element("span", "pair", old, young), String(i)));
    });
    return list;
  }
}

function change(value, decimals, unit = "") {
  const rounded = Number(value.toFixed(decimals));
  return rounded === 0 ? "no change" : `${rounded > 0 ? "+" : ""}${number(rounded, decimals)}${unit}`;
}
