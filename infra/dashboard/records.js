// What was made and done: versions, runs and the audit log, newest first, older ones on request.

import { badge, card, h, number, table, time } from "./dom.js";

const NOT_PROMOTABLE = new Set(["refused", "rejected", "retired"]);

export const olderButton = (key, what, act, text = "Show older") =>
  h("button", { id: `older-${what}`, onclick: () => act.older(key), "aria-label": `${text}: ${what}` }, text);

const listed = (title, caption, columns, rows, { stale, next, key, act, topic }) =>
  card(title, stale, rows.length ? table(caption, columns, rows, { stacked: true }) : h("p", { class: "muted" }, "None yet."),
    next && olderButton(key, topic, act));

export function gateWord(version) {
  const gate = version.gate || version, asked = gate.decision === "approve";
  const word = asked ? { waiting: "needs approval", approved: "approved" }[version.status] || "asked for approval" : gate.decision || "–";
  return [word, gate.reasons?.length ? `${gate.reasons.join("; ")}` : ""];
}

export function choices(name, version, act, prefix = "") {
  const step = (action, title, text) => h("button", { id: `${prefix}${action}-${version.version}`,
    onclick: () => act(action, { version: version.version }, `${title} version ${version.version}`, text) }, `${title}…`);
  return version.status === "waiting" && [step("approve", "Approve", `It goes on as the policy of ${name} says.`), step("reject", "Reject", "It will not serve.")];
}

export function versions(name, { items, next }, stale, act) {
  const rows = items.map((version) => {
    const [metric, figure] = Object.entries(version.metrics?.holdout || version.metrics || {})[0] || [];
    const [word, why] = gateWord(version);
    return [
      `version ${version.version}`, badge(version.role || version.status || "–"), version.family || "–",
      metric ? `${metric} ${number(figure.value ?? figure)}` : "–", why ? `${word}: ${why}` : word, time(version.created_at),
      h("div", { class: "actions" }, choices(name, version, act),
        h("button", { id: `promote-${version.version}`, disabled: version.role === "champion" || NOT_PROMOTABLE.has(version.status),
          onclick: () => act("promote", { version: version.version }, `Promote version ${version.version}`,
            `Version ${version.version} of ${name} answers every request.`) }, "Promote…"),
        h("button", { id: `report-${version.version}`, onclick: () => act.report(version.version) }, "Report")),
    ];
  });
  const columns = [["version", ""], ["role", ""], ["family", ""], ["holdout", ""], ["gate", ""], ["made", ""], ["actions", ""]];
  return listed("Versions", "Versions, newest first", columns, rows, { stale, next, act, key: `versions ${name}`, topic: "versions" });
}

export const progress = (run) => (["RUNNING", "QUEUED"].includes(run.state)
  ? [h("progress", { max: 100, value: run.percent, "aria-label": `${run.percent} percent` }), ` ${run.stage}`] : run.stage);

export function runs(name, { items, next }, stale, act) {
  const rows = items.map((run) => [h("code", {}, run.run_id), badge(run.state), progress(run), run.cause, run.reason || "–", time(run.created_at)]);
  const columns = [["run", ""], ["state", ""], ["stage", ""], ["cause", ""], ["reason", ""], ["started", ""]];
  return listed("Runs", "Runs, newest first", columns, rows, { stale, next, act, key: `runs ${name}`, topic: "runs" });
}

export function audit(name, { items, next }, stale, act) {
  const rows = items.map((entry) => [time(entry.time), entry.action, entry.who, entry.why]);
  return listed("Audit log", "Changes, newest first", [["when", ""], ["what", ""], ["who", ""], ["why", ""]], rows,
    { stale, next, act, key: `audit ${name}`, topic: "audit" });
}
