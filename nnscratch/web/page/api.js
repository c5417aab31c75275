// Every request that the page makes. What goes wrong comes back as an Error that a reader can act on.

export const GONE =
  "The server has gone: nnscratch draw was ended in its terminal. Start it again and open the address that it prints.";

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw Object.assign(new Error(GONE), { gone: true });
  }
  if (response.ok) return response;
  let said = {};
  try {
    said = await response.json();
  } catch {
    // an answer that is no JSON says no more than its code
  }
  const words = said.error ?? `The server answered ${response.status}`;
  throw new Error([sentence(words), sentence(said.next)].filter(Boolean).join(" "));
}

/** Begin with a capital, end with a full stop. */
export function sentence(text) {
  if (!text) return "";
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

const post = (path, body, signal) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

export const model = async (network) =>
  (await ask(`/api/model?network=${encodeURIComponent(network)}`)).json();

/** The masks of hidden units that are not among those with the most say. */
export const masks = async (network, units) =>
  (await ask(`/api/model?${new URLSearchParams({ network, units })}`)).json();

/** Ask what a network makes of a drawing: strokes, or the bytes of a picture, which is always explained. */
export async function look({ strokes, pen, picture }, network, against, explain) {
  if (!picture) {
    const choice = against === null ? {} : { against };
    return (await post("/api/look", { strokes, pen, network, explain, ...choice })).json();
  }
  const query = new URLSearchParams({ network });
  if (against !== null) query.set("against", against);
  const response = await ask(`/api/look?${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream" },
    body: picture,
  });
  return response.json();
}

export const picture = async (strokes, pen) => (await post("/api/picture", { strokes, pen })).blob();
export const stop = () => post("/api/stop", {});
export const step = async (body) => (await post("/api/step", body)).json();
export const save = async (body) => (await post("/api/save", body)).json();

/** Train, and give each line of the stream as an object. */
export async function* train(body, signal) {
  const reader = (await post("/api/train", body, signal)).body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value ?? new Uint8Array(), { stream: !done });
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.trim()) yield JSON.parse(line);
      if (done) return;
    }
  } catch (error) {
    if (error instanceof TypeError) throw Object.assign(new Error(GONE), { gone: true });
    throw error;
  } finally {
    reader.cancel().catch(() => {});
  }
}
