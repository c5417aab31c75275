// The page: what stands on the sheet, which network answers, and everybody who shows the answer.

import { Account } from "./account.js";
import * as api from "./api.js";
import { Drawing, placeOf } from "./drawing.js";
import { Learning } from "./learning.js";
import { Diagram } from "./network.js";
import { showLadder } from "./ladder.js";
import { OneStep } from "./step.js";
import { byId, nearlyCertain, percent } from "./words.js";

const networks = new Map(); // those whose units are known, by name
let network = "model"; // the one that answers
let against = null; // the digit to compare with, if the user chose one
let standing = null; // the last answer

// -------------------------------------------------------------------------------------- messages

function fails(error) {
  const message = byId("message");
  message.textContent = error.message;
  message.hidden = false;
}

function works() {
  byId("message").hidden = true;
}

// ---------------------------------------------------------------------- one look at a time

const REST = 60; // milliseconds without a change, before the answer is explained

let looking = false;
let again = false;
let turn = 0; // counts what was asked to be looked at
let resting = null;

/** Ask for an answer to what stands there now; while one is on its way, the newest waits. */
async function look() {
  turn += 1;
  clearTimeout(resting);
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  for (let request = ask(false); request; ) {
    const { asked, answer, error } = await request;
    request = again ? ask(false) : null; // on its way while this one is shown
    if (error) fails(error);
    else works();
    if (!error && asked !== network) continue;
    show(answer); // of an error nothing: the last answer is not one to what stands there now
    if (error && !drawing.empty) byId("notes").textContent = "No answer.";
  }
  looking = false;
}

async function ask(explain) {
  again = false;
  const asked = network;
  try {
    const content = drawing.empty ? null : drawing.content;
    return { asked, answer: content && (await api.look(content, asked, against, explain)) };
  } catch (error) {
    return { asked, answer: null, error };
  }
}

/** The account and the ladder take as long as the answer: they are asked for once the pen rests. */
function explainAtRest() {
  clearTimeout(resting);
  resting = setTimeout(async () => {
    if (looking) return; // what comes is explained in its turn
    const began = turn;
    const { answer, error } = await ask(true);
    if (turn !== began) return;
    if (error) fails(error);
    standing = answer;
    if (answer) byId("notes").textContent = notes(answer);
    explain(answer);
  }, REST);
}

function changed() {
  byId("undo").disabled = drawing.past.length === 0;
  byId("clear").disabled = drawing.empty;
  byId("export").disabled = drawing.strokes.length === 0;
  byId("hint").hidden = !drawing.empty;
  byId("reply").setAttribute("aria-busy", String(drawing.busy));
  if (drawing.busy) point(null);
  if (drawing.empty) {
    against = null;
    show(null); // an empty sheet needs no answer
  }
  look();
}

// ------------------------------------------------------------------------------ what is shown

function show(answer) {
  if (drawing.empty) answer = null;
  if (answer && standing && answer.answer !== standing.answer) against = null;
  standing = answer;
  reply(answer);
  diagram.answer(answer);
  if (answer?.seen && !answer.why) {
    explaining(true);
    explainAtRest();
  } else {
    explain(answer);
  }
  drawing.mark(answer && answer.answer.length > 1 ? found(answer.reading) : []);
  document.dispatchEvent(new Event("answered")); // for whoever takes the time from outside
}

/** Show the account and the ladder. */
function explain(answer) {
  account.show(answer, networks.get(network) ?? diagram.network);
  showLadder(answer);
  explaining(false);
}

function explaining(busy) {
  for (const name of ["why", "steps"]) byId(name).setAttribute("aria-busy", String(busy));
}

function reply(answer) {
  const text = answer?.answer ?? "";
  byId("answer").textContent = text;
  byId("answer").classList.toggle("many", text.length > 1);
  byId("answer").style.setProperty("--longest", Math.max(...text.split("\n").map((row) => row.length)));
  const known = answer && answer.probability !== null && answer.probability !== undefined;
  const several = text.length > 1;
  byId("sure-least").textContent = !known ? "" : several ? "at least " : nearlyCertain(answer.probability) ? "more than " : "";
  byId("probability").textContent = known ? percent(Math.min(answer.probability, 0.999)) : "";
  byId("sure-of").textContent = !known ? "" : several ? " sure of each" : " sure";
  byId("notes").textContent = answer ? notes(answer) : drawing.empty ? "Nothing drawn yet." : "";
}

