// The API, through the proxy that serves this page. Every address is relative to the page.

const ROOT = new URL("../", document.baseURI);

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(new URL(path, ROOT), { ...options, signal: AbortSignal.timeout(35_000) });
  } catch {
    throw new Error("The proxy does not answer: is `modelloop dashboard` still running?");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const error = new Error(found.error || `The API answered ${answer.status}`);
    error.status = answer.status;
    throw error;
  }
  return found;
}

const part = encodeURIComponent;

export const models = () => ask("models?limit=100");

export function about(model, topic = "", query = {}) {
  const search = new URLSearchParams(query).toString();
  return ask(`models/${part(model)}${topic && "/" + topic}${search && "?" + search}`);
}

export function change(model, action, body) {
  return ask(`models/${part(model)}/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
