// The ladder: the steps from the drawing to its 28×28 pixels, with the answer after each.

import { onTheme, paintInk, thumbnail } from "./paint.js";
import { byId, element, isRefused, sureness } from "./words.js";

let standing = null;
onTheme(() => showLadder(standing));

/** Show the steps, or none. */
export function showLadder(look) {
  standing = look;
  const steps = look?.ladder ?? [];
  const refused = isRefused(look) && steps.length > 0;
  byId("no-ladder").hidden = steps.length > 0;
  byId("ladder-refused").hidden = !refused;
  byId("ladder").classList.toggle("withheld", refused);
  byId("no-ladder").textContent = !look || look.answer === ""
    ? "Draw a digit first." : "There is no single digit here whose steps could be shown.";
  byId("ladder").replaceChildren(...steps.map(rung));
}

function rung({ text, image, digit, probability }) {
  const canvas = thumbnail("rung-picture");
  paintInk(canvas, image);
  const known = digit !== null && digit !== undefined;
  return element("li", "rung", canvas,
    element("p", "rung-text", text),
    element("p", "rung-answer", element("b", "", known ? String(digit) : "?"),
      known && probability !== null ? ` ${sureness(probability)}` : ""));
}
