// The hidden units of a network, got from the server where they did not come along with it.

import * as api from "./api.js";

/** A hidden unit, with its weights and votes, as far as it is here. */
export const unitOf = (network, index) =>
  network.units.find((unit) => unit.index === index) ?? network.more?.get(index);

/** Get the units that are not here yet; gives whether any came. */
export async function getUnits(network, indices) {
  network.more ??= new Map();
  network.coming ??= new Map(); // by index, what is on its way
  const missing = indices.filter((index) => !unitOf(network, index));
  const unasked = missing.filter((index) => !network.coming.has(index));
  if (unasked.length) {
    const request = fetchUnits(network, unasked);
    for (const index of unasked) network.coming.set(index, request);
  }
  await Promise.all(missing.map((index) => network.coming.get(index)));
  return missing.some((index) => unitOf(network, index));
}

async function fetchUnits(network, indices) {
  try {
    const { units } = await api.masks(network.network, indices);
    for (const unit of units) network.more.set(unit.index, unit);
  } catch {
    // without their masks the units still have their rows
  }
  for (const index of indices) network.coming.delete(index);
}
