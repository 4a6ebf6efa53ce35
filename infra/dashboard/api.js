// Requests to the API, through the proxy that serves this page. Every address is relative to the page.

const ROOT = new URL("../", document.baseURI);
const TIMEOUT_MS = 35_000;

async function send(path, options) {
  let answer;
  try {
    answer = await fetch(new URL(path, ROOT), { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new Error(error.name === "TimeoutError" ? `no answer within ${TIMEOUT_MS / 1000} seconds`
      : "the proxy does not answer: is `modelloop dashboard` still running?");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || body.message || `the API answered ${answer.status}`);
  return body;
}

const segment = encodeURIComponent;

function address(path, query) {
  const parameters = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return parameters.length ? `${path}?${new URLSearchParams(parameters)}` : path;
}

export const listModels = (query = {}) => send(address("models", query));

export const getModel = (model, topic = "", query = {}) =>
  send(address(`models/${segment(model)}${topic && "/" + topic}`, query));

export function change(model, action, body) {
  return send(`models/${segment(model)}/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}
