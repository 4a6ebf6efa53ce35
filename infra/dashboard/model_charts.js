// The charts of one model. Each is a figure: the canvas, its title, and the same values as a table.

import { addChart, axis, bars, categoryAxis, color, formatNumber, formatPercent, formatTime, line, percentAxis, timeAxis,
  translucent } from "./charts.js";
import { fold, h, stateName, table } from "./dom.js";

const MAX_POINTS = 60;
const ALARMS = new Set(["drift", "data_fault", "degraded"]);
const NEAREST = { mode: "nearest", axis: "x", intersect: false }; // what the pointer means, also on a narrow bar

function chartFigure(id, { title, label, values, configure }) {
  const canvas = h("canvas", { role: "img", "aria-label": `${label}. The table below has the figures.`, "aria-details": `table-${id}` });
  addChart(canvas, configure);
  return h("figure", { class: "chart", id: `chart-${id}` }, h("figcaption", {}, title), h("div", {}, canvas),
    fold(id, values, "Figures", h("span", { class: "unseen" }, ` of: ${title}`)));
}

// Which share of the rows is in each bin of a column, in training and live.
export function distributionChart(name, id, { labels, baseline, window: live }) {
  const sharesOfTraining = shares(baseline), sharesLive = shares(live);
  const rows = labels.map((label, at) => [String(label), formatPercent(sharesOfTraining[at]), formatPercent(sharesLive[at])]);
  const title = `Share of rows by bin of ${name}`;
  return chartFigure(`bins-${id}`, {
    title,
    label: `${title}, in training and live`,
    values: table(`Bins of ${name}`, [["bin", ""], ["training", "number"], ["live", "number"]], rows),
    configure: () => ({
      type: "bar",
      data: { labels: labels.map(String), datasets: [bars("training", sharesOfTraining, color("blue")), bars("live", sharesLive, color("orange"))] },
      options: {
        interaction: NEAREST,
        scales: { x: categoryAxis(labels, { grid: { display: false } }), y: percentAxis() },
        plugins: { tooltip: { callbacks: { label: ({ dataset, parsed }) => `${dataset.label}: ${formatPercent(parsed.y)}` } } },
      },
    }),
  });
}

function shares(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return counts.map((count) => count / total);
}

// How many rows were predicted in each hour. hours: { label, rows, errors }
export function trafficChart(hours) {
  const labels = hours.map((hour) => hour.label);
  const counts = hours.filter((hour) => hour.rows).map((hour) => `${hour.label}: ${hour.rows}`).join(", ");
  const rows = hours.map((hour) => [hour.label, formatNumber(hour.rows), formatNumber(hour.errors)]);
  return chartFigure("traffic", {
    title: "Rows predicted by hour",
    label: `Rows predicted by hour: ${counts || "none"}`,
    values: table("Rows by hour", [["from", ""], ["rows", "number"], ["errors", "number"]], rows),
    configure: () => ({
      type: "bar",
      data: { labels, datasets: [bars("rows", hours.map((hour) => hour.rows), color("blue"))] },
      options: {
        interaction: NEAREST,
        scales: {
          x: categoryAxis(labels, { grid: { display: false }, ticks: { maxRotation: 0 } }),
          y: axis("", { beginAtZero: true, suggestedMax: 1, ticks: { maxTicksLimit: 5, precision: 0, format: { notation: "compact" } } }),
        },
        plugins: { legend: { display: false }, tooltip: { callbacks: { afterLabel: ({ dataIndex }) => `errors: ${formatNumber(hours[dataIndex].errors)}` } } },
      },
    }),
  });
}

// A value over time, with its interval and the limit that it is compared with.
// points, oldest first: { time, value, low, high, limit, status, version, cells }
export function trendChart(title, points, { id, limit, columns = [] }) {
  const shown = thinned(points.filter((point) => typeof point.value === "number"));
  if (!shown.length) return h("p", { class: "muted" }, `${title}: no values yet.`);
  const heads = [["when", ""], ["version", "number"], ["status", ""], ["value", "number"], [limit, "number"], ...columns];
  const rows = shown.toReversed().map((point) => [formatTime(point.time), formatNumber(point.version), stateName(point.status),
    formatNumber(point.value, 4), formatNumber(point.limit, 4), ...(point.cells || [])]);
  return chartFigure(id, {
    title, label: trendLabel(title, shown, limit), values: table(`${title}, newest first`, heads, rows),
    configure: () => trendConfiguration(shown, limit),
  });
}

function trendConfiguration(shown, limit) {
  const last = shown.length - 1, alarms = shown.filter((point) => ALARMS.has(point.status));
  const pointsOf = (name, points = shown) => points.filter((point) => Number.isFinite(point[name]))
    .map((point) => ({ x: Date.parse(point.time), y: point[name] }));
  const withInterval = shown.filter((point) => Number.isFinite(point.low) && Number.isFinite(point.high));
  const band = { borderWidth: 0, pointHitRadius: 0, silent: true, legend: { pointStyle: "rect" } };
  const datasets = [
    line("live", pointsOf("value"), color("blue"), { pointRadius: shown.map((_, at) => (at === last ? 3 : 0)), clip: 8 }),
    line(limit, pointsOf("limit"), color("muted"), { borderDash: [4, 3], borderWidth: 1.5, pointHitRadius: 0 }),
  ];
  if (alarms.length) {
    datasets.push(line("alarm", pointsOf("value", alarms), color("red"),
      { showLine: false, pointRadius: 3.5, clip: 8, order: -1, silent: true, legend: { pointStyle: "circle" } }));
  }
  if (withInterval.length) {
    datasets.push(line("high", pointsOf("high", withInterval), translucent(color("blue"), 0.18), { ...band, unnamed: true }),
      line("95 % interval", pointsOf("low", withInterval), translucent(color("blue"), 0.18), { ...band, fill: "-1" }));
  }
  return {
    type: "line",
    data: { datasets },
    options: {
      interaction: NEAREST,
      scales: {
        x: timeAxis(Date.parse(shown[0].time), Date.parse(shown[last].time)),
        y: axis("", { grace: "8%", ticks: { maxTicksLimit: 5 } }),
      },
      plugins: { tooltip: { callbacks: {
        title: ([item]) => formatTime(item.parsed.x),
        label: ({ dataset, parsed }) => `${dataset.label}: ${formatNumber(parsed.y, 4)}`,
      } } },
    },
  };
}

function trendLabel(title, shown, limit) {
  const now = shown.at(-1), values = shown.map((point) => point.value);
  const alarms = shown.filter((point) => ALARMS.has(point.status)).length;
  return `${title}: now ${formatNumber(now.value, 3)}${Number.isFinite(now.limit) ? `, ${limit} ${formatNumber(now.limit, 3)}` : ""}, between `
    + `${formatNumber(Math.min(...values), 3)} and ${formatNumber(Math.max(...values), 3)} since ${formatTime(shown[0].time)}, `
    + `an alarm in ${alarms} of ${shown.length} checks`;
}

// Every change of status stays, and the newest point; of the others, as many as can be told apart.
function thinned(points) {
  const every = Math.ceil(points.length / MAX_POINTS);
  return points.filter((point, at) => (points.length - 1 - at) % every === 0 || point.status !== points[at - 1]?.status);
}
