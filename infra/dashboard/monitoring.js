// Drift of one model: now, over time, and column by column.

import { distributions } from "./charts.js";
import { badge, card, facts, h, number, reasons, table, time } from "./dom.js";
import { trend } from "./trends.js";

export const open = new Set(); // columns whose distributions are shown
const numbers = new Map(); // an id for each column, the same at every redraw, whatever the column is called
const idOf = (key) => `column-${numbers.get(key) ?? numbers.set(key, numbers.size).get(key)}`;

// Columns that drifted in this window are no alarm yet: effect and budget of false alarms decide.
export function standing(found) {
  const moved = Number.isInteger(found.drifted) ? found.drifted
    : (found.columns || []).filter((column) => column.drifted && !column.informational).length;
  return found.status === "ok" && moved ? "watch" : found.status;
}

export function drift(found, stale, details, act) {
  const span = found.window ? [" from ", time(found.window.from), " to ", time(found.window.to)] : null;
  const lines = [...(found.prediction ? [{ ...found.prediction, key: "prediction", name: "prediction" }] : []),
    ...(found.columns || []).map((column) => ({ ...column, key: `column ${column.name}` }))];
  const rows = lines.flatMap((column) => driftRows(column, details[column.name], act));
  const columns = [["column", ""], ["drifted", ""], ["distance", "number"], ["threshold", "number"], ["PSI", "number"], ["p-value", "number"], ["missing", "number"]];
  return card("Drift", stale, h("p", { id: "drift-status" }, badge(standing(found)), ` version ${number(found.version)}, ${number(found.rows)} rows`, span),
    reasons(found), driftOverTime(found), rows.length > 0 && table("Columns, the most shifted first", columns, rows, { stacked: true }));
}

function driftOverTime({ history }) {
  if (!history?.length) return null;
  const points = history.map((point) => ({ ...plain(point), value: point.worst ? point.worst.distance / point.worst.threshold : null, limit: 1,
    cells: [point.worst?.name ?? "–", point.drifted?.join(", ") || "none", number(point.rows)] }));
  return trend("Most shifted column, distance in thresholds", points,
    { id: "drift-trend", limit: "threshold", columns: [["most shifted", ""], ["drifted", ""], ["rows", "number"]] });
}

function driftRows(column, detail, act) {
  const id = idOf(column.key), shown = open.has(column.name);
  const row = h("tr", { hidden: !shown, id: `${id}-detail` }, h("td", { colspan: 7 }, shown ? drilled(column, id, detail) : null));
  const button = h("button", { class: "plain", id, "aria-expanded": String(shown), "aria-controls": `${id}-detail`, onclick: () => {
    const opened = row.hidden;
    opened ? open.add(column.name) : open.delete(column.name);
    row.hidden = !opened;
    button.setAttribute("aria-expanded", String(opened));
    if (opened) row.firstChild.replaceChildren(...drilled(column, id));
    act.refresh();
  } }, column.name);
  const told = column.drifted ? h("strong", { class: column.informational ? "warn" : "bad" }, column.informational ? "drifted (information)" : "drifted") : "no";
  return [[button, told, number(column.distance, 3), number(column.threshold, 3), number(column.psi, 3), number(column.p_value, 2),
    `${number(column.missing * 100, 2)} %`], row];
}

function drilled(column, id, detail) {
  const one = detail?.column, bins = one?.bins || column.bins;
  const figures = one && facts([
    ["rows", `${number(one.rows.baseline)} in training, ${number(one.rows.window)} live`],
    ["mean", one.mean.baseline === null ? "–" : `${number(one.mean.baseline)} in training, ${number(one.mean.window)} live`],
  ]);
  const past = (detail?.history || []).toReversed().map((point) => ({ ...plain(point), value: point.column?.distance, limit: point.column?.threshold,
    status: point.column?.drifted ? "drift" : "ok" }));
  return [
    detail?.error && h("p", { class: "error" }, detail.error),
    bins ? distributions(column.name, id, bins) : !detail?.error && h("p", { class: "muted" }, "Loading…"), figures,
    past.length > 0 && trend(`Distance of ${column.name}`, past, { id: `trend-${id}`, limit: "threshold" }),
  ].filter(Boolean);
}

export const plain = ({ updated_at, status, version }) => ({ time: updated_at, status, version });
