// Quality of one model: on labelled rows, estimated where labels are missing, by slice and over time.

import { formatNumber } from "./charts.js";
import { card, counted, facts, fold, h, reasons, table } from "./dom.js";
import { pointOf, verdictBadge } from "./drift.js";
import { trendChart } from "./model_charts.js";

const interval = (metric) => (metric && Number.isFinite(metric.low) ? `${formatNumber(metric.low)} to ${formatNumber(metric.high)}` : "–");

export function quality(verdict, failure) {
  const rows = Object.entries(verdict.metrics || {}).map(([name, metric]) => [
    name, formatNumber(metric.value), interval(metric), formatNumber(metric.holdout?.value),
  ]);
  const heads = [["metric", ""], ["live", "number"], ["95 % interval", "number"], ["holdout", "number"]];
  const coverage = verdict.coverage === null || verdict.coverage === undefined ? "" : `, ${Math.round(verdict.coverage * 100)} % of the predictions`;
  return card("Quality", failure, h("p", {}, verdictBadge(verdict), ` ${counted(verdict.rows || 0, "labelled row", formatNumber)}${coverage}`), reasons(verdict),
    rows.length > 0 && table("Quality on labelled rows", heads, rows), facts([...estimateFacts(verdict.estimate), ...labelFacts(verdict)]), slices(verdict.slices));
}

function estimateFacts(estimate) {
  if (!estimate) return [];
  const text = estimate.available
    ? `${estimate.metric} ${formatNumber(estimate.value)} (${interval(estimate)}), from ${counted(estimate.rows, "row", formatNumber)}`
    : `not available: ${estimate.reason}`;
  return [["estimate without labels", text]];
}

function labelFacts({ labels, rows = 0 }) {
  if (!labels) return [];
  const parts = [`${formatNumber(rows)} used`];
  if (labels.pending) parts.push(`${formatNumber(labels.pending)} waiting for ${labels.pending === 1 ? "its prediction" : "their predictions"}`);
  if (labels.unknown) parts.push(`${formatNumber(labels.unknown)} without a known prediction`);
  if (labels.other_model) parts.push(`${formatNumber(labels.other_model)} of another model's predictions`);
  if (labels.new_class) parts.push(`${formatNumber(labels.new_class)} of no known class`);
  if (labels.unreadable) parts.push(`${formatNumber(labels.unreadable)} unreadable`);
  if (labels.repeated) parts.push(`${formatNumber(labels.repeated)} sent again`);
  return [["labels", `${counted(labels.received, "label", formatNumber)} received: ${parts.join(", ")}`]];
}

function slices(entries) {
  if (!entries?.length) return null;
  const names = Object.keys(entries[0].metrics), heads = [["slice", ""], ["rows", "number"], ...names.map((name) => [name, "number"])];
  const rows = entries.map((slice) => [`${slice.column} = ${slice.value}`, formatNumber(slice.rows),
    ...names.map((name) => formatNumber(slice.metrics[name]?.value))]);
  return fold("slices", table("Quality by slice", heads, rows), "Slices");
}

export function qualityOverTime({ history = [] }) {
  const names = [...new Set(history.flatMap((verdict) => Object.keys(verdict.metrics || {})))];
  if (!names.length) return null;
  const charts = names.map((name) => trendChart(name, history.map((verdict) => {
    const metric = verdict.metrics?.[name] || {};
    return { ...pointOf(verdict), value: metric.value, low: metric.low, high: metric.high, limit: metric.holdout?.value,
      cells: [interval(metric), formatNumber(verdict.rows)] };
  }), { id: `quality-${name}`, limit: "holdout", columns: [["95 % interval", "number"], ["labels", "number"]] }));
  return card("Quality over time", h("div", { class: "trends" }, charts));
}
