// What changed since the page was drawn last, in words for the live region.

import { stateName } from "./dom.js";

const ENDED = new Set(["SUCCEEDED", "REJECTED", "FAILED", "SUPERSEDED"]);

export const modelsOf = (parts) => parts.models?.value.items ?? [parts.model.value];

const errorsOf = (parts) => Object.entries(parts).filter(([topic, part]) => topic !== "details" && part.error)
  .map(([topic, part]) => `${topic} could not be loaded: ${part.error}`);

function changesOf(before, now) {
  const changes = [["data", "drift"], ["quality", "quality"]]
    .filter(([, kind]) => now[kind] && before[kind]?.status !== now[kind].status)
    .map(([title, kind]) => `${title}: ${stateName(now[kind].status)}`);
  if (ENDED.has(now.run?.state) && before.run?.run_id === now.run.run_id && before.run.state !== now.run.state) {
    changes.push(`run started by ${now.run.cause}: ${stateName(now.run.state)}`);
  }
  return changes.map((text) => `${now.name}, ${text}`);
}

export function changes(before, now) {
  const models = new Map(modelsOf(before).map((model) => [model.name, model])), errors = new Set(errorsOf(before));
  const changed = modelsOf(now).flatMap((model) => (models.has(model.name) ? changesOf(models.get(model.name), model) : []));
  return [...changed, ...errorsOf(now).filter((text) => !errors.has(text))].join("; ");
}
