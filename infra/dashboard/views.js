// The two views: the list of models, and one model with everything about it.

import { formatNumber } from "./charts.js";
import { badge, card, h, partCard, stateName, table, time } from "./dom.js";
import { drift, driftState } from "./drift.js";
import { quality, qualityOverTime } from "./quality.js";
import { audit, olderButton, runs, versions } from "./records.js";
import { attention, serving } from "./serving.js";
import { traffic } from "./traffic.js";

const ALARMS = new Set(["drift", "data_fault", "degraded", "FAILED"]);

export function list({ value: { items, next }, error, at }, act) {
  const failure = error && h("p", { class: "error" }, `Shown as of ${new Date(at).toLocaleTimeString()}. Loading the models again failed: ${error}`);
  if (!items.length) {
    return [h("h1", {}, "Models"), failure, h("p", {}, "There is no model yet. Upload a table to train one: ",
      h("code", {}, "modelloop train table.csv --model NAME"))];
  }
  const rows = items.map((model) => [
    h("a", { href: `#/models/${encodeURIComponent(model.name)}` }, model.name),
    model.drift ? badge(driftState(model.drift)) : "–", model.quality ? badge(model.quality.status) : "–", newestRun(model.run),
    formatNumber(model.champion), split(model), model.frozen ? badge("frozen") : "–", time(model.updated_at),
  ]);
  const heads = [["model", ""], ["data", ""], ["quality", ""], ["newest run", ""], ["champion", "number"], ["traffic split", ""], ["frozen", ""], ["updated", ""]];
  return [h("h1", {}, "Models"), failure, overall(items),
    h("div", { class: "card" }, table("Models", heads, rows, { stacked: true }), next && olderButton("models", "models", act, "Show more"))];
}

const states = (model) => [model.drift && driftState(model.drift), model.quality?.status, model.run?.state];

function overall(items) {
  const alarmed = items.filter((model) => states(model).some((state) => ALARMS.has(state)));
  if (!alarmed.length) return h("p", { id: "verdict" }, h("strong", { class: "good" }, "No model needs attention."));
  const verb = alarmed.length === 1 ? "needs" : "need";
  return h("p", { id: "verdict" }, h("strong", { class: "bad" }, `${alarmed.length} of ${items.length} models ${verb} attention`),
    `: ${alarmed.map((model) => model.name).join(", ")}`);
}

function newestRun(run) {
  if (!run) return "–";
  return [badge(run.state), run.state === "RUNNING" ? ` ${run.stage}, ${formatNumber(run.percent)} %` : ""];
}

export function split(model) {
  if (!model.champion) return "no version serves";
  if (!model.challenger) return "champion 100 %";
  const text = `challenger ${formatNumber(model.weight)} %`;
  return [h("meter", { min: 0, max: 100, value: model.weight, "aria-label": text }), ` ${text}`];
}

export function model(name, parts, act) {
  const state = parts.model.value;
  const monitored = Boolean(state.champion || parts.drift.value?.version || parts.quality.value?.version);
  return [
    h("p", {}, h("a", { href: "#/" }, "All models")),
    h("h1", {}, name, " ", badges(state)),
    parts.model.error && partCard("Model", parts.model, (_, failure) => card("Model", failure)),
    attention(name, parts, act),
    h("div", { class: "grid" }, serving(name, state, split(state), parts.runs.value?.items[0], act), monitored && partCard("Quality", parts.quality, quality)),
    partCard("Traffic, last 24 hours", parts.summary, traffic),
    monitored && parts.quality.value && qualityOverTime(parts.quality.value),
    monitored && partCard("Data drift", parts.drift, (verdict, failure) => drift(verdict, failure, parts.details, act)),
    partCard("Versions", parts.versions, (page, failure) => versions(name, page, failure, act)),
    partCard("Runs", parts.runs, (page, failure) => runs(name, page, failure, act)),
    partCard("Audit log", parts.audit, (page, failure) => audit(name, page, failure, act)),
  ];
}

const badges = (state) => h("span", { class: "badges" },
  [state.drift && ["data", driftState(state.drift)], state.quality && ["quality", state.quality.status]].filter(Boolean)
    .map(([title, status]) => h("span", { class: "small" }, badge(status, `${title}: ${stateName(status)}`))), state.frozen && badge("frozen"));
