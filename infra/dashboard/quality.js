// Quality of one model: realised where labels came back, estimated where they did not, by slice and over time.

import { badge, card, facts, figures, h, number, reasons, table } from "./dom.js";
import { plain } from "./monitoring.js";
import { trend } from "./trends.js";

const interval = (figure) => (figure && Number.isFinite(figure.low) ? `${number(figure.low)} to ${number(figure.high)}` : "–");

export function quality(found, stale) {
  const rows = Object.entries(found.metrics || {}).map(([name, figure]) => [
    name, number(figure.value), interval(figure), number(figure.holdout?.value),
  ]);
  const columns = [["metric", ""], ["live", "number"], ["95 % interval", "number"], ["holdout", "number"]];
  const coverage = found.coverage === null || found.coverage === undefined ? "" : `, ${Math.round(found.coverage * 100)} % of the predictions`;
  return card("Quality", stale, h("p", {}, badge(found.status), ` ${number(found.rows || 0)} labelled rows${coverage}`), reasons(found),
    rows.length > 0 && table("Realised quality", columns, rows), facts([...estimated(found.estimate), ...labels(found)]), slices(found.slices));
}

function estimated(estimate) {
  if (!estimate) return [];
  const told = estimate.available ? `${estimate.metric} ${number(estimate.value)}, ${interval(estimate)}, from ${number(estimate.rows)} rows` : `none: ${estimate.reason}`;
  return [["estimate without labels", told]];
}

function labels({ labels: counts, rows = 0 }) {
  if (!counts) return [];
  const told = [[rows, "matured and judged"], [counts.pending, "pending"], [counts.unknown, "unknown"], [counts.repeated, "repeated"]];
  return [["labels", `${number(counts.received)} came back: ${told.map(([count, word]) => `${number(count)} ${word}`).join(", ")}`]];
}

function slices(found) {
  if (!found?.length) return null;
  const names = Object.keys(found[0].metrics), columns = [["slice", ""], ["rows", "number"], ...names.map((name) => [name, "number"])];
  const rows = found.map((one) => [`${one.column} = ${one.value}`, number(one.rows), ...names.map((name) => number(one.metrics[name]?.value))]);
  return figures("slices", table("Quality by slice", columns, rows), "Slices");
}

export function qualityOverTime({ history = [] }) {
  const names = [...new Set(history.flatMap((point) => Object.keys(point.metrics || {})))];
  if (!names.length) return null;
  const drawn = names.map((name) => trend(name, history.map((point) => {
    const figure = point.metrics?.[name] || {};
    return { ...plain(point), value: figure.value, low: figure.low, high: figure.high, limit: figure.holdout?.value,
      cells: [interval(figure), number(point.rows)] };
  }), { id: `quality-${name}`, limit: "holdout", columns: [["95 % interval", "number"], ["labels", "number"]], of: names.length }));
  return card("Quality over time", h("p", { class: "legend" }, h("span", { class: "baseline" }, "live, with its 95 % interval"),
    h("span", { class: "limit" }, "holdout")), h("div", { class: "trends" }, drawn));
}
