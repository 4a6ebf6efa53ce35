// What was asked of one model in a day, hour by hour and by version, and what it cost.

import { traffic } from "./charts.js";
import { card, facts, h, number, table } from "./dom.js";

const HOUR_MS = 3_600_000;

function hourly({ from, to, hours = [] }) {
  const known = new Map(hours.map((hour) => [Date.parse(hour.from), hour])), start = Date.parse(from);
  return Array.from({ length: Math.max(0, Math.round((Date.parse(to) - start) / HOUR_MS)) }, (_, at) => {
    const moment = start + at * HOUR_MS, found = known.get(moment);
    const label = new Date(moment).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    return { label, rows: found?.rows ?? 0, errors: found?.errors ?? 0 };
  });
}

export function trafficCard(found, stale) {
  if (!found.requests && !found.versions.length) return card("Traffic of 24 hours", stale, h("p", { class: "muted" }, "No traffic was counted in these hours."));
  return card("Traffic of 24 hours", stale, facts([
    ["requests", `${number(found.requests)}, ${number(found.rows)} rows, ${number(found.errors)} errors`],
    ["cost", cost(found.cost)],
  ]), found.hours?.length > 0 && traffic(hourly(found)), byVersion(found));
}

// The API tells prices and no currency: the stack's default prices are in US dollars.
function cost(found) {
  if (!found || found.per_1000_predictions === null) return "–";
  return `${number(found.per_1000_predictions, 3)} per 1,000 predictions, ${number(found.total, 3)} in all (US dollars, unless the stack's prices were set in another currency)`;
}

function byVersion(found) {
  const rows = found.versions.flatMap((version) => Object.entries(version.variants).map(([variant, one]) => [
    `version ${version.version}`, variant, number(one.requests), number(one.rows), number(one.errors),
    number(one.latency_ms.p50, 3), number(one.latency_ms.p99, 3), number(one.cost?.per_1000_predictions, 3),
  ]));
  const columns = [["version", ""], ["variant", ""], ["requests", "number"], ["rows", "number"], ["errors", "number"], ["p50 ms", "number"],
    ["p99 ms", "number"], ["per 1,000 predictions", "number"]];
  return table("By version", columns, rows);
}
