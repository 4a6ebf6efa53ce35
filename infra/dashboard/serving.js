// What serves, what the judge says of it, and what waits for a person.

import { badge, card, facts, figures, h, number, reasons, table, time } from "./dom.js";
import { choices, gateWord, progress } from "./records.js";

const SHOWN = 3;

// What asks for a look: versions that wait for approval, the newest run while it is under way or when it failed, and
// captured lines that monitoring could not read.
export function attention(name, { model, versions, runs, summary }, act) {
  const waiting = (versions.value?.items || []).filter((version) => version.status === "waiting" && version.version > (model.value.champion || 0));
  const run = runs.value?.items[0], told = run && ["RUNNING", "QUEUED", "FAILED", "REJECTED"].includes(run.state);
  const unread = Object.entries(summary.value?.quarantined ?? {});
  if (!waiting.length && !told && !unread.length) return null;
  return card("Now", h("ul", { class: "now" },
    waiting.slice(0, SHOWN).map((version) => h("li", {}, badge("waiting", `version ${version.version} needs approval`), " ", gateWord(version)[1],
      h("div", { class: "actions" }, choices(name, version, act, "now-")))),
    waiting.length > SHOWN && h("li", {}, `${waiting.length - SHOWN} older versions wait as well: see below`),
    told && h("li", {}, badge(run.state), ` run by ${run.cause}, `, progress(run), run.reason ? `: ${run.reason}` : "", ", ", time(run.created_at)),
    unread.length > 0 && h("li", {}, badge("drift", "look"), " captured lines of 24 hours could not be read: ",
      unread.map(([reason, lines]) => `${reason.replaceAll("_", " ")} ${number(lines)}`).join(", "), "; ", h("code", {}, `modelloop quarantine --model ${name}`))));
}

export function serving(name, what, split, run, act) {
  const pairs = [
    ["champion", what.champion ? `version ${what.champion}` : "none"],
    ["challenger", what.challenger ? `version ${what.challenger}, ${number(what.weight)} % of requests` : "none"],
    ["shadow", what.shadow ? `version ${what.shadow}` : "none"],
    ...(what.pins?.length ? [["pinned", what.pins.map((version) => `version ${version}`).join(", ")]] : []),
    ["policy", [what.policy || "–", what.frozen ? [" ", badge("frozen")] : null]],
    ["last change", [what.action || "–", " by ", what.who || "–", ", ", time(what.updated_at)]],
    ["because", what.why || "–"],
  ];
  if (!what.champion) return card("What serves", h("p", { id: "nothing-serves" }, `Nothing serves: ${nothing(what, run)}.`), what.action && facts(pairs.slice(-2)));
  return card("What serves", facts(pairs), h("p", {}, split), judged(what.judge), buttons(name, what, act));
}

function nothing(what, run) {
  if (what.action === "retire") return "the model was retired";
  if (!run) return "there is no version yet, and no run makes one";
  if (["RUNNING", "QUEUED"].includes(run.state)) return "the first run is under way";
  return run.state === "SUCCEEDED" ? "no version was brought live; promote or approve one below" : `the newest run was ${run.state.toLowerCase()}${run.reason ? `: ${run.reason}` : ""}`;
}

function judged(judge) {
  if (!judge?.judged?.length) return null;
  return [h("h3", {}, "The judge, ", time(judge.updated_at)), judge.judged.map((one) => [
    h("p", {}, h("strong", {}, `${one.kind}: ${one.action}`)), reasons(one),
    one.checks?.length > 0 && figures(`judge-${one.kind}`, table(`What the judge asked of the ${one.kind}`, [["question", ""], ["answer", ""], ["found", ""]],
      one.checks.map((check) => [check.name, badge(check.outcome), check.detail])), "Findings"),
  ])];
}

function buttons(name, what, act) {
  return h("div", { class: "actions" },
    h("button", { id: "rollback", disabled: !what.previous, onclick: () => act("rollback", {}, `Roll ${name} back`,
      `Version ${what.previous} serves again.`) }, "Roll back…"),
    h("button", { id: "freeze", onclick: () => act("freeze", { on: !what.frozen }, `${what.frozen ? "Unfreeze" : "Freeze"} ${name}`,
      what.frozen ? "Automatic changes go on." : "No automatic change happens until it is unfrozen.") }, what.frozen ? "Unfreeze…" : "Freeze…"),
    h("button", { id: "retrain", onclick: () => act("runs", {}, `Retrain ${name}`,
      "A new run starts on what there is; its version passes the same gate.") }, "Retrain…"));
}
