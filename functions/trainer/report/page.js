// The report's charts. The page puts this file behind charts.js, in the same module.

const data = JSON.parse(document.getElementById("figures").textContent);
const MAX_NAMED_CURVES = 6, WORST_CURVES = 5;
const palette = () => ["blue", "orange", "green", "violet", "teal", "red", "muted", "ink"].map(color);
const points = (pairs) => pairs.map(([x, y]) => ({ x, y }));
const area = (curve) => curve.slice(1).reduce((sum, [x, y], at) => sum + (x - curve[at][0]) * (y + curve[at][1]) / 2, 0);

function add(name, configure) {
  const canvas = document.getElementById(`chart-${name}`);
  if (canvas) addChart(canvas, configure);
}

function addCalibration(calibration) {
  const { bins } = calibration.positive || calibration;
  const most = Math.max(...bins.map((bin) => bin.rows));
  add("calibration", () => ({
    type: "line",
    data: { datasets: [
      guide(points([[0, 0], [1, 1]])),
      line("observed", points(bins.map((bin) => [bin.mean, bin.rate])), color("blue"),
        { pointRadius: bins.map((bin) => 3 + 7 * Math.sqrt(bin.rows / most)), clip: false }),
    ] },
    options: {
      scales: { x: shareAxis("predicted probability"), y: shareAxis("observed rate") },
      plugins: { legend: { display: false } },
    },
  }));
}

// Of many classes only the worst have a color and a name.
function addRanking(curves) {
  const shown = curves.length > MAX_NAMED_CURVES ? WORST_CURVES : MAX_NAMED_CURVES;
  const named = [...curves].sort((left, right) => area(left.roc) - area(right.roc)).slice(0, shown);
  const others = curves.filter((curve) => !named.includes(curve));
  const datasets = (key) => [
    ...named.map((curve, at) => line(shortened(curve.class), points(curve[key]), palette()[at])),
    ...others.map((curve) => line(shortened(curve.class), points(curve[key]), color("line"), { borderWidth: 1, unnamed: true })),
  ];
  const plugins = { legend: { display: curves.length > 1 } };
  add("roc", () => ({
    type: "line",
    data: { datasets: [guide(points([[0, 0], [1, 1]])), ...datasets("roc")] },
    options: { scales: { x: shareAxis("false positive rate"), y: shareAxis("true positive rate") }, plugins },
  }));
  add("pr", () => ({
    type: "line",
    data: { datasets: datasets("pr") },
    options: { scales: { x: shareAxis("recall"), y: shareAxis("precision") }, plugins },
  }));
}

function addResiduals({ points: pairs, edges, counts }) {
  const predictions = pairs.map(([x]) => x);
  const plugins = { legend: { display: false } };
  add("residuals", () => ({
    type: "scatter",
    data: { datasets: [
      guide(points([[Math.min(...predictions), 0], [Math.max(...predictions), 0]])),
      { label: "rows", data: points(pairs), backgroundColor: translucent(color("blue"), 0.53), pointRadius: 2.5 },
    ] },
    options: { scales: { x: axis("prediction"), y: axis("truth − prediction") }, plugins },
  }));
  const middles = counts.map((rows, at) => ({ x: (edges[at] + edges[at + 1]) / 2, y: rows }));
  add("errors", () => ({
    type: "bar",
    data: { datasets: [bars("rows", middles, color("blue"), { barPercentage: 0.95, categoryPercentage: 1 })] },
    options: { scales: { x: axis("truth − prediction", { offset: false }), y: axis("rows", { beginAtZero: true }) }, plugins },
  }));
}

function addImportance(columns) {
  const labels = columns.map((entry) => entry.column);
  add("importance", () => ({
    type: "bar",
    data: { labels, datasets: [bars("increase of the loss", columns.map((entry) => entry.mean), color("blue"), { maxBarThickness: 22 })] },
    options: {
      indexAxis: "y",
      scales: { x: axis("increase of the loss"), y: categoryAxis(labels, { ticks: { autoSkip: false } }) },
      plugins: { legend: { display: false } },
    },
  }));
}

// The line at zero stands out: left of it this version is better.
const zeroGrid = {
  color: ({ tick }) => color(tick?.value === 0 ? "ink" : "line"),
  lineWidth: ({ tick }) => (tick?.value === 0 ? 2 : 1),
};
const outcome = ({ low, high, allowed }) => (high <= allowed ? "green" : low > allowed ? "red" : "orange");

function addComparisons(comparisons) {
  const labels = comparisons.map((comparison) => comparison.name.replaceAll("_", " "));
  const mark = (label, values, style) => ({
    type: "line", label, data: values, showLine: false, borderColor: color("ink"), backgroundColor: color("ink"), ...style,
  });
  add("comparisons", () => ({
    type: "bar",
    data: { labels, datasets: [
      mark("difference", comparisons.map(({ candidate, reference }) => candidate - reference), { pointRadius: 5, pointHoverRadius: 6 }),
      mark("allowed at most", comparisons.map(({ allowed }) => allowed),
        { pointStyle: "line", rotation: 90, pointRadius: 16, pointHoverRadius: 16, borderWidth: 3, pointBorderWidth: 3 }),
      bars("90 % interval", comparisons.map(({ low, high }) => [low, high]), comparisons.map((comparison) => color(outcome(comparison))),
        { maxBarThickness: 14, borderRadius: 7, borderSkipped: false, minBarLength: 4 }),
    ] },
    options: {
      indexAxis: "y",
      scales: { x: axis("difference of the loss", { grid: zeroGrid }), y: categoryAxis(labels) },
    },
  }));
}

if (data.calibration) addCalibration(data.calibration);
if (data.curves.ranking) addRanking(data.curves.ranking);
if (data.curves.residuals) addResiduals(data.curves.residuals);
if (data.importance.length) addImportance(data.importance);
if (data.comparisons.length) addComparisons(data.comparisons);
document.documentElement.dataset.charts = String(updateCharts());
