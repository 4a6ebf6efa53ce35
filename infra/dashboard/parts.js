// What a view is made of, part by part. A part is asked for again when its mark changed or it is a minute old, and keeps
// its last answer, with the error beside it, when it cannot be had.

import * as api from "./api.js";
import { column, verdicts } from "./history.js";
import { pages, wanted } from "./lists.js";

const FRESH_MS = 60_000;
const kept = new Map(); // by key: { value, mark, at, error, asked }
let asked = 0;

async function part(key, mark, ask, force) {
  const before = kept.get(key), told = JSON.stringify(mark);
  const due = force || !before || before.error || before.mark !== told || before.value.more || Date.now() - before.at > FRESH_MS;
  if (!due) return before;
  const mine = ++asked;
  const found = await ask().then((value) => ({ value, mark: told, at: Date.now(), error: null }),
    (error) => ({ value: before?.value, mark: before?.mark, at: before?.at, error: error.message }));
  if ((kept.get(key)?.asked ?? 0) > mine) return kept.get(key); // a later question was answered first
  kept.set(key, { ...found, asked: mine });
  return found;
}

const first = (found) => {
  if (!found.value) throw new Error(found.error);
  return found;
};

export async function loadList(force) {
  return { models: first(await part("models", wanted("models"), () => pages("models", "models", (query) => api.models(query)), force)) };
}

export async function loadModel(name, { columns, force }) {
  const ask = (topic, mark, load) => part(`${topic} ${name}`, mark, load, force);
  const model = first(await part(`model ${name}`, null, () => api.about(name), true));
  const { updated_at: moved, run, drift: drifted, quality: judged } = model.value;
  const changed = [moved, run?.run_id, run?.state];
  const list = (topic, mark, load = null) => {
    const key = `${topic} ${name}`, all = () => pages(key, topic, (query) => api.about(name, topic, query));
    return ask(topic, [mark, wanted(key)], () => (load ? all().then(load) : all()));
  };
  const [versions, runs, drift, quality, summary, audit] = await Promise.all([
    list("versions", changed, (found) => withServing(name, model.value, found)), list("runs", [run?.run_id, run?.updated_at]),
    ask("drift", drifted?.updated_at, () => verdicts(name, "drift")), ask("quality", judged?.updated_at, () => verdicts(name, "quality")),
    ask("summary", null, () => api.about(name, "summary", { hours: 1 })), list("audit", changed),
  ]);
  const names = drift.value ? [...columns] : [];
  const details = Object.fromEntries(await Promise.all(names.map(async (one) => [one, await column(name, drift.value, one)])));
  return { model, versions, runs, drift, quality, summary, audit, details };
}

// What serves is shown even when it is older than the versions that are listed.
async function withServing(name, model, found) {
  const known = new Set(found.items.map((one) => one.version));
  const serving = ["champion", "challenger", "shadow", "previous"].map((role) => model[role]);
  const missing = [...new Set([...serving, ...(model.pins || [])])].filter((version) => version && !known.has(version));
  const older = await Promise.all(missing.map((version) => api.about(name, `versions/${version}`)));
  return { ...found, items: [...found.items, ...older.sort((one, other) => other.version - one.version)] };
}
