// What is shown: the list of models, and one model with everything about it.

import { badge, h, number, part, table, time } from "./dom.js";
import { drift, standing } from "./monitoring.js";
import { quality, qualityOverTime } from "./quality.js";
import { audit, olderButton, runs, versions } from "./records.js";
import { attention, serving } from "./serving.js";
import { trafficCard } from "./traffic.js";

const ALARMS = new Set(["drift", "data_fault", "degraded", "FAILED"]);

export function list({ value: { items, next }, error, at }, act) {
  const stale = error && h("p", { class: "error" }, `as of ${new Date(at).toLocaleTimeString()}; since then the models could not be had: ${error}`);
  if (!items.length) {
    return [h("h1", {}, "Models"), stale, h("p", {}, "There is no model yet. Upload a table: ",
      h("code", {}, "modelloop train table.csv --model NAME"))];
  }
  const rows = items.map((model) => [
    h("a", { href: `#/models/${encodeURIComponent(model.name)}` }, model.name),
    model.drift ? badge(standing(model.drift)) : "–", model.quality ? badge(model.quality.status) : "–", newest(model.run),
    number(model.champion), split(model), model.frozen ? badge("frozen") : "–", time(model.updated_at),
  ]);
  const columns = [["model", ""], ["drift", ""], ["quality", ""], ["newest run", ""], ["champion", "number"], ["traffic split", ""], ["frozen", ""], ["updated", ""]];
  return [h("h1", {}, "Models"), stale, verdict(items),
    h("div", { class: "card" }, table("What serves, and how it fares", columns, rows, { stacked: true }), next && olderButton("models", "models", act, "Show more"))];
}

const states = (model) => [model.drift && standing(model.drift), model.quality?.status, model.run?.state];

function verdict(items) {
  const wrong = items.filter((model) => states(model).some((state) => ALARMS.has(state)));
  if (!wrong.length) return h("p", { id: "verdict" }, badge("ok"), " No model has an alarm or a failed run.");
  return h("p", { id: "verdict" }, badge("drift", "look"), ` ${wrong.length} of ${items.length} models have an alarm or a failed run: ${wrong.map((model) => model.name).join(", ")}`);
}

function newest(run) {
  if (!run) return "–";
  return [badge(run.state), run.state === "RUNNING" ? ` ${run.stage}, ${number(run.percent)} %` : ""];
}

export function split(model) {
  if (!model.champion) return "nothing serves";
  if (!model.challenger) return "champion 100 %";
  const text = `challenger ${number(model.weight)} %`;
  return [h("meter", { min: 0, max: 100, value: model.weight, "aria-label": text }), ` ${text}`];
}

export function model(name, found, act) {
  const what = found.model.value;
  const monitored = Boolean(what.champion || found.drift.value?.version || found.quality.value?.version);
  return [
    h("p", {}, h("a", { href: "#/" }, "All models")),
    h("h1", {}, name, " ", badges(what)),
    found.model.error && part("Model", { ...found.model, value: null }),
    attention(name, found, act),
    h("div", { class: "grid" }, serving(name, what, split(what), found.runs.value?.items[0], act), monitored && part("Quality", found.quality, quality)),
    part("Traffic of 24 hours", found.summary, trafficCard),
    monitored && found.quality.value && qualityOverTime(found.quality.value),
    monitored && part("Drift", found.drift, (value, stale) => drift(value, stale, found.details, act)),
    part("Versions", found.versions, (value, stale) => versions(name, value, stale, act)),
    part("Runs", found.runs, (value, stale) => runs(name, value, stale, act)),
    part("Audit log", found.audit, (value, stale) => audit(name, value, stale, act)),
  ];
}

const badges = (what) => h("span", { class: "badges" },
  [what.drift && ["drift", standing(what.drift)], what.quality && ["quality", what.quality.status]].filter(Boolean)
    .map(([kind, status]) => h("span", { class: "small" }, `${kind} `, badge(status))), what.frozen && badge("frozen"));
