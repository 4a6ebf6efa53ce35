// How the report and the dashboard draw: one look for every chart, on Chart.js, which has to be loaded before this.
// Colours are the variables of theme.css. They are read at every drawing, so a chart follows the page into dark mode
// and onto paper.

Object.assign(Chart.defaults, { animation: false, maintainAspectRatio: false, locale: "en" });
Chart.defaults.font.family = "system-ui, sans-serif";
const { labels: legendLabels } = Chart.defaults.plugins.legend, { generateLabels } = legendLabels;
Object.assign(legendLabels, {
  usePointStyle: true, boxHeight: 8,
  filter: (item, { datasets }) => !datasets[item.datasetIndex].unnamed,
  generateLabels: (chart) => generateLabels(chart).map((item) => ({ ...item, ...chart.data.datasets[item.datasetIndex].legend })),
});
Chart.defaults.plugins.tooltip.filter = (item) => !item.dataset.silent;

const drawings = new Map(); // by canvas: { configure, chart }, where chart is null until the canvas is in the document

export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Have a canvas drawn; `configure` returns the configuration for Chart.js and is called again when colours change.
export const addChart = (canvas, configure) => drawings.set(canvas, { configure, chart: null });

// Draw what was added since, free what has left the document, and return how many charts there are.
export function updateCharts() {
  Chart.defaults.color = color("muted");
  Chart.defaults.borderColor = color("line");
  legendLabels.color = color("ink");
  for (const [canvas, drawing] of drawings) {
    if (canvas.isConnected) {
      drawing.chart ??= new Chart(canvas, drawing.configure());
    } else {
      drawing.chart?.destroy();
      drawings.delete(canvas);
    }
  }
  return drawings.size;
}

function redrawCharts() {
  for (const drawing of drawings.values()) {
    drawing.chart?.destroy();
    drawing.chart = null;
  }
  updateCharts();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
addEventListener("beforeprint", redrawCharts);
addEventListener("afterprint", redrawCharts);

// Axes: `more` are further options of Chart.js for the scale.

export const axis = (title, more = {}) => ({ type: "linear", title: { display: title !== "", text: title }, ...more });

export const shareAxis = (title) => axis(title, { min: 0, max: 1 });

export const percentAxis = () => axis("", { beginAtZero: true, ticks: { maxTicksLimit: 5, callback: formatPercent } });

export const categoryAxis = (labels, more = {}) => axis("", {
  type: "category", ...more, ticks: { callback: (place) => shortened(labels[place]), ...more.ticks },
});

// Time in milliseconds, named at both ends.
export function timeAxis(from, to) {
  const room = to > from ? 0 : 3_600_000;
  return axis("", {
    min: from - room, max: to + room, grid: { display: false },
    afterBuildTicks: (scale) => { scale.ticks = [...new Set([from, to])].map((value) => ({ value })); },
    ticks: { callback: formatTime, align: room ? "center" : "inner", maxRotation: 0, autoSkip: false },
  });
}

// Datasets. One that is `unnamed` is left out of the legend, one that is `silent` out of the values under the pointer;
// `legend` is how the legend draws its mark.

export const line = (label, points, stroke, more = {}) => ({
  type: "line", label, data: points, borderColor: stroke, backgroundColor: stroke, borderWidth: 2,
  pointRadius: 0, pointHitRadius: 6, tension: 0,
  legend: { pointStyle: "line", strokeStyle: stroke, lineWidth: 2, lineDash: more.borderDash }, ...more,
});

export const guide = (points) => line("guide", points, color("muted"), { borderDash: [4, 4], borderWidth: 1, unnamed: true, silent: true });

export const bars = (label, data, fill, more = {}) => ({ label, data, backgroundColor: fill, legend: { pointStyle: "rect" }, ...more });

// A color of the form #rrggbb that lets a share of what is below through.
export const translucent = (hex, opacity) => `${hex}${Math.round(opacity * 255).toString(16).padStart(2, "0")}`;

// Texts.

const MAX_LABEL = 24;

// A label with its middle left out when it is long: names often differ at their ends alone.
export function shortened(label, room = MAX_LABEL) {
  const text = String(label), half = Math.floor(room / 2);
  return text.length > room ? `${text.slice(0, half - 1)}…${text.slice(-half)}` : text;
}

export function formatNumber(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) < 1e-4 ? value.toExponential(1) : Number(value.toPrecision(digits)).toString();
}

export const formatPercent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

export const formatTime = (moment) => new Date(moment).toLocaleString(undefined,
  { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
