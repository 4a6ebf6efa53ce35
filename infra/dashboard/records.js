// Versions, runs and the audit log, newest first, older ones on request.

import { formatNumber } from "./charts.js";
import { badge, card, h, table, time } from "./dom.js";

const NOT_PROMOTABLE = new Set(["refused", "rejected", "retired"]);

export const olderButton = (key, what, act, text = "Show older") =>
  h("button", { id: `older-${what}`, onclick: () => act.older(key), "aria-label": `${text}: ${what}` }, text);

const listCard = (title, caption, columns, rows, { failure, next, key, act, topic }) =>
  card(title, failure, rows.length ? table(caption, columns, rows, { stacked: true }) : h("p", { class: "muted" }, "None yet."),
    next && olderButton(key, topic, act));

const DECISIONS = { release: "released", reject: "refused" };

// What the gate decided of a version, and why.
export function gateDecision(version) {
  const gate = version.gate || version, needsApproval = gate.decision === "approve";
  const decision = needsApproval ? { waiting: "needs approval", approved: "approved" }[version.status] || "asked for approval"
    : DECISIONS[gate.decision] ?? gate.decision ?? "–";
  return [decision, gate.reasons?.join("; ") ?? ""];
}

export function choices(name, version, act, prefix = "") {
  const step = (action, title, text) => h("button", { id: `${prefix}${action}-${version.version}`,
    onclick: () => act(action, { version: version.version }, `${title} version ${version.version}`, text) }, `${title}…`);
  return version.status === "waiting" && [step("approve", "Approve", `It will be released as the policy of ${name} says.`), step("reject", "Reject", "It will never serve.")];
}

const familyWords = ({ members, family }) => members?.map(({ weight, family: of }) => `${weight} ${of}`).join(", ") || family || "–";

export function versions(name, { items, next }, failure, act) {
  const rows = items.map((version) => {
    const [metricName, metric] = Object.entries(version.metrics?.holdout || version.metrics || {})[0] || [];
    const [decision, why] = gateDecision(version);
    return [
      `version ${version.version}`, badge(version.role || version.status || "–"), familyWords(version),
      metric === undefined ? "–" : `${metricName} ${formatNumber(metric.value ?? metric)}`, why ? `${decision}: ${why}` : decision, time(version.created_at),
      h("div", { class: "actions" }, choices(name, version, act),
        h("button", { id: `promote-${version.version}`, disabled: version.role === "champion" || NOT_PROMOTABLE.has(version.status),
          onclick: () => act("promote", { version: version.version }, `Promote version ${version.version}`,
            `Version ${version.version} of ${name} will answer every request.`) }, "Promote…"),
        h("button", { id: `report-${version.version}`, onclick: () => act.report(version.version) }, "Report")),
    ];
  });
  const columns = [["version", ""], ["role", ""], ["family", ""], ["holdout", ""], ["gate", ""], ["created", ""], ["actions", ""]];
  return listCard("Versions", "Versions, newest first", columns, rows, { failure, next, act, key: `versions ${name}`, topic: "versions" });
}

export const progress = (run) => (["RUNNING", "QUEUED"].includes(run.state)
  ? [h("progress", { max: 100, value: run.percent, "aria-label": `${run.percent} percent` }), ` ${run.stage}`] : run.stage);

export function runs(name, { items, next }, failure, act) {
  const rows = items.map((run) => [h("code", {}, run.run_id), badge(run.state), progress(run), run.cause, run.reason || "–", time(run.created_at)]);
  const columns = [["run", ""], ["state", ""], ["stage", ""], ["cause", ""], ["reason", ""], ["started", ""]];
  return listCard("Runs", "Runs, newest first", columns, rows, { failure, next, act, key: `runs ${name}`, topic: "runs" });
}

export function audit(name, { items, next }, failure, act) {
  const rows = items.map((entry) => [time(entry.time), entry.action, entry.who, entry.why]);
  return listCard("Audit log", "Changes, newest first", [["when", ""], ["what", ""], ["who", ""], ["why", ""]], rows,
    { failure, next, act, key: `audit ${name}`, topic: "audit" });
}
