// The state of the page: what is looked at and what is wished, written into the address so that a reload keeps it.

export const EMPTY = {
  scene: "", library: "", intent: "complete", k: 10, room: "", seen: "", present: [], absent: [],
  style: "", colors: [], min: "", max: "", small: "", large: "", stock: false, categories: [], brand: "",
  spread: "", weights: {}, pins: {}, rejected: [], liked: [], compare: "", date: "", country: "",
  budget: "",
};

export function readState(text) {
  const given = new URLSearchParams(text.replace(/^#/, ""));
  const state = { ...EMPTY, weights: {}, pins: {} };
  for (const [name, value] of given) {
    const usual = EMPTY[name];
    if (usual === undefined) continue;
    if (Array.isArray(usual)) state[name] = value.split("~").filter(Boolean);
    else if (typeof usual === "boolean") state[name] = value === "1";
    else if (typeof usual === "number") state[name] = Math.min(Math.max(Number.parseInt(value, 10) || usual, 1), 100);
    else if (typeof usual === "object") {
      state[name] = Object.fromEntries(value.split("~").map((pair) => {
        const at = pair.indexOf(":");
        return [pair.slice(0, at), pair.slice(at + 1)];
      }).filter(([key]) => key));
    } else state[name] = value;
  }
  return state;
}

export function writeState(state) {
  const written = new URLSearchParams();
  for (const [name, usual] of Object.entries(EMPTY)) {
    const value = state[name];
    if (Array.isArray(usual)) { if (value.length) written.set(name, value.join("~")); }
    else if (typeof usual === "object") {
      const pairs = Object.entries(value).map(([key, part]) => `${key}:${part}`);
      if (pairs.length) written.set(name, pairs.join("~"));
    } else if (value !== usual) written.set(name, value === true ? "1" : value);
  }
  return written.toString();
}

export const isSameScene = (one, other) => one.scene === other.scene && one.library === other.library;

const number = (text) => (text === "" || Number.isNaN(Number(text)) ? undefined : Number(text));

/** The request of a state, as POST /v1/recommendations takes it. `subject`: the shop's id of whom it is for, or "". */
export function requestOf(state, subject) {
  const whole = state.intent === "complete"; // pins and rejections belong to it
  const wishes = {
    style: state.style || undefined, colors: state.colors, min_price: number(state.min), max_price: number(state.max),
    min_size_cm: number(state.small), max_size_cm: number(state.large), in_stock: state.stock,
    categories: state.categories, brands: state.brand ? [state.brand] : [], diversity: number(state.spread),
  };
  const corrections = {
    room: state.room || undefined, style: state.seen || undefined, present: state.present, absent: state.absent,
  };
  return {
    scene_id: state.scene || undefined, library_scene: state.scene ? undefined : state.library, intent: state.intent,
    k: state.k, wishes, corrections,
    weights: Object.fromEntries(Object.entries(state.weights).map(([name, value]) => [name, Number(value)])),
    pinned: whole ? Object.entries(state.pins).filter(([rank]) => Number(rank) <= state.k)
      .map(([rank, id]) => ({ product_id: id, rank: Number(rank) })) : [],
    rejected: whole ? state.rejected : [], budget: state.intent === "furnish" ? number(state.budget) || 1000 : undefined, subject, date: state.date || undefined,
    country: /^[A-Z]{2}$/.test(state.country) ? state.country : undefined,
  };
}

// ---------------------------------------------------------------- the server

let token = sessionStorage.getItem("token") || "";
export const hasToken = () => token !== "";
export function setToken(given) { token = given; sessionStorage.setItem("token", given); }

export class Refusal extends Error {
  constructor(problem, retryAfter) {
    super(problem.detail);
    this.kind = problem.type.split(":").pop();
    this.retryAfter = retryAfter;
  }
}

export async function call(path, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ type: ":offline", detail: "The server does not answer. Is it still running?" });
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ type: ":internal", detail: `The server answered ${response.status}.` }));
  throw new Refusal(problem, Number(response.headers.get("Retry-After")) || 0);
}

export const sendJson = (path, document, options = {}) => call(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(document), ...options,
}).then((response) => response.json());

export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whom lists are for: kept in this tab and not in the address, which people pass on. */
export const keptSubject = () => sessionStorage.getItem("subject") || "";
export function keepSubject(subject) {
  if (subject) sessionStorage.setItem("subject", subject); else sessionStorage.removeItem("subject");
}

// ---------------------------------------------------------------- the photograph, kept in this tab only

const LONG_SIDE = 1600;

/** Makes a photograph smaller, upright and without metadata; what the browser cannot decode is sent as it is. */
export async function smaller(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const scale = Math.min(1, LONG_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((done) => canvas.toBlob((blob) => done(blob || file), "image/jpeg", 0.86));
}

/** Scene -> photograph. The newest one survives a reload of the page, in the tab's storage. */
const pictures = new Map();

export function keepPicture(scene, blob) {
  pictures.set(scene, blob);
  const reader = new FileReader();
  reader.onload = () => {
    try {
      sessionStorage.setItem("picture", reader.result);
      sessionStorage.setItem("picture of", scene);
    } catch { sessionStorage.removeItem("picture"); }
  };
  reader.readAsDataURL(blob);
}

/** The photograph of a scene, or null where this tab does not have it. */
export function keptPicture(scene) {
  if (pictures.has(scene)) return pictures.get(scene);
  const stored = scene && sessionStorage.getItem("picture of") === scene && sessionStorage.getItem("picture");
  if (!stored) return null;
  const [head, body] = stored.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  pictures.set(scene, new Blob([bytes], { type: head.slice(5).split(";")[0] }));
  return pictures.get(scene);
}
