/** Commands and questions over HTTP: the one answer shape becomes data or an ApiError. */
import { sha256 } from "./digest";
import { ApiError } from "./errors";
import { KeyRing } from "./keys";

const ANSWER_WITHIN = 20_000;
const UPLOAD_WITHIN = 120_000;
const TRY_AGAIN_AFTER = [400, 1_500];

type Method = "GET" | "POST" | "PATCH" | "PUT";

interface Asked {
  method: Method;
  body?: string | Blob;
  type?: string;
  key?: string;
  within?: number;
}

let signedOut: (code: string) => void = () => undefined;

/** Have `tell` called when the service says that the login is missing or has ended. */
export function whenSignedOut(tell: (code: string) => void): void {
  signedOut = tell;
}

/** Ask a question. */
export async function get<T>(path: string): Promise<T> {
  return readData<T>(await again(() => ask(path, { method: "GET" })));
}

/** Give a command that needs no key: carrying it out twice changes nothing more. */
export async function post<T>(path: string, body: object = {}, within?: number): Promise<T> {
  return readData<T>(await ask(path, { ...json("POST", body), within }));
}

export async function patch<T>(path: string, body: object): Promise<T> {
  return readData<T>(await ask(path, json("PATCH", body)));
}

export async function put<T>(path: string, body: object): Promise<T> {
  return readData<T>(await ask(path, json("PUT", body)));
}

const ring = new KeyRing();

/**
 * Give a command that creates something. It carries an Idempotency-Key; a lost answer is asked for
 * again with the same key, also when the person presses the button once more.
 */
export async function create<T>(path: string, body: object = {}): Promise<T> {
  const text = JSON.stringify(body);
  const key = ring.take(path, text);
  return settle(path, text, () => again(() => ask(path, { ...json("POST", body), key })));
}

/** Send a file, with a key as in `create`; `told` hears the part that has gone, 0 to 1. */
export async function upload<T>(
  path: string,
  file: Blob,
  told: (part: number) => void = () => undefined,
): Promise<T> {
  const what = `${file.type} ${file.size} ${await sha256(await file.arrayBuffer())}`;
  const key = ring.take(path, what);
  return settle(path, what, () => again(() => send(path, file, key, told)));
}

/** Fetch a file or a picture. */
export async function getBlob(path: string): Promise<Blob> {
  return readBlob(await again(() => ask(path, { method: "GET" })));
}

/** Have a file made and fetch it; it has the name that the service gave it. */
export async function postBlob(path: string, body: object = {}): Promise<File> {
  return readBlob(await ask(path, json("POST", body)));
}

function json(method: Method, body: object): Asked {
  return { method, body: JSON.stringify(body), type: "application/json" };
}

async function ask(path: string, asked: Asked): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json, */*" };
  if (asked.type !== undefined) headers["Content-Type"] = asked.type;
  if (asked.key !== undefined) headers["Idempotency-Key"] = asked.key;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), asked.within ?? ANSWER_WITHIN);
  try {
    const init: RequestInit = { method: asked.method, headers, signal: stop.signal };
    if (asked.body !== undefined) init.body = asked.body;
    return await fetch(path, { ...init, credentials: "same-origin", cache: "no-store" });
  } catch {
    throw new ApiError("network.lost", 0);
  } finally {
    clearTimeout(timer);
  }
}

/** XMLHttpRequest, because fetch does not tell how much of an upload has gone. */
function send(
  path: string,
  file: Blob,
  key: string,
  told: (part: number) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.timeout = UPLOAD_WITHIN;
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) told(event.loaded / event.total);
    };
    request.onload = () => resolve(new Response(request.responseText, { status: request.status }));
    request.onerror = () => reject(new ApiError("network.lost", 0));
    request.ontimeout = request.onerror;
    request.send(file);
  });
}

/** Try once more, and then again, when no answer came; refusals are answers. */
async function again(attempt: () => Promise<Response>): Promise<Response> {
  for (const pause of TRY_AGAIN_AFTER) {
    try {
      const response = await attempt();
      if (![502, 504].includes(response.status)) return response;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return attempt();
}

async function settle<T>(
  path: string,
  body: string,
  run: () => Promise<Response>,
): Promise<T> {
  try {
    const data = await readData<T>(await run());
    ring.settle(path, body);
    return data;
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isUnknown) ring.settle(path, body);
    throw error;
  }
}

interface Answer {
  data: unknown;
  error: { code: string; field: string | null; details: Record<string, unknown> } | null;
  request_id: string;
}

async function readData<T>(response: Response): Promise<T> {
  let answer: Answer;
  try {
    answer = (await response.json()) as Answer;
  } catch {
    throw new ApiError("answer.unreadable", response.status);
  }
  if (typeof answer !== "object" || answer === null || !("error" in answer)) {
    throw new ApiError("answer.unreadable", response.status);
  }
  if (answer.error !== null) throw refusal(answer, response.status);
  return answer.data as T;
}

async function readBlob(response: Response): Promise<File> {
  if (response.ok) {
    const blob = await response.blob();
    const named = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("Content-Disposition") ?? "");
    return new File([blob], decodeURIComponent(named?.[1] ?? ""), { type: blob.type });
  }
  await readData(response);
  throw new ApiError("answer.unreadable", response.status);
}

function refusal(answer: Answer, status: number): ApiError {
  const { code, field, details } = answer.error!;
  if (code === "login.missing" || code === "login.expired") signedOut(code);
  return new ApiError(code, status, field, details ?? {}, answer.request_id);
}
