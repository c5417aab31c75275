// A training run: started, watched epoch by epoch, stopped, gone back through, and saved.

import * as api from "./api.js";
import { chart } from "./chart.js";
import { onTheme, paintSigned, thumbnail } from "./paint.js";
import { aDigit, byId, element, number, percent, sureness } from "./words.js";

const FIELDS = ["lr", "hidden", "batch-size", "epochs", "seed"];

const isSound = (field) => field.checkValidity() && field.value !== "";

export class Learning {
  /**
   * @param drawing what stands on the sheet
   * @param chosen called with a network's name, its units and how many there are, to be looked at
   * @param fails called with an Error
   */
  constructor(drawing, chosen, fails) {
    Object.assign(this, { drawing, chosen, fails });
    this.epochs = []; // what each epoch came to
    this.planned = 1;
    this.selected = null;
    this.left = false; // whether another network than the run's was chosen since
    this.running = null; // an AbortController
    byId("run").addEventListener("submit", (event) => {
      event.preventDefault();
      this.train();
    });
    byId("stop").addEventListener("click", () => this.stop());
    byId("epoch").addEventListener("input", (event) => this.select(Number(event.target.value)));
    byId("copy").addEventListener("click", () => this.copy());
    byId("save-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    for (const name of FIELDS) byId(name).addEventListener("input", () => this.preview());
    onTheme(() => this.selected && this.showMasks(this.epochs[this.selected - 1].units));
    this.preview();
    this.draw();
  }

  /** Show the command that the fields stand for; the server's own takes its place once it runs. */
  preview() {
    if (this.running) return;
    const fields = FIELDS.map(byId);
    if (!fields.every(isSound)) {
      this.order("", "There is no command for these fields: one is out of its range.");
      return;
    }
    const options = fields.map((field) => `--${field.name} ${field.value.trim()}`);
    this.order(["nnscratch train", ...options].join(" "), "A run with these fields will be, from the command line:");
  }

  /** Show a command to be copied, and what it makes. */
  order(command, title) {
    byId("command").textContent = command;
    byId("copy").disabled = !command;
    byId("command-title").textContent = title;
  }

  limit({ epochs, hidden }) {
    if (epochs) byId("epochs").max = epochs;
    if (hidden) byId("hidden").max = hidden;
  }

  /** The settings, or null where a field holds no number of its range. */
  settings() {
    const settings = {};
    for (const name of FIELDS) {
      const field = byId(name);
      const sound = isSound(field);
      field.setAttribute("aria-invalid", String(!sound));
      if (!sound) {
        const range = [field.min && `from ${field.min}`, field.max && `to ${field.max}`].filter(Boolean).join(" ");
        const whole = field.step === "1" ? "a whole number" : "a number";
        this.say(`${field.labels[0].firstChild.textContent.trim()}: ${whole} ${range}, please.`);
        field.focus();
        return null;
      }
      settings[name] = Number(field.value);
    }
    return settings;
  }

  say(text) {
    byId("run-status").textContent = text;
  }

  async train() {
    if (this.running) return;
    const settings = this.settings();
    if (!settings) return;
    this.running = new AbortController();
    this.epochs = [];
    this.selected = null;
    this.left = false;
    this.planned = settings.epochs;
    this.hidden = settings.hidden;
    this.ended = false;
    this.buttons();
    this.say("Getting ready…");
    this.draw();
    const { strokes, pen, picture } = this.drawing.content;
    const watched = strokes.length && !picture ? { strokes, pen } : {};
    try {
      for await (const line of api.train({ ...settings, ...watched }, this.running.signal)) this.hear(line);
      if (!this.ended) this.say("The run ended before it was done.");
    } catch (error) {
      if (error.name !== "AbortError") {
        this.say(error.message);
        if (error.gone) this.fails(error);
      }
    }
    this.running = null;
    this.buttons();
  }

  /** One line of the stream. */
  hear(line) {
    const bar = byId("progress");
    if (line.event === "start") {
      this.order(line.command, "This run, from the command line:");
      this.say([`Learning from ${Number(line.samples).toLocaleString("en")} ${line.dataset} pictures`, ...(line.notes ?? [])].join(". "));
      this.samples = line.samples;
      bar.value = 0;
    } else if (line.event === "progress") {
      bar.value = this.samples ? line.done / this.samples : 0;
    } else if (line.event === "epoch") {
      const follows = !this.left && (this.selected ?? this.epochs.length) === this.epochs.length;
      this.epochs.push(line);
      bar.value = 0;
      this.say(`Epoch ${line.epoch} of ${this.planned} done`);
      this.buttons();
      if (follows) this.select(this.epochs.length);
      else this.draw();
    } else if (line.event === "done") {
      this.ended = true;
      this.say(`Done in ${number(line.seconds, 1)} s: ${percent(line.test_accuracy, 2)} of the test pictures are right.`);
      this.testAccuracy = line.test_accuracy;
    } else if (line.event === "stopped") {
      this.ended = true;
      this.say(this.epochs.length ? `Stopped after epoch ${this.epochs.length}. Its epochs can still be looked at and saved.` : "Stopped before the first epoch was done.");
    } else if (line.event === "error") {
      this.ended = true;
      this.say([line.error, line.next].filter(Boolean).map(api.sentence).join(" "));
    }
  }

  buttons() {
    const running = Boolean(this.running);
    byId("train").disabled = running;
    byId("stop").disabled = !running;
    byId("progress").hidden = !running;
    byId("save").disabled = this.epochs.length === 0;
    const slider = byId("epoch");
    slider.disabled = this.epochs.length === 0;
    slider.max = Math.max(this.epochs.length, 1);
  }

  async stop() {
    byId("stop").disabled = true;
    try {
      await api.stop();
    } catch (error) {
      this.running?.abort();
      this.fails(error);
    }
  }

  /** Go to an epoch: its network answers, and the charts point at it. */
  select(epoch) {
    if (!this.epochs.length) return;
    this.left = false;
    this.selected = Math.max(1, Math.min(epoch, this.epochs.length));
    const slider = byId("epoch");
    slider.value = this.selected;
    slider.setAttribute("aria-valuetext", `Epoch ${this.selected} of ${this.epochs.length}`);
    const { network, units, command } = this.epochs[this.selected - 1];
    this.order(command, `The network after epoch ${this.selected} from the command line, to the last bit:`);
    this.draw();
    this.chosen(network, { network, units, hidden_size: this.hidden });
    this.showMasks(units);
  }

  /** Show the masks of the epoch's hidden units, and what each of them speaks for. */
  showMasks(units) {
    byId("masks").replaceChildren(...units.map(({ index, weights, votes }) => {
      const canvas = thumbnail("strip-mask");
      paintSigned(canvas, weights);
      const digit = (vote) => String(votes.indexOf(vote));
      return element("li", "", canvas,
        element("span", "plus", `for ${digit(Math.max(...votes))}`),
        element("span", "minus", `against ${digit(Math.min(...votes))}`));
    }));
    byId("masks-title").hidden = false;
  }

  draw() {
    const now = this.epochs[this.selected - 1];
    const shared = { epochs: this.planned, selected: this.selected, choose: (epoch) => this.select(epoch) };
    const of = (name) => this.epochs.map((epoch) => epoch[name] ?? null);
    chart(byId("loss-chart"), [
      { values: of("train_loss"), className: "train" }, { values: of("validation_loss"), className: "held-out" },
    ], { ...shared, write: (value) => number(value, 2) });
    chart(byId("accuracy-chart"), [{ values: of("validation_accuracy"), className: "held-out" }],
      { ...shared, write: (value) => percent(value, this.epochs.length ? 1 : 0), high: this.epochs.length ? undefined : 1 });
    const watched = this.epochs.map((epoch) => epoch.watched ?? null);
    chart(byId("watched-chart"), [{
      values: watched.map((answer) => answer?.probability ?? null),
      labels: watched.map((answer) => (answer ? String(answer.digit) : "")),
    }], { ...shared, low: 0, high: 1, write: (value) => percent(value, 0) });
    byId("epoch-now").textContent = now ? `${this.selected} of ${this.epochs.length}` : "–";
    byId("loss-now").replaceChildren(...(now ? [
      number(now.train_loss, 3), " ", element("span", "key-train", "training"),
      ...(now.validation_loss === null
        ? [] : [", ", number(now.validation_loss, 3), " ", element("span", "key-held-out", "held out")]),
    ] : []));
    byId("accuracy-now").textContent = now && now.validation_accuracy !== null
      ? `${percent(now.validation_accuracy, 2)} of the held-out pictures` : "";
    const answer = now?.watched;
    for (const [name, what] of [["loss", "Loss"], ["accuracy", "Accuracy"], ["watched", "The answer to your drawing"]]) {
      byId(`${name}-chart`).setAttribute("aria-label", this.inWords(name, what, now));
    }
    byId("watched-now").textContent = answer ? `${aDigit(answer.digit)}, ${sureness(answer.probability)} sure` : "";
  }

  /** Say what a chart shows, with its figures of the epoch that is selected. */
  inWords(name, what, now) {
    if (!now) return `${what} after each epoch: nothing yet`;
    const of = {
      loss: [`training ${number(now.train_loss)}`,
        now.validation_loss === null ? "" : `held out ${number(now.validation_loss)}`],
      accuracy: [now.validation_accuracy === null ? "" : `held out ${percent(now.validation_accuracy, 2)}`],
      watched: [now.watched ? `${aDigit(now.watched.digit)}, ${sureness(now.watched.probability)} sure` : ""],
    }[name].filter(Boolean);
    return `${what} after epoch ${now.epoch}: ${of.join(", ") || "not known"}`;
  }

  async copy() {
    const button = byId("copy");
    try {
      await navigator.clipboard.writeText(byId("command").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(byId("command"));
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  async save() {
    const status = byId("save-status");
    const name = byId("save-name").value.trim();
    if (!this.epochs.length) return;
    if (!name) {
      status.textContent = "Give the file a name, such as mine.npz.";
      return;
    }
    const { network, epoch } = this.epochs[this.selected - 1];
    byId("save").disabled = true;
    status.textContent = "Saving…";
    try {
      const saved = await api.save({ name, network });
      this.order(saved.command, "The file that was saved, from the command line, byte for byte:");
      status.textContent = [
        `Saved ${saved.model}, epoch ${epoch}: ${percent(saved.accuracy, 2)} of the test pictures are right.`,
        "It is in the folder where nnscratch draw was started.",
        saved.previous ? `The earlier one is now ${saved.previous}.` : "",
        `Next: nnscratch evaluate ${saved.model}`,
      ].filter(Boolean).join(" ");
    } catch (error) {
      status.textContent = error.message;
      if (error.gone) this.fails(error);
    }
    this.buttons();
  }
}
