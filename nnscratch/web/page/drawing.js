// The sheet: strokes by mouse, finger, pen and keyboard, or a picture that was put on it.
// Strokes are kept as points between 0 and 1; no pixel is ever read back.

import { css, onTheme, palette } from "./paint.js";
import { byId } from "./words.js";

const CELLS = 28; // the keyboard's cursor moves on the grid that the network sees
const NEAREST = 0.002; // a point nearer than this to the last one says nothing new
const MOST_POINTS = 15000; // with four decimals each, they fit into 256 KiB
const MOST_STROKES = 500;

export class Drawing {
  /** @param changed called after every change of what stands on the sheet */
  constructor(changed, said) {
    this.canvas = byId("drawing");
    this.overlay = byId("overlay");
    this.changed = changed;
    this.said = said;
    this.strokes = [];
    this.pen = Number(byId("pen").value);
    this.picture = null; // {bytes, bitmap}
    this.past = [];
    this.pointer = null; // the one pointer that draws
    this.inside = false; // whether its last point was on the sheet
    this.cell = { x: 14, y: 6 };
    this.cursorShown = false;
    this.keyDown = false; // whether the keyboard's pen is down
    this.boxes = [];
    this.overlaid = false; // whether boxes or the cursor stand over the sheet
    this.listen();
    onTheme(() => this.paint());
    this.paint();
  }

  get empty() {
    return !this.picture && this.strokes.length === 0;
  }

  get busy() {
    return this.pointer !== null || this.keyDown;
  }

  /** What is sent: strokes rounded to four decimals, or the bytes of the picture. */
  get content() {
    const short = (value) => Math.round(value * 1e4) / 1e4;
    return {
      strokes: this.strokes.map((stroke) => stroke.map(([x, y]) => [short(x), short(y)])),
      pen: this.pen,
      picture: this.picture?.bytes ?? null,
    };
  }

  // ------------------------------------------------------------------------- what stands there

  remember() {
    this.past.push({ strokes: [...this.strokes], picture: this.picture });
  }

  undo() {
    this.lift();
    const last = this.past.pop();
    if (!last) return;
    Object.assign(this, last);
    this.update();
  }

  clear() {
    this.lift();
    if (this.empty) return;
    this.remember();
    this.strokes = [];
    this.picture = null;
    this.update();
  }

  setPen(width) {
    this.pen = width;
    this.update();
  }

