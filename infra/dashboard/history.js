// Verdicts over time. What is known is kept: a refresh asks for what is new, and once for an older page until a day is
// known, which `more` tells.

import { about } from "./api.js";

const FIRST = 100, AGAIN = 20, MOST = 2_000, REACH_MS = 24 * 3_600_000;
const known = new Map(); // by kind and model: points by their time, and where older ones go on

export async function verdicts(name, kind) {
  const key = `${kind} ${name}`, before = known.get(key);
  const newest = await about(name, kind, { limit: before ? AGAIN : FIRST });
  const page = newest.history || [];
  const joined = before && page.some((point) => before.points.has(point.updated_at));
  const kept = joined ? before : { points: new Map(), next: newest.next };
  keep(kept, page);
  if (joined && kept.next && reach(kept) < REACH_MS) {
    const older = await about(name, kind, { limit: FIRST, next: kept.next });
    keep(kept, older.history || []);
    kept.next = older.next;
  }
  known.set(key, kept);
  return { ...newest, more: Boolean(kept.next) && reach(kept) < REACH_MS, history: times(kept).slice(-MOST).map((time) => kept.points.get(time)) };
}

const keep = (kept, page) => page.forEach((point) => kept.points.set(point.updated_at, point));
const times = (kept) => [...kept.points.keys()].sort();
const reach = (kept) => Date.now() - Date.parse(times(kept)[0]);

const details = new Map(); // one column of one verdict does not change

export async function column(name, verdict, wanted) {
  const key = JSON.stringify([name, wanted]), before = details.get(key);
  if (before && before.updated_at === verdict.updated_at) return before;
  const found = await about(name, "drift", { column: wanted, limit: FIRST }).catch((error) => ({ error: error.message }));
  if (!found.error) details.set(key, found);
  return found;
}
