// Calls to the service, with the key of this tab.

const KEY = "windsock.key";

/** A key is needed, or this one is not accepted. */
export class Locked extends Error {}

/** The service refused, and says why. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export const hasKey = () => Boolean(sessionStorage.getItem(KEY));
export const keepKey = (secret) => sessionStorage.setItem(KEY, secret);
export const forgetKey = () => sessionStorage.removeItem(KEY);

export function headers() {
  const secret = sessionStorage.getItem(KEY);
  return secret ? { authorization: `Bearer ${secret}` } : {};
}

/** The answer as it came; raises Locked, Refused, or TypeError where the service is away. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  const typed = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(path, {
    method, signal, cache: "no-store", headers: { ...headers(), ...typed },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.ok) return answer;
  const said = await answer.json().then((found) => found.error?.message, () => null);
  const why = said ?? `the service answered ${answer.status}`;
  throw answer.status === 401 ? new Locked(why) : new Refused(why, answer.status);
}

export async function get(path, signal) {
  const answer = await ask(path, { signal });
  if (!answer.headers.get("content-type")?.includes("ndjson")) return answer.json();
  return (await answer.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** Sent even though the page goes away; nobody hears the answer. */
export function keep(path, body) {
  return fetch(path, { method: "POST", keepalive: true, headers: { ...headers(), "content-type": "application/json" }, body: JSON.stringify(body) });
}

/** `isKept` is false where the store did not take a person's word in time. */
export async function post(path, body, signal) {
  const answer = await ask(path, { method: "POST", body, signal });
  return { ...(await answer.json()), isKept: answer.headers.get("x-windsock-kept") !== "no" };
}

export const NOT_KEPT = "In force, but not kept: the store does not take it. If the service ends before it does, it is forgotten.";
