// What was asked of one model in a day, by hour and by version, and what it cost.

import { formatNumber } from "./charts.js";
import { card, counted, facts, h, table } from "./dom.js";
import { trafficChart } from "./model_charts.js";

const HOUR_MS = 3_600_000;

export function traffic(summary, failure) {
  const title = "Traffic, last 24 hours";
  if (!summary.requests && !summary.versions.length) return card(title, failure, h("p", { class: "muted" }, "No requests in these hours."));
  return card(title, failure, facts([
    ["requests", `${formatNumber(summary.requests)} with ${counted(summary.rows, "row", formatNumber)}, ${counted(summary.errors, "error", formatNumber)}`],
    ["cost", cost(summary.cost)],
  ]), summary.hours?.length > 0 && trafficChart(everyHour(summary)), byVersion(summary));
}

// Every hour of the window: the API leaves out those without traffic.
function everyHour({ from, to, hours = [] }) {
  const byTime = new Map(hours.map((hour) => [Date.parse(hour.from), hour])), start = Date.parse(from);
  return Array.from({ length: Math.max(0, Math.round((Date.parse(to) - start) / HOUR_MS)) }, (_, at) => {
    const moment = start + at * HOUR_MS, hour = byTime.get(moment);
    const label = new Date(moment).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    return { label, rows: hour?.rows ?? 0, errors: hour?.errors ?? 0 };
  });
}

// The API names no currency: the stack's default prices are in US dollars.
function cost(costs) {
  if (!costs || costs.per_1000_predictions === null) return "–";
  return `${formatNumber(costs.per_1000_predictions, 3)} per 1,000 predictions, ${formatNumber(costs.total, 3)} in total (in US dollars, unless the stack sets other prices)`;
}

function byVersion(summary) {
  const rows = summary.versions.flatMap((version) => Object.entries(version.variants).map(([variant, counts]) => [
    `version ${version.version}`, variant, formatNumber(counts.requests), formatNumber(counts.rows), formatNumber(counts.errors),
    formatNumber(counts.latency_ms.p50, 3), formatNumber(counts.latency_ms.p99, 3), formatNumber(counts.cost?.per_1000_predictions, 3),
  ]));
  const heads = [["version", ""], ["variant", ""], ["requests", "number"], ["rows", "number"], ["errors", "number"], ["p50 ms", "number"],
    ["p99 ms", "number"], ["cost per 1,000 predictions", "number"]];
  return table("By version", heads, rows);
}
