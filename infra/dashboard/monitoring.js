// Quality and drift of one model: now, over time, and column by column.

import { distributions } from "./charts.js";
import { badge, card, facts, h, number, table, time } from "./dom.js";
import { trend } from "./trends.js";

export const open = new Set(); // columns whose distributions are shown

const reasons = (found) => (found.reasons?.length ? h("ul", {}, found.reasons.map((reason) => h("li", {}, reason))) : null);
const plain = ({ updated_at, status, version }) => ({ time: updated_at, status, version });

export function quality(found) {
  const rows = Object.entries(found.metrics || {}).map(([name, figure]) => [
    name, number(figure.value), `${number(figure.low)} to ${number(figure.high)}`, number(figure.holdout?.value),
  ]);
  const columns = [["metric", ""], ["live", "number"], ["95 % interval", "number"], ["holdout", "number"]];
  const coverage = found.coverage === null || found.coverage === undefined ? "" : `, ${Math.round(found.coverage * 100)} % of the predictions`;
  return card("Quality", h("p", {}, badge(found.status), ` ${number(found.rows || 0)} labelled rows${coverage}`),
    reasons(found), rows.length > 0 && table("Realised quality", columns, rows));
}

export function qualityOverTime({ history }) {
  const names = [...new Set(history.flatMap((point) => Object.keys(point.metrics || {})))];
  if (!names.length) return null;
  const drawn = names.map((name) => trend(name, history.map((point) => {
    const figure = point.metrics?.[name] || {};
    return { ...plain(point), value: figure.value, low: figure.low, high: figure.high, limit: figure.holdout?.value,
      cells: [`${number(figure.low)} to ${number(figure.high)}`, number(point.rows)] };
  }), { id: `quality-${name}`, limit: "holdout", columns: [["95 % interval", "number"], ["labels", "number"]] }));
  return card("Quality over time", h("p", { class: "legend" }, h("span", { class: "baseline" }, "live, with its 95 % interval"),
    h("span", { class: "limit" }, "holdout")), h("div", { class: "trends" }, drawn));
}

export function drift(found, details, act) {
  const span = found.window ? [" from ", time(found.window.from), " to ", time(found.window.to)] : null;
  const lines = [...(found.prediction ? [{ ...found.prediction, name: "prediction" }] : []), ...found.columns];
  const rows = lines.flatMap((column) => driftRows(column, details[column.name], act));
  const columns = [["column", ""], ["drifted", ""], ["distance", "number"], ["threshold", "number"], ["PSI", "number"], ["p-value", "number"], ["missing", "number"]];
  return card("Drift", h("p", { id: "drift-status" }, badge(found.status), ` version ${number(found.version)}, ${number(found.rows)} rows`, span),
    reasons(found), driftOverTime(found), rows.length > 0 && table("Columns, the most shifted first", columns, rows));
}

function driftOverTime({ history }) {
  if (!history.length) return null;
  const points = history.map((point) => ({ ...plain(point), value: point.worst ? point.worst.distance / point.worst.threshold : null, limit: 1,
    cells: [point.worst?.name ?? "–", point.drifted?.join(", ") || "none", number(point.rows)] }));
  return trend("Most shifted column, distance in thresholds", points,
    { id: "drift-trend", limit: "threshold", columns: [["most shifted", ""], ["drifted", ""], ["rows", "number"]] });
}

function driftRows(column, detail, act) {
  const id = `column-${column.name}`, shown = open.has(column.name);
  const row = h("tr", { hidden: !shown, id: `${id}-detail` }, h("td", { colspan: 7 }, shown ? drilled(column, detail) : null));
  const button = h("button", { class: "plain", id, "aria-expanded": String(shown), "aria-controls": `${id}-detail`, onclick: () => {
    const opened = row.hidden;
    opened ? open.add(column.name) : open.delete(column.name);
    row.hidden = !opened;
    button.setAttribute("aria-expanded", String(opened));
    if (opened) row.firstChild.replaceChildren(...drilled(column));
    act.refresh();
  } }, column.name);
  return [[button, column.drifted ? h("strong", { class: "bad" }, "drifted") : "no", number(column.distance, 3),
    number(column.threshold, 3), number(column.psi, 3), number(column.p_value, 2), `${number(column.missing * 100, 2)} %`], row];
}

function drilled(column, detail) {
  const one = detail?.column, bins = one?.bins || column.bins;
  const figures = one && facts([
    ["rows", `${number(one.rows.baseline)} in training, ${number(one.rows.window)} live`],
    ["mean", one.mean.baseline === null ? "–" : `${number(one.mean.baseline)} in training, ${number(one.mean.window)} live`],
  ]);
  const past = (detail?.history || []).toReversed().map((point) => ({ ...plain(point), value: point.column?.distance, limit: point.column?.threshold,
    status: point.column?.drifted ? "drift" : "ok" }));
  return [
    detail?.error && h("p", { class: "error" }, detail.error),
    bins ? distributions(column.name, bins) : !detail?.error && h("p", { class: "muted" }, "Loading…"), figures,
    past.length > 0 && trend(`Distance of ${column.name}`, past, { id: `trend-${column.name}`, limit: "threshold" }),
  ].filter(Boolean);
}