  /** Put a picture on the sheet, in place of what is there. */
  async show(file) {
    let bitmap = null;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      // what the browser cannot show, such as a TIFF, Python may still be able to read
    }
    this.lift();
    this.remember();
    this.strokes = [];
    this.picture = { bytes: file, bitmap, name: file.name ?? "picture" };
    this.update();
  }

  /** Put the pen down at a point, as a new stroke; `together`: as part of the last one's undo. */
  begin(point, together = false) {
    if (!together) this.remember();
    this.picture = null;
    this.strokes = [...this.strokes, [point]];
    this.update();
  }

  extend(point) {
    const stroke = this.strokes.at(-1);
    const [x, y] = stroke.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < NEAREST) return;
    if (this.full) return;
    stroke.push(point);
  }

  get full() {
    const points = this.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    return points >= MOST_POINTS || this.strokes.length > MOST_STROKES;
  }

  lift() {
    this.pointer = null;
    this.keyDown = false;
  }

  update() {
    this.boxes = [];
    this.canvas.dataset.strokes = this.strokes.length; // so that it can be seen from outside
    this.canvas.dataset.points = this.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    this.paint();
    this.changed();
  }

  // ------------------------------------------------------------------------------ mouse, finger

  /** Where an event is on the sheet: from 0 to 1, whatever was scrolled or zoomed. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => this.up(event));
    }
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => {
      this.cursorShown = canvas.matches(":focus-visible");
      this.paint();
    });
    canvas.addEventListener("blur", () => {
      this.cursorShown = false;
      if (this.keyDown) this.liftKey();
      this.paint();
    });
  }

  down(event) {
    if (this.pointer !== null || event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.cursorShown = false;
    if (this.full) return;
    this.lift();
    this.pointer = event.pointerId;
    try {
      this.canvas.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is already gone cannot be held, and its events have ended
    }
    this.inside = true;
    this.begin(this.at(event));
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    if (event.pointerType === "mouse" && event.buttons === 0) {
      this.up(event); // the button was let go where nobody told us
      return;
    }
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      const point = this.at(one);
      const inside = point.every((value) => value >= 0 && value <= 1);
      if (inside && this.inside) this.extend(point);
      else if (inside && !this.full) this.begin(point, true); // it comes back onto the sheet
      this.inside = inside;
    }
    this.update();
  }

  up(event) {
    if (event.pointerId !== this.pointer) return;
    this.lift();
    this.update();
  }

  // ----------------------------------------------------------------------------------- keyboard

  get cursor() {
    return [(this.cell.x + 0.5) / CELLS, (this.cell.y + 0.5) / CELLS];
  }

  key(event) {
    if (event.altKey || (event.metaKey && event.key !== "z")) return;
    const far = event.shiftKey ? 4 : 1;
    const moves = {
      ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far],
    };
    if (moves[event.key]) this.moveCursor(...moves[event.key]);
    else if (event.key === " ") this.toggleKey();
    else if (event.key === "Escape" && this.keyDown) this.liftKey();
    else if (event.key.toLowerCase() === "u" && !event.ctrlKey) this.undo();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
    this.cursorShown = true;
    this.paint();
  }

  moveCursor(dx, dy) {
    const onto = (value) => Math.max(0, Math.min(CELLS - 1, value));
    this.cell = { x: onto(this.cell.x + dx), y: onto(this.cell.y + dy) };
    if (this.keyDown) {
      this.extend(this.cursor);
      this.update();
    } else {
      this.said(`Column ${this.cell.x + 1}, row ${this.cell.y + 1}`);
    }
  }

  toggleKey() {
    if (this.keyDown) {
      this.liftKey();
    } else if (this.pointer === null && !this.full) {
      this.keyDown = true;
      this.begin(this.cursor);
      this.said(`Pen down at column ${this.cell.x + 1}, row ${this.cell.y + 1}`);
    }
  }

  liftKey() {
    this.keyDown = false;
    this.said("Pen up");
    this.update();
  }

  // ----------------------------------------------------------------------------------- painting

  paint() {
    this.canvas.classList.toggle("by-key", this.cursorShown);
    paintSheet(this.canvas, this, 1);
    this.paintOverlay();
  }

  /** Paint boxes and cursor over the sheet; where there were none and are none, nothing is done. */
  paintOverlay() {
    const needed = this.boxes.length > 0 || this.cursorShown;
    if (!needed && !this.overlaid) return;
    this.overlaid = needed;
    const pen = this.overlay.getContext("2d");
    const side = this.overlay.width;
    pen.clearRect(0, 0, side, side);
    if (this.boxes.length) this.paintBoxes(pen, side);
    if (this.cursorShown) this.paintCursor(pen, side);
  }

  /** Show where each of several digits was found: boxes in fractions of the sheet. */
  mark(boxes) {
    this.boxes = boxes;
    this.paintOverlay();
  }

  paintBoxes(pen, side) {
    pen.lineWidth = 3;
    pen.strokeStyle = pen.fillStyle = css(palette().minus);
    pen.font = "600 34px system-ui, sans-serif";
    for (const { box: [left, top, right, bottom], digit } of this.boxes) {
      pen.strokeRect(left * side, top * side, (right - left) * side, (bottom - top) * side);
      pen.fillText(digit, left * side + 4, Math.max(top * side - 8, 34));
    }
  }

  paintCursor(pen, side) {
    const [x, y] = this.cursor.map((value) => value * side);
    const half = side / CELLS / 2;
    pen.lineWidth = 5;
    pen.strokeStyle = css(palette().minus);
    pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
    pen.fillStyle = css(palette().minus, this.keyDown ? 0.8 : 0.15);
    pen.fillRect(x - half, y - half, 2 * half, 2 * half);
  }
}

/** Paint strokes, or the picture, onto a square canvas, as dark as `strength` says. */
export function paintSheet(canvas, { strokes, pen, picture }, strength) {
  const brush = canvas.getContext("2d");
  const side = canvas.width;
  brush.clearRect(0, 0, side, side);
  if (picture?.bitmap) {
    const [left, top, width, height] = placeOf(picture.bitmap);
    brush.globalAlpha = strength;
    brush.drawImage(picture.bitmap, left * side, top * side, width * side, height * side);
    brush.globalAlpha = 1;
  }
  brush.strokeStyle = brush.fillStyle = css(palette().ink, strength);
  brush.lineWidth = pen * side;
  brush.lineCap = brush.lineJoin = "round";
  brush.beginPath();
  for (const stroke of strokes) {
    stroke.forEach(([x, y], i) => brush[i ? "lineTo" : "moveTo"](x * side, y * side));
    if (stroke.length === 1) brush.lineTo(stroke[0][0] * side, stroke[0][1] * side);
  }
  brush.stroke();
}

/** Where a picture lies on the sheet, whole and in the middle: left, top, width, height. */
export function placeOf({ width, height }) {
  const long = Math.max(width, height);
  const [w, h] = [width / long, height / long];
  return [(1 - w) / 2, (1 - h) / 2, w, h];
}
