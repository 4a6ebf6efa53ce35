// A figure over time as SVG: its line, its interval, the limit it is held against. The same figures stand below as a table.

import { width } from "./charts.js";
import { figures, h, number, table } from "./dom.js";

const GAP = 16, LEAST = 280, HEIGHT = 150, LEFT = 44, TOP = 10, FOOT = 26, MOST_POINTS = 60;
const ALARMS = new Set(["drift", "data_fault", "degraded"]);

// How wide each of so many charts is, side by side as far as there is room.
function share(charts) {
  const columns = Math.max(1, Math.min(charts, Math.floor((width() + GAP) / (LEAST + GAP))));
  return (width() - GAP * (columns - 1)) / columns;
}

// points, oldest first: { time, value, low, high, limit, status, version, cells }; `of` how many charts it is one of
export function trend(title, points, { id, limit, columns = [], of = 1 }) {
  const WIDTH = share(of);
  const shown = thinned(points.filter((point) => typeof point.value === "number"));
  if (!shown.length) return h("p", { class: "muted" }, `${title}: no figure yet.`);
  const numbers = shown.flatMap((point) => [point.value, point.low, point.high, point.limit]).filter(Number.isFinite);
  const least = Math.min(...numbers), most = Math.max(...numbers), room = (most - least || Math.abs(most) || 1) * 0.08;
  const bottom = least - room, top = most + room;
  const first = Date.parse(shown[0].time), last = Date.parse(shown.at(-1).time);
  const x = (point) => LEFT + (last > first ? (Date.parse(point.time) - first) / (last - first) : 0.5) * (WIDTH - LEFT - 8);
  const y = (value) => TOP + (1 - (value - bottom) / (top - bottom)) * (HEIGHT - TOP - FOOT);
  const line = (name) => {
    const at = shown.filter((point) => Number.isFinite(point[name]));
    return at.map((point, index) => `${index ? "L" : "M"}${x(point).toFixed(1)} ${y(point[name]).toFixed(1)}`).join("");
  };
  const sure = shown.filter((point) => Number.isFinite(point.low) && Number.isFinite(point.high));
  const corners = [...sure.map((point) => [x(point), y(point.high)]), ...sure.toReversed().map((point) => [x(point), y(point.low)])];
  const svg = h("svg", { class: "chart trend", width: WIDTH, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": told(title, shown, limit) },
    corners.length > 2 && h("polygon", { class: "band", points: corners.map(([left, down]) => `${left.toFixed(1)},${down.toFixed(1)}`).join(" ") }),
    h("line", { class: "axis", x1: LEFT, x2: WIDTH - 8, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT }),
    h("path", { class: "limit", d: line("limit") }), h("path", { class: "line", d: line("value") }),
    shown.map((point, at) => (ALARMS.has(point.status) || at === shown.length - 1) && h("circle", { class: ALARMS.has(point.status) ? "alarm" : "now",
      cx: x(point), cy: y(point.value), r: 3 }, h("title", {}, `${moment(point.time)}: ${number(point.value, 3)}`))),
    h("text", { x: LEFT - 5, y: y(most) + 4, "text-anchor": "end" }, number(most, 3)),
    most > least && h("text", { x: LEFT - 5, y: y(least) + 4, "text-anchor": "end" }, number(least, 3)),
    h("text", { x: LEFT, y: HEIGHT - 8 }, moment(shown[0].time)),
    last > first && h("text", { x: WIDTH - 8, y: HEIGHT - 8, "text-anchor": "end" }, moment(shown.at(-1).time)));
  const heads = [["when", ""], ["version", "number"], ["status", ""], ["value", "number"], [limit, "number"], ...columns];
  const rows = shown.toReversed().map((point) => [moment(point.time), number(point.version), String(point.status).replaceAll("_", " "),
    number(point.value, 4), number(point.limit, 4), ...(point.cells || [])]);
  return h("figure", { class: "trend" }, h("figcaption", {}, title), svg, figures(id, table(`${title}, newest first`, heads, rows)));
}

function told(title, shown, limit) {
  const now = shown.at(-1), values = shown.map((point) => point.value);
  const alarms = shown.filter((point) => ALARMS.has(point.status)).length;
  return `${title}: ${number(now.value, 3)} now${Number.isFinite(now.limit) ? ` against a ${limit} of ${number(now.limit, 3)}` : ""}, between `
    + `${number(Math.min(...values), 3)} and ${number(Math.max(...values), 3)} since ${moment(shown[0].time)}, `
    + `${alarms} of ${shown.length} verdicts with an alarm; the table below has the figures`;
}

// Every change of status stays, and the newest point; of the others, as many as can be told apart.
function thinned(points) {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((point, at) => (points.length - 1 - at) % every === 0 || point.status !== points[at - 1]?.status);
}

const moment = (text) => new Date(text).toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
