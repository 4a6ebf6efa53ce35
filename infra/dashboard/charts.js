// Charts as SVG: shares of rows by bin, and counts over time. Each has its figures as text too.

import { figures, h, number, table } from "./dom.js";

const WIDTH = 640, HEIGHT = 200, FOOT = 34;

export function distributions(name, bins) {
  const shares = (counts) => {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    return counts.map((count) => count / total);
  };
  const before = shares(bins.baseline), now = shares(bins.window);
  const top = Math.max(...before, ...now, 0.01), step = WIDTH / bins.labels.length, bar = Math.max(1, step * 0.4);
  const high = (share) => (share / top) * (HEIGHT - FOOT);
  const rect = (kind, share, x, text) =>
    h("rect", { class: kind, x, y: HEIGHT - FOOT - high(share), width: bar, height: high(share) }, h("title", {}, text));
  const every = Math.ceil(bins.labels.length / 8);
  const drawn = bins.labels.map((label, at) => [
    rect("baseline", before[at], at * step + step * 0.08, `${label}: ${percent(before[at])} in training`),
    rect("live", now[at], at * step + step * 0.08 + bar, `${label}: ${percent(now[at])} live`),
    at % every === 0 && h("text", { x: at * step + step / 2, y: HEIGHT - FOOT + 16, "text-anchor": "middle" }, short(label)),
  ]);
  const svg = h("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `Shares of rows of ${name} by bin, training against live; the table below has the figures` },
    h("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT }), drawn);
  const rows = bins.labels.map((label, at) => [String(label), percent(before[at]), percent(now[at])]);
  const columns = [["bin", ""], ["training", "number"], ["live", "number"]];
  return h("figure", {},
    h("p", { class: "legend" }, h("span", { class: "baseline" }, "training"), h("span", { class: "live" }, "live")),
    svg, figures(`bins-${name}`, table(`Bins of ${name}`, columns, rows)));
}

export function traffic(buckets) {
  const top = Math.max(...buckets.map((bucket) => bucket.rows), 1), step = WIDTH / buckets.length;
  const high = (rows) => (rows / top) * (HEIGHT - FOOT - 14);
  const drawn = buckets.map((bucket, at) => {
    const x = at * step + step * 0.1, y = HEIGHT - FOOT - high(bucket.rows);
    return [
      h("rect", { class: "baseline", x, y, width: step * 0.8, height: high(bucket.rows) },
        h("title", {}, `${bucket.label}: ${number(bucket.rows)} rows, ${number(bucket.errors)} errors`)),
      bucket.rows > 0 && h("text", { x: x + step * 0.4, y: y - 4, "text-anchor": "middle" }, number(bucket.rows)),
      h("text", { x: x + step * 0.4, y: HEIGHT - FOOT + 16, "text-anchor": "middle" }, bucket.label),
    ];
  });
  const told = buckets.map((bucket) => `${bucket.label}: ${bucket.rows}`).join(", ");
  const svg = h("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Rows predicted by time: ${told}` },
    h("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT }), drawn);
  const columns = [["from", ""], ["rows", "number"], ["errors", "number"]];
  const rows = buckets.map((bucket) => [bucket.label, number(bucket.rows), number(bucket.errors)]);
  return h("figure", {}, svg, figures("traffic", table("Rows by time", columns, rows)));
}

const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
const short = (label) => (String(label).length > 11 ? `${String(label).slice(0, 10)}…` : String(label));
