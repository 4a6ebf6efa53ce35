// Drift of one model's data: now, over time, and column by column.

import { formatNumber, updateCharts } from "./charts.js";
import { badge, card, counted, facts, h, reasons, stateName, table, time } from "./dom.js";
import { distributionChart, trendChart } from "./model_charts.js";

export const openColumns = new Set(); // columns whose distributions are shown
const numbers = new Map(); // an id for each column, the same at every redraw, whatever the column is called
const idOf = (key) => `column-${numbers.get(key) ?? numbers.set(key, numbers.size).get(key)}`;

// "watch": columns or pairs drifted in this window, but the rules for an alarm are not met yet.
export function driftState(verdict) {
  const drifted = Number.isInteger(verdict.drifted) ? verdict.drifted
    : (verdict.columns || []).filter((column) => column.drifted && !column.informational).length + (verdict.joint?.found ?? 0);
  return verdict.status === "ok" && drifted ? "watch" : verdict.status;
}

// The badge of a verdict; without enough data, how many rows there are of how many that are needed.
export function verdictBadge(verdict, state = verdict.status) {
  const [, rows, needed] = /^(\d+) .*; (\d+) are needed$/.exec(verdict.reasons?.at(0)) ?? [];
  return badge(state, state === "insufficient_data" && needed ? `${stateName(state)} (${rows} of ${needed})` : stateName(state));
}

export function drift(verdict, failure, details, act) {
  const span = verdict.window ? [" from ", time(verdict.window.from), " to ", time(verdict.window.to)] : null;
  const version = verdict.version ? ` version ${verdict.version}, ` : " ";
  const columns = [...(verdict.prediction ? [{ ...verdict.prediction, key: "prediction", name: "prediction" }] : []),
    ...(verdict.columns || []).map((column) => ({ ...column, key: `column ${column.name}` }))];
  const heads = [["column", ""], ["drifted", ""], ["distance", "number"], ["threshold", "number"], ["PSI", "number"], ["p-value", "number"], ["missing", "number"]];
  const rows = columns.flatMap((column) => columnRows(column, details[column.name], act));
  return card("Data drift", failure,
    h("p", { id: "drift-status" }, verdictBadge(verdict, driftState(verdict)), version, counted(verdict.rows ?? 0, "row", formatNumber), span),
    reasons(verdict), driftOverTime(verdict), rows.length > 0 && table("Columns, most drifted first", heads, rows, { stacked: true }),
    joint(verdict.joint));
}

// Columns that go together otherwise than in training, though each of them may look the same.
function joint(found) {
  if (!found) return null;
  if (found.reason) return h("p", { class: "muted" }, `Joint change not tested: ${found.reason}`);
  if (!found.pairs.length) return h("p", { class: "muted" }, `Joint change: none in ${counted(found.tested, "pair", formatNumber)} of columns`);
  const heads = [["pair", ""], ["distance", "number"], ["threshold", "number"], ["p-value", "number"]];
  const rows = found.pairs.map((pair) => [pair.columns.join(" and "), formatNumber(pair.distance, 3), formatNumber(pair.threshold, 3), formatNumber(pair.p_value, 2)]);
  return table(`Joint change: ${found.found} of ${counted(found.tested, "pair", formatNumber)} of columns, worst first`, heads, rows);
}

function driftOverTime({ history }) {
  if (!history?.length) return null;
  const points = history.map((verdict) => ({ ...pointOf(verdict), value: verdict.worst ? verdict.worst.distance / verdict.worst.threshold : null, limit: 1,
    cells: [verdict.worst?.name ?? "–", verdict.drifted?.join(", ") || "none", formatNumber(verdict.rows)] }));
  return trendChart("Distance of the most drifted column, as a multiple of its threshold", points,
    { id: "drift-trend", limit: "threshold", columns: [["most drifted", ""], ["drifted", ""], ["rows", "number"]] });
}

// The row of a column, whose name is a button, and the hidden row below it with the column's detail.
function columnRows(column, detail, act) {
  const id = idOf(column.key), shown = openColumns.has(column.name);
  const row = h("tr", { hidden: !shown, id: `${id}-detail` }, h("td", { colspan: 7 }, shown ? columnDetail(column, id, detail) : null));
  const button = h("button", { class: "plain", id, "aria-expanded": String(shown), "aria-controls": `${id}-detail`, onclick: () => {
    const opened = row.hidden;
    opened ? openColumns.add(column.name) : openColumns.delete(column.name);
    row.hidden = !opened;
    button.setAttribute("aria-expanded", String(opened));
    row.firstChild.replaceChildren(...(opened ? columnDetail(column, id) : []));
    updateCharts();
    act.refresh();
  } }, column.name);
  return [[button, driftedCell(column), formatNumber(column.distance, 3), formatNumber(column.threshold, 3), formatNumber(column.psi, 3),
    formatNumber(column.p_value, 2), `${formatNumber(column.missing * 100, 2)} %`], row];
}

function driftedCell(column) {
  if (!column.drifted) return "no";
  return column.informational ? h("strong", { class: "warn" }, "drifted (raises no alarm)") : h("strong", { class: "bad" }, "drifted");
}

function columnDetail(column, id, detail) {
  const { rows, mean } = detail?.column ?? {}, bins = detail?.column?.bins || column.bins;
  const counts = detail?.column && facts([
    ["rows", `${formatNumber(rows.baseline)} in training, ${formatNumber(rows.window)} live`],
    ["mean", mean.baseline === null ? "–" : `${formatNumber(mean.baseline)} in training, ${formatNumber(mean.window)} live`],
  ]);
  const points = (detail?.history || []).toReversed().map((verdict) => ({ ...pointOf(verdict), value: verdict.column?.distance,
    limit: verdict.column?.threshold, status: verdict.column?.drifted ? "drift" : "ok" }));
  return [
    detail?.error && h("p", { class: "error" }, detail.error),
    bins ? distributionChart(column.name, id, bins) : !detail?.error && h("p", { class: "muted" }, "Loading…"), counts,
    points.length > 0 && trendChart(`Distance of ${column.name}`, points, { id: `trend-${id}`, limit: "threshold" }),
  ].filter(Boolean);
}

export const pointOf = ({ updated_at, status, version }) => ({ time: updated_at, status, version });
