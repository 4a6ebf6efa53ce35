// What serves, how its rollout goes, and what needs a person.

import { formatNumber } from "./charts.js";
import { badge, card, counted, facts, fold, h, reasons, stateName, table, time } from "./dom.js";
import { choices, gateDecision, progress } from "./records.js";

const MAX_WAITING_SHOWN = 3;

// Versions that need approval, the newest run while it is under way or when it failed, and captured lines that
// monitoring could not read.
export function attention(name, { model, versions, runs, summary }, act) {
  const waiting = (versions.value?.items || []).filter((version) => version.status === "waiting" && version.version > (model.value.champion || 0));
  const run = runs.value?.items[0], showsRun = run && ["RUNNING", "QUEUED", "FAILED", "REJECTED"].includes(run.state);
  const unreadable = Object.entries(summary.value?.quarantined ?? {});
  if (!waiting.length && !showsRun && !unreadable.length) return null;
  const older = waiting.length - MAX_WAITING_SHOWN;
  return card("Now", h("ul", { class: "now" },
    waiting.slice(0, MAX_WAITING_SHOWN).map((version) => h("li", {}, badge("waiting", `version ${version.version} needs approval`), " ", gateDecision(version)[1],
      h("div", { class: "actions" }, choices(name, version, act, "now-")))),
    older > 0 && h("li", {}, `${counted(older, "older version")} ${older === 1 ? "needs" : "need"} approval too: see Versions`),
    showsRun && h("li", {}, badge(run.state), ` run started by ${run.cause}, `, progress(run), run.reason ? `: ${run.reason}` : "", ", ", time(run.created_at)),
    unreadable.length > 0 && h("li", {}, badge("data_fault", "unreadable"), " captured lines of the last 24 hours could not be read: ",
      unreadable.map(([reason, lines]) => `${reason.replaceAll("_", " ")} ${formatNumber(lines)}`).join(", "), ". List them with ",
      h("code", {}, `modelloop quarantine --model ${name}`))));
}

export function serving(name, model, split, run, act) {
  const pairs = [
    ["champion", model.champion ? `version ${model.champion}` : "none"],
    ["challenger", model.challenger ? `version ${model.challenger}, ${formatNumber(model.weight)} % of requests` : "none"],
    ["shadow", model.shadow ? `version ${model.shadow}` : "none"],
    ...(model.pins?.length ? [["pinned", model.pins.map((version) => `version ${version}`).join(", ")]] : []),
    ["policy", [model.policy || "–", model.frozen ? [" ", badge("frozen")] : null]],
    ["last change", [model.action || "–", " by ", model.who || "–", ", ", time(model.updated_at)]],
    ["reason", model.why || "–"],
  ];
  if (!model.champion) return card("Serving", h("p", { id: "nothing-serves" }, `No version serves: ${whyNothing(model, run)}.`), model.action && facts(pairs.slice(-2)));
  return card("Serving", facts(pairs), h("p", {}, split), rolloutChecks(model.judge), buttons(name, model, act));
}

function whyNothing(model, run) {
  if (model.action === "retire") return "the model was retired";
  if (!run) return "there is no version yet, and no run is under way";
  if (["RUNNING", "QUEUED"].includes(run.state)) return "the first run is under way";
  if (run.state === "SUCCEEDED") return "no version was released; approve or promote one below";
  const ending = { FAILED: "failed", REJECTED: "was rejected by the gate" }[run.state] ?? `ended as ${stateName(run.state)}`;
  return `the newest run ${ending}${run.reason ? `: ${run.reason}` : ""}`;
}

const ROLLOUTS = { canary: "challenger as a canary", shadow: "shadow version", watch: "new champion" };

function rolloutChecks(judge) {
  return judge?.judged?.map((decision) => [
    h("h3", {}, `Rollout check: ${stateName(decision.action)}`),
    h("p", { class: "muted" }, `${ROLLOUTS[decision.kind] ?? decision.kind}, `, time(judge.updated_at)), reasons(decision),
    decision.checks?.length > 0 && fold(`judge-${decision.kind}`, table(`Checks of the ${ROLLOUTS[decision.kind] ?? decision.kind}`,
      [["check", ""], ["result", ""], ["detail", ""]], decision.checks.map((check) => [check.name, badge(check.outcome), check.detail])), "Checks"),
  ]);
}

function buttons(name, model, act) {
  return h("div", { class: "actions" },
    h("button", { id: "rollback", disabled: !model.previous, onclick: () => act("rollback", {}, `Roll ${name} back`,
      `Version ${model.previous} will serve again.`) }, "Roll back…"),
    h("button", { id: "freeze", onclick: () => act("freeze", { on: !model.frozen }, `${model.frozen ? "Unfreeze" : "Freeze"} ${name}`,
      model.frozen ? "Automatic changes will resume." : "Nothing will change automatically until the model is unfrozen.") }, model.frozen ? "Unfreeze…" : "Freeze…"),
    h("button", { id: "retrain", onclick: () => act("runs", {}, `Retrain ${name}`,
      "A new run will start on the current data. Its version has to pass the gate as any other.") }, "Retrain…"));
}
