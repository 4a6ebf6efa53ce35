// What a view is made of, part by part. A part is loaded again when its mark changed or it is a minute old. When that
// fails it keeps its last value, with the error beside it.

import * as api from "./api.js";

const FRESH_MS = 60_000;
const parts = new Map(); // by key: { value, mark, at, error, request }
let requests = 0;

async function loadPart(key, mark, load, force) {
  const before = parts.get(key), newMark = JSON.stringify(mark);
  const due = force || !before || before.error || before.mark !== newMark || before.value.more || Date.now() - before.at > FRESH_MS;
  if (!due) return before;
  const request = ++requests;
  const part = await load().then((value) => ({ value, mark: newMark, at: Date.now(), error: null }),
    (error) => ({ value: before?.value, mark: before?.mark, at: before?.at, error: error.message }));
  if ((parts.get(key)?.request ?? 0) > request) return parts.get(key); // a later request was answered first
  parts.set(key, { ...part, request });
  return part;
}

const required = (part) => {
  if (!part.value) throw new Error(part.error);
  return part;
};

export async function loadList(force) {
  const load = () => loadEntries("models", "models", (query) => api.listModels(query));
  return { models: required(await loadPart("models", wantedEntries("models"), load, force)) };
}

export async function loadModel(name, { columns, force }) {
  const load = (topic, mark, ask) => loadPart(`${topic} ${name}`, mark, ask, force);
  const model = required(await loadPart(`model ${name}`, null, () => api.getModel(name), true));
  const { updated_at: changedAt, run, drift: driftState, quality: qualityState } = model.value;
  const changed = [changedAt, run?.run_id, run?.state];
  const loadNewest = (topic, mark, complete = (entries) => entries) => {
    const key = `${topic} ${name}`;
    return load(topic, [mark, wantedEntries(key)],
      () => loadEntries(key, topic, (query) => api.getModel(name, topic, query)).then(complete));
  };
  const [versions, runs, drift, quality, summary, audit] = await Promise.all([
    loadNewest("versions", changed, (entries) => withServingVersions(name, model.value, entries)),
    loadNewest("runs", [run?.run_id, run?.updated_at]),
    load("drift", driftState?.updated_at, () => loadVerdicts(name, "drift")),
    load("quality", qualityState?.updated_at, () => loadVerdicts(name, "quality")),
    load("summary", null, () => api.getModel(name, "summary", { hours: 1 })),
    loadNewest("audit", changed),
  ]);
  const open = drift.value ? [...columns] : [];
  const details = Object.fromEntries(await Promise.all(open.map(async (column) => [column, await loadColumn(name, drift.value, column)])));
  return { model, versions, runs, drift, quality, summary, audit, details };
}

// What serves is listed even when it is older than the versions that are shown.
async function withServingVersions(name, model, page) {
  const listed = new Set(page.items.map((version) => version.version));
  const serving = ["champion", "challenger", "shadow", "previous"].map((role) => model[role]);
  const missing = [...new Set([...serving, ...(model.pins || [])])].filter((version) => version && !listed.has(version));
  const older = await Promise.all(missing.map((version) => api.getModel(name, `versions/${version}`)));
  return { ...page, items: [...page.items, ...older.sort((left, right) => right.version - left.version)] };
}

// Lists: the newest entries at first, older ones when a person asks for them.

const FIRST_ENTRIES = 20, MORE_ENTRIES = 50, PAGE = 100;
const amounts = new Map(); // by list: how many entries are wanted

const wantedEntries = (key) => amounts.get(key) ?? (key === "models" ? PAGE : FIRST_ENTRIES);

export const wantOlder = (key) => amounts.set(key, wantedEntries(key) + MORE_ENTRIES);

async function loadEntries(key, field, ask) {
  let items = [], next;
  do {
    const page = await ask({ limit: Math.min(PAGE, wantedEntries(key) - items.length), next });
    items = [...items, ...(page[field] || [])];
    next = page.next;
  } while (next && items.length < wantedEntries(key));
  return { items, next };
}

// Verdicts over time are kept: a refresh loads what is new and one older page, until they reach back a day. `more` says
// that they do not yet.

const FIRST_VERDICTS = 100, NEW_VERDICTS = 20, MAX_VERDICTS = 2_000, REACH_MS = 24 * 3_600_000;
const histories = new Map(); // by kind and model: verdicts by their time, and where older ones go on

async function loadVerdicts(name, kind) {
  const key = `${kind} ${name}`, before = histories.get(key);
  const newest = await api.getModel(name, kind, { limit: before ? NEW_VERDICTS : FIRST_VERDICTS });
  const page = newest.history || [];
  const joins = before && page.some((verdict) => before.verdicts.has(verdict.updated_at));
  const history = joins ? before : { verdicts: new Map(), next: newest.next };
  keepVerdicts(history, page);
  if (joins && history.next && reachOf(history) < REACH_MS) {
    const older = await api.getModel(name, kind, { limit: FIRST_VERDICTS, next: history.next });
    keepVerdicts(history, older.history || []);
    history.next = older.next;
  }
  histories.set(key, history);
  const shown = timesOf(history).slice(-MAX_VERDICTS).map((time) => history.verdicts.get(time));
  return { ...newest, more: Boolean(history.next) && reachOf(history) < REACH_MS, history: shown };
}

const keepVerdicts = (history, page) => page.forEach((verdict) => history.verdicts.set(verdict.updated_at, verdict));
const timesOf = (history) => [...history.verdicts.keys()].sort();
const reachOf = (history) => Date.now() - Date.parse(timesOf(history)[0]);

const columnDetails = new Map(); // the detail of a column does not change within one verdict

async function loadColumn(name, verdict, column) {
  const key = JSON.stringify([name, column]), before = columnDetails.get(key);
  if (before && before.updated_at === verdict.updated_at) return before;
  const detail = await api.getModel(name, "drift", { column, limit: FIRST_VERDICTS }).catch((error) => ({ error: error.message }));
  if (!detail.error) columnDetails.set(key, detail);
  return detail;
}