/** Every doubt, in sentences. */
function notes({ error, notes: doubts }) {
  const problem = error ? [error.what, error.next] : [];
  return [...problem, ...(doubts ?? [])].map(api.sentence).filter(Boolean).join(" ");
}

/** The boxes of several digits, in fractions of the sheet. */
function found(reading) {
  const bitmap = drawing.picture?.bitmap;
  if (!reading || (drawing.picture && !bitmap)) return [];
  const [left, top, width, height] = bitmap ? placeOf(bitmap) : [0, 0, 1, 1];
  const size = bitmap ? [bitmap.width, bitmap.height] : [280, 280];
  return reading.digits.map(({ box, digit }) => ({
    digit,
    box: box.map((value, i) => (i % 2 ? top + (value / size[1]) * height : left + (value / size[0]) * width)),
  }));
}

/** Show one hidden unit alone, everywhere; null: all of them again. */
function point(unit) {
  diagram.single(unit);
  account.single(unit);
}

// --------------------------------------------------------------------------- which network answers

/** Let another network answer. `known`: its units and hidden_size, where they came along. */
async function choose(name, known = null) {
  network = name;
  if (known) networks.set(name, known);
  if (!networks.has(name)) {
    try {
      networks.set(name, await api.model(name));
    } catch (error) {
      fails(error);
      return;
    }
    if (network !== name) return;
  }
  const chosen = networks.get(name);
  learning.left ||= !name.startsWith("run-");
  diagram.show(chosen);
  byId("network-name").textContent = described(name, chosen);
  byId("back-to-model").hidden = name === "model";
  look();
}

function described(name, { name: file, hidden_size: size, accuracy }) {
  const [kind, run, epoch] = name.split("-");
  if (kind === "run") return `your run ${run} after epoch ${epoch}`;
  if (kind === "step") return "the network after one more step";
  const known = accuracy === null ? "" : `, right on ${percent(accuracy, 2)} of the test pictures`;
  return `${file === "pretrained" ? "the bundled network" : file}, 784-${size}-10${known}`;
}

// -------------------------------------------------------------------------------------- the parts

const drawing = new Drawing(() => changed(), (text) => { byId("pen-status").textContent = text; });
const diagram = new Diagram(point);
const account = new Account(drawing, point, (digit) => {
  against = digit;
  look();
});
const oneStep = new OneStep(drawing, () => network, (name) => choose(name), fails);
const learning = new Learning(drawing, (name, known) => {
  if (oneStep.taken.length) oneStep.forget();
  choose(name, known);
}, fails);

byId("undo").addEventListener("click", () => drawing.undo());
byId("clear").addEventListener("click", () => drawing.clear());
byId("pen").addEventListener("input", (event) => drawing.setPen(Number(event.target.value)));
byId("back-to-model").addEventListener("click", () => {
  oneStep.forget();
  choose("model");
});
byId("export").addEventListener("click", async () => {
  const { strokes, pen } = drawing.content;
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await api.picture(strokes, pen));
    link.download = "drawing.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  } catch (error) {
    fails(error);
  }
});

// --------------------------------------------------------------- a picture: dropped, pasted, chosen

const drop = byId("drop");
for (const type of ["dragenter", "dragover"]) {
  addEventListener(type, (event) => {
    event.preventDefault(); // else the browser would leave the page for the file
    drop.classList.toggle("over", drop.contains(event.target));
  });
}
addEventListener("dragleave", (event) => {
  if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const [file] = event.dataTransfer?.files ?? [];
  if (file) drawing.show(file);
});
addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (!file) return;
  event.preventDefault();
  drawing.show(file);
});
byId("picture").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) drawing.show(file);
  event.target.value = ""; // so that the same file can be chosen once more
});

// ------------------------------------------------------------------------------------------ begin

changed();
await choose("model");
learning.limit(networks.get("model")?.limits ?? {});
document.documentElement.dataset.ready = "yes";
