// Numbers and small pieces of the page, put into words and elements. Text enters as text only.

/** Make an element: its class, and what it holds, text or elements. */
export function element(tag, className = "", ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Name a digit with its article. */
export const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

/** Whether the network gave no answer to what is drawn. */
export const isRefused = (look) => look?.answer === "?";

const MINUS = "\u2212";

/** Write a number with so many decimals and a true minus sign. */
export const number = (value, decimals = 2) => value.toFixed(decimals).replace("-", MINUS);

/** Write a number with its sign. */
export const signed = (value, decimals = 2) => (value < 0 ? "" : "+") + number(value, decimals);

/** Write a fraction as percent. */
export const percent = (fraction, decimals = 1) => `${(100 * fraction).toFixed(decimals)}%`;

/** Whether a probability would be rounded to a certainty that no network has. */
export const nearlyCertain = (probability) => probability >= 0.9995;

/** Write how sure an answer is. */
export const sureness = (probability) => (nearlyCertain(probability) ? ">99.9%" : percent(probability));

/** Round numbers so that as they are shown they still add up to their sum as it is shown. */
export function addingUp(values, total, decimals = 2) {
  const scale = 10 ** decimals;
  const exact = values.map((value) => value * scale);
  const rounded = exact.map(Math.round);
  let missing = Math.round(total * scale) - rounded.reduce((sum, value) => sum + value, 0);
  const order = exact
    .map((value, i) => ({ i, rest: value - rounded[i] }))
    .sort((a, b) => (missing > 0 ? b.rest - a.rest : a.rest - b.rest));
  for (let k = 0; missing !== 0 && k < order.length; k += 1) {
    rounded[order[k].i] += Math.sign(missing);
    missing -= Math.sign(missing);
  }
  return rounded.map((value) => value / scale);
}
