"use strict";
(() => {
  const data = JSON.parse(document.getElementById("figures").textContent);
  const charts = [];
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const palette = () => ["blue", "orange", "green", "violet", "teal", "red", "soft", "ink"].map(color);
  const NAMED = 6, WORST = 5, LONGEST = 24;
  const short = (name) => String(name).length > LONGEST ? `${String(name).slice(0, 11)}…${String(name).slice(-12)}` : String(name);
  const area = (curve) => curve.slice(1).reduce((sum, [x, y], at) => sum + (x - curve[at][0]) * (y + curve[at][1]) / 2, 0);
  const isNamed = (item, data) => item.text !== "guide" && !data.datasets[item.datasetIndex].unnamed;
  const points = (pairs) => pairs.map(([x, y]) => ({ x, y }));
  const axis = (title, more = {}) => ({
    type: "linear", title: { display: true, text: title, color: color("soft") },
    grid: { color: color("line") }, ticks: { color: color("soft") }, ...more,
  });
  const share = (title) => axis(title, { min: 0, max: 1 });
  const line = (label, pairs, stroke, more = {}) => ({
    type: "line", label, data: points(pairs), borderColor: stroke, backgroundColor: stroke, borderWidth: 2,
    pointRadius: 0, pointHitRadius: 6, tension: 0, ...more,
  });
  const guide = (pairs) => line("guide", pairs, color("soft"), { borderDash: [4, 4], borderWidth: 1, pointHitRadius: 0 });
  const draw = (name, type, body, scales, legend = false) => {
    const place = document.getElementById(`chart-${name}`);
    if (!place) return;
    charts.push(new Chart(place, {
      type, data: body,
      options: {
        responsive: true, maintainAspectRatio: false, animation: false, scales,
        indexAxis: ["importance", "comparisons"].includes(name) ? "y" : "x",
        plugins: {
          legend: { display: legend, labels: { color: color("ink"), boxWidth: 14, usePointStyle: name === "comparisons", filter: isNamed } },
          tooltip: { filter: (item) => item.dataset.label !== "guide" },
        },
      },
    }));
  };

  const calibration = (found) => {
    const shown = found.positive || found;
    const pairs = shown.bins.map((bin) => [bin.mean, bin.rate]);
    const most = Math.max(...shown.bins.map((bin) => bin.rows));
    const radius = shown.bins.map((bin) => 3 + 7 * Math.sqrt(bin.rows / most));
    draw("calibration", "line", { datasets: [
      guide([[0, 0], [1, 1]]),
      line("observed", pairs, color("blue"), { pointRadius: radius, clip: false }),
    ] }, { x: share("predicted probability"), y: share("observed rate") });
  };

  const ranking = (found) => {
    const many = found.length > 1;
    const named = [...found].sort((one, other) => area(one.roc) - area(other.roc)).slice(0, found.length > NAMED ? WORST : NAMED);
    const stroke = (curve) => palette()[named.indexOf(curve)];
    const sets = (key) => [...named, ...found.filter((curve) => !named.includes(curve))].map((curve) => named.includes(curve)
      ? line(short(curve.class), curve[key], stroke(curve))
      : line(short(curve.class), curve[key], color("line"), { borderWidth: 1, unnamed: true }));
    draw("roc", "line", { datasets: [guide([[0, 0], [1, 1]]), ...sets("roc")] },
      { x: share("false positive rate"), y: share("true positive rate") }, many);
    draw("pr", "line", { datasets: sets("pr") }, { x: share("recall"), y: share("precision") }, many);
  };

  const residuals = (found) => {
    const ends = found.points.map(([x]) => x);
    draw("residuals", "scatter", { datasets: [
      guide([[Math.min(...ends), 0], [Math.max(...ends), 0]]),
      { label: "rows", data: points(found.points), backgroundColor: `${color("blue")}88`, pointRadius: 2.5 },
    ] }, { x: axis("prediction"), y: axis("truth − prediction") });
    const bars = found.counts.map((rows, place) => ({ x: (found.edges[place] + found.edges[place + 1]) / 2, y: rows }));
    const look = { backgroundColor: color("blue"), barPercentage: 0.95, categoryPercentage: 1 };
    draw("errors", "bar", { datasets: [{ label: "rows", data: bars, ...look }] },
      { x: axis("truth − prediction", { offset: false }), y: axis("rows", { beginAtZero: true }) });
  };

  const importance = (found) => draw("importance", "bar", {
    labels: found.map((entry) => entry.column),
    datasets: [{ label: "growth of the loss", data: found.map((entry) => entry.mean), backgroundColor: color("blue"), maxBarThickness: 22 }],
  }, { x: axis("growth of the loss"), y: axis("", { type: "category", title: { display: false }, ticks: { color: color("soft"), autoSkip: false } }) });

  const zero = (mark) => color(mark.tick && mark.tick.value === 0 ? "ink" : "line");
  const zeroWidth = (mark) => (mark.tick && mark.tick.value === 0 ? 2 : 1);
  const verdict = (entry) => (entry.high <= entry.allowed ? "green" : entry.low > entry.allowed ? "red" : "orange");
  const marks = (label, values, style) => ({
    type: "line", label, data: values, showLine: false, borderColor: color("ink"), backgroundColor: color("ink"), ...style,
  });
  const comparisons = (found) => draw("comparisons", "bar", {
    labels: found.map((entry) => entry.name.replaceAll("_", " ")),
    datasets: [
      marks("difference", found.map((entry) => entry.candidate - entry.reference), { pointRadius: 5, pointHoverRadius: 6 }),
      marks("allowed at most", found.map((entry) => entry.allowed),
        { pointStyle: "line", rotation: 90, pointRadius: 16, pointHoverRadius: 16, borderWidth: 3, pointBorderWidth: 3 }),
      {
        label: "90 % interval", data: found.map((entry) => [entry.low, entry.high]), maxBarThickness: 14, borderRadius: 7,
        borderSkipped: false, minBarLength: 4, backgroundColor: found.map((entry) => color(verdict(entry))),
      },
    ],
  }, { x: axis("difference of the loss", { grid: { color: zero, lineWidth: zeroWidth } }), y: axis("", { type: "category", title: { display: false } }) }, true);

  const all = () => {
    charts.splice(0).forEach((chart) => chart.destroy());
    if (data.calibration) calibration(data.calibration);
    if (data.curves.ranking) ranking(data.curves.ranking);
    if (data.curves.residuals) residuals(data.curves.residuals);
    if (data.importance.length) importance(data.importance);
    if (data.comparisons.length) comparisons(data.comparisons);
  };
  all();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  addEventListener("beforeprint", all);
  addEventListener("afterprint", all);
  document.documentElement.dataset.charts = String(charts.length);
})();
