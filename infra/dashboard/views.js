// What is shown: the list of models, and one model with everything about it.

import { traffic } from "./charts.js";
import { badge, card, facts, h, number, table, time } from "./dom.js";
import { drift, quality, qualityOverTime } from "./monitoring.js";

export function list(found) {
  if (!found.models.length) {
    return [h("h1", {}, "Models"), h("p", {}, "There is no model yet. Upload a table: ",
      h("code", {}, "modelloop train table.csv --model NAME"))];
  }
  const rows = found.models.map((model) => [
    h("a", { href: `#/models/${encodeURIComponent(model.name)}` }, model.name),
    number(model.champion), number(model.challenger), split(model),
    model.frozen ? badge("frozen") : "–", time(model.updated_at),
  ]);
  const columns = [["model", ""], ["champion", "number"], ["challenger", "number"], ["traffic split", ""], ["frozen", ""], ["updated", ""]];
  return [h("h1", {}, "Models"), h("div", { class: "card" }, table("What serves", columns, rows))];
}

function split(model) {
  if (!model.champion) return "nothing serves";
  if (!model.challenger) return "champion 100 %";
  const text = `challenger ${number(model.weight)} %`;
  return [h("meter", { min: 0, max: 100, value: model.weight, "aria-label": text }), ` ${text}`];
}

export function model(name, found, act) {
  return [
    h("p", {}, h("a", { href: "#/" }, "All models")),
    h("h1", {}, name),
    h("div", { class: "grid" }, serving(name, found, act), quality(found.quality)),
    card("Traffic of 24 hours", traffic(found.traffic), latencies(found.summary)),
    qualityOverTime(found.quality),
    drift(found.drift, found.details, act),
    versions(name, found.versions.versions, act),
    runs(found.runs.runs),
    audit(found.audit.audit),
  ];
}

function serving(name, { model: what }, act) {
  const pairs = [
    ["champion", what.champion ? `version ${what.champion}` : "none"],
    ["challenger", what.challenger ? `version ${what.challenger}, ${number(what.weight)} % of requests` : "none"],
    ["shadow", what.shadow ? `version ${what.shadow}` : "none"],
    ["policy", [what.policy || "–", what.frozen ? [" ", badge("frozen")] : null]],
    ["last change", [what.action || "–", " by ", what.who || "–", ", ", time(what.updated_at)]],
    ["because", what.why || "–"],
  ];
  return card("What serves", facts(pairs), split(what), h("div", { class: "actions" },
    h("button", { id: "rollback", disabled: !what.previous, onclick: () => act("rollback", {}, `Roll ${name} back`,
      `Version ${what.previous} serves again.`) }, "Roll back…"),
    h("button", { id: "freeze", onclick: () => act("freeze", { on: !what.frozen }, `${what.frozen ? "Unfreeze" : "Freeze"} ${name}`,
      what.frozen ? "Automatic changes go on." : "No automatic change happens until it is unfrozen.") }, what.frozen ? "Unfreeze…" : "Freeze…"),
    h("button", { id: "retrain", onclick: () => act("runs", {}, `Retrain ${name}`,
      "A new run starts on what there is; its version passes the same gate.") }, "Retrain…")));
}

function latencies(found) {
  const rows = found.versions.flatMap((version) => Object.entries(version.variants).map(([variant, one]) => [
    `version ${version.version}`, variant, number(one.requests), number(one.rows), number(one.errors),
    number(one.latency_ms.p50, 3), number(one.latency_ms.p99, 3),
  ]));
  const columns = [["version", ""], ["variant", ""], ["requests", "number"], ["rows", "number"], ["errors", "number"], ["p50 ms", "number"], ["p99 ms", "number"]];
  return rows.length ? table("By version", columns, rows) : h("p", { class: "muted" }, "No traffic was counted yet.");
}

function versions(name, found, act) {
  const rows = found.map((version) => {
    const gate = version.gate || version;
    const [metric, figure] = Object.entries(version.metrics?.holdout || version.metrics || {})[0] || [];
    return [
      `version ${version.version}`, version.role ? badge(version.role) : version.status || "–", version.family || "–",
      metric ? `${metric} ${number(figure.value ?? figure)}` : "–",
      [gate.decision || "–", gate.reasons?.length ? `: ${gate.reasons.join("; ")}` : ""], time(version.created_at),
      h("div", { class: "actions" },
        version.status === "waiting" && ["approve", "reject"].map((step) => h("button", { id: `${step}-${version.version}`,
          onclick: () => act(step, { version: version.version }, `${step === "approve" ? "Approve" : "Reject"} version ${version.version}`,
            step === "approve" ? `It goes on as the policy of ${name} says.` : "It will not serve.") }, step === "approve" ? "Approve…" : "Reject…")),
        h("button", { id: `promote-${version.version}`, disabled: version.role === "champion", onclick: () => act("promote", { version: version.version },
          `Promote version ${version.version}`, `Version ${version.version} of ${name} answers every request.`) }, "Promote…"),
        h("button", { id: `report-${version.version}`, onclick: () => act.report(version.version) }, "Report")),
    ];
  });
  const columns = [["version", ""], ["role", ""], ["family", ""], ["holdout", ""], ["gate", ""], ["made", ""], ["", ""]];
  return card("Versions", table("Versions, newest first", columns, rows));
}

function runs(found) {
  const rows = found.map((run) => [
    h("code", {}, run.run_id), badge(run.state),
    run.state === "RUNNING" || run.state === "QUEUED"
      ? [h("progress", { max: 100, value: run.percent, "aria-label": `${run.percent} percent` }), ` ${run.stage}`] : run.stage,
    run.cause, run.reason || "–", time(run.created_at),
  ]);
  return card("Runs", table("Runs, newest first", [["run", ""], ["state", ""], ["stage", ""], ["cause", ""], ["reason", ""], ["started", ""]], rows));
}

function audit(found) {
  const rows = found.map((entry) => [time(entry.time), entry.action, entry.who, entry.why]);
  return card("Audit log", table("Changes, newest first", [["when", ""], ["what", ""], ["who", ""], ["why", ""]], rows));
}
