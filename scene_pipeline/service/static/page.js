// The page: what happens when a photograph comes in, a wish changes or a product is judged.
import { html, render, useEffect, useRef, useState } from "./vendor.js";
import { Refusal, call, keepPicture, keepSubject, keptPicture, keptSubject, randomId, readState, requestOf, sendJson, setToken, smaller, writeState } from "./state.js";
import { Card, Facts, Insights, Photograph, Picture, WishesForm, capital, money } from "./parts.js";
import { ContextForm } from "./person.js";

const DEBOUNCE_MS = 250;
const UNDO_MS = 5000;
const MAX_UNDO = 50;

/** Events wait a moment, so that an undone one is never sent. */
const waiting = new Map();
function report(kind, item, list) {
  const event = { event_id: randomId(), recommendation_id: list.recommendation_id, kind, product_id: item.product_id, subject: keptSubject() };
  waiting.set(`${kind}/${item.product_id}`, { event, timer: setTimeout(flush, UNDO_MS, `${kind}/${item.product_id}`) });
}
function take(key) {
  const found = waiting.get(key);
  if (found) { clearTimeout(found.timer); waiting.delete(key); }
  return found && found.event;
}
function flush(key) {
  const event = take(key);
  if (event) sendJson("/v1/events", { events: [event] }, { keepalive: true }).catch(() => {});
}
addEventListener("pagehide", () => [...waiting.keys()].forEach(flush));

function sceneImage(name) {
  const [library, picture] = [name.slice(0, name.indexOf("/")), name.slice(name.indexOf("/") + 1)];
  return `/v1/libraries/${encodeURIComponent(library)}/scenes/${encodeURIComponent(picture)}`;
}

function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const COLUMNS = ["rank", "product_id", "sku_id", "variant", "title", "price", "currency", "brand", "category", "placement", "confidence", "calibrated", "score", "reason", "context", "link"];
const OF_RECORDS = {
  context: (item) => item.context && item.context.sentence,
  variant: (item) => item.variant && item.variant.sku_id,
};
function csv(items) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return `"${safe.replaceAll('"', '""')}"`;
  };
  return [COLUMNS.join(","), ...items.map((item) => COLUMNS.map((name) => cell(OF_RECORDS[name] ? OF_RECORDS[name](item) : item[name])).join(","))].join("\r\n");
}

function Start({ libraries, onFile, onPick }) {
  const [over, setOver] = useState(false);
  const drop = (event) => { event.preventDefault(); setOver(false); onFile(event.dataTransfer.files[0]); };
  const chosen = (event) => { onFile(event.target.files[0]); event.target.value = ""; };
  return html`<section class="start" aria-label="A photograph">
    <div class=${over ? "drop over" : "drop"} onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <p class="lede">Drop or paste a photograph of a room</p>
      <p class="ways">
        <label class="button">Choose a photograph<input class="said" type="file" accept="image/*" onChange=${chosen} /></label>
        <label class="button">Take one<input class="said" type="file" accept="image/*" capture="environment" onChange=${chosen} /></label>
      </p>
    </div>
    ${libraries.map((library) => html`<section key=${library.name} aria-label=${library.name.replaceAll("_", " ")}>
      <h2 class="library">${library.name.replaceAll("_", " ")}</h2>
      <ul class="scenes">${library.scenes.slice(0, 24).map((name) => html`<li key=${name}>
        <button type="button" onClick=${() => onPick(`${library.name}/${name}`)}>
          <${Picture} src=${`${sceneImage(`${library.name}/${name}`)}/image`} alt=${name.replace(/\.\w+$/, "").replaceAll(/[_-]/g, " ")} loading="lazy" /></button></li>`)}</ul>
    </section>`)}
  </section>`;
}

function setLine(set, words) {
  const note = set.note ? ` ${capital(set.note)}.` : "";
  return `Together ${money(set.cost, words.currency)} of ${money(set.budget, words.currency)}.${note}`;
}

function TokenForm({ onDone }) {
  const submit = (event) => { event.preventDefault(); setToken(event.target.elements.token.value.trim()); onDone(); };
  return html`<form class="token" onSubmit=${submit}><p class="lede">This server asks for a token.</p>
    <label class="field"><span>Token</span><input type="password" name="token" autocomplete="off" required /></label>
    <button type="submit">Use it</button></form>`;
}

function List({ title, list, other, words, state, act, frozen }) {
  const ids = other && new Set(other.items.map((item) => item.product_id));
  return html`<section class="list" aria-label=${title}>
    ${other && html`<h2>${title}</h2>`}
    <ol class="products">${list.items.map((item) => html`<${Card} key=${item.product_id} item=${item} words=${words} state=${state} act=${act}
      frozen=${frozen} only=${ids && !ids.has(item.product_id)} />`)}</ol>
  </section>`;
}

function App() {
  const [words, setWords] = useState(null);
  const [libraries, setLibraries] = useState([]);
  const [state, setState] = useState(() => readState(location.hash));
  const [read, setRead] = useState(null);
  const [picture, setPicture] = useState(() => keptPicture());
  const [photo, setPhoto] = useState("");
  const [list, setList] = useState(null);
  const [other, setOther] = useState(null);
  const [busy, setBusy] = useState("");
  const [refusal, setRefusal] = useState(null);
  const [round, setRound] = useState(0);
  const [insights, setInsights] = useState(null);
  const [subject, setSubject] = useState(keptSubject);
  const past = useRef([]);
  const focusOn = useRef(0);
  const written = useRef(location.hash.slice(1));

  const put = (next) => {
    setState(next);
    const text = writeState(next);
    if (text !== written.current) { written.current = text; history.replaceState(null, "", text ? `#${text}` : location.pathname); }
  };
  const change = (part) => put({ ...state, ...part });
  const refused = (error) => { if (error.name !== "AbortError") { setBusy(""); setRefusal(error); } };

  useEffect(() => {
    Promise.all([call("/v1/vocabulary"), call("/v1/libraries")]).then((answers) => Promise.all(answers.map((answer) => answer.json())))
      .then(([vocabulary, found]) => { setWords(vocabulary); setLibraries(found.libraries); setRefusal(null); }).catch(refused);
  }, [round]);

  useEffect(() => {
    const back = () => { written.current = location.hash.slice(1); setState(readState(location.hash)); };
    addEventListener("hashchange", back);
    return () => removeEventListener("hashchange", back);
  }, []);

  useEffect(() => {
    if (!picture) { setPhoto(""); return undefined; }
    const url = URL.createObjectURL(picture);
    setPhoto(url);
    return () => URL.revokeObjectURL(url);
  }, [picture]);

  const upload = async (blob, kept) => {
    setBusy("Reading the photograph");
    const answer = await call("/v1/scenes", { method: "POST", body: blob, headers: { "Content-Type": blob.type || "application/octet-stream" } });
    const scene = await answer.json();
    setRead(scene.scene);
    put({ ...(kept || readState("")), scene: scene.scene_id, library: "" });
  };
  const onFile = async (file) => {
    if (!file) return;
    setRefusal(null); setList(null); setOther(null); past.current = [];
    try {
      const blob = await smaller(file);
      setPicture(blob); keepPicture(blob);
      await upload(blob);
    } catch (error) { refused(error); }
  };
  const onPick = (name) => { past.current = []; setRead(null); setList(null); setOther(null); setRefusal(null); put({ ...readState(""), library: name }); };

  useEffect(() => {
    const paste = (event) => { const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/")); if (file) onFile(file); };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  });

  // what was read, where a reload or a link has brought only the state
  useEffect(() => {
    if (!words || read || !(state.scene || state.library)) return;
    call(state.scene ? `/v1/scenes/${encodeURIComponent(state.scene)}` : sceneImage(state.library))
      .then((answer) => answer.json()).then((scene) => setRead(scene.scene)).catch((error) => recover(error));
  }, [words, state.scene, state.library, read]);

  // a second opinion, where the server asks for one: it comes later, and then moves the list
  const sceneAddress = state.scene ? `/v1/scenes/${encodeURIComponent(state.scene)}` : state.library ? sceneImage(state.library) : "";
  useEffect(() => {
    setInsights(null);
    if (!read || !sceneAddress) return undefined;
    let timer = 0;
    let tries = 0;
    let gone = false;
    const look = () => call(sceneAddress).then((answer) => answer.json()).then((scene) => {
      if (gone) return;
      setInsights(scene.insights || null);
      if (scene.insights && scene.insights.state === "pending" && tries++ < 40) timer = setTimeout(look, 1500);
      else if (tries > 0 && scene.insights && scene.insights.state === "there") setRound((n) => n + 1);
    }).catch(() => {});
    look();
    return () => { gone = true; clearTimeout(timer); };
  }, [sceneAddress, Boolean(read)]);

  const recover = (error) => {
    const gone = error instanceof Refusal && ["not-found", "scene-gone"].includes(error.kind);
    if (gone && state.scene && picture) upload(picture, state).catch(refused);
    else refused(error);
  };

  // the list answers as wishes change
  const wanted = words && (state.scene || state.library) ? JSON.stringify(requestOf(state, subject)) : "";
  useEffect(() => {
    if (!wanted) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      setBusy("Choosing products");
      sendJson("/v1/recommendations", JSON.parse(wanted), { signal: stop.signal }).then((answer) => {
        setList(answer); setRefusal(null); setBusy("");
      }).catch((error) => {
        if (error.kind === "busy") setTimeout(() => setRound((n) => n + 1), 1000 * Math.min(error.retryAfter, 10));
        recover(error);
      });
    }, list ? DEBOUNCE_MS : 0);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [wanted, round]);

  const compared = state.compare && wanted ? JSON.stringify(requestOf({ ...readState(state.compare), scene: state.scene, library: state.library }, subject)) : "";
  useEffect(() => {
    if (!compared) { setOther(null); return undefined; }
    const stop = new AbortController();
    sendJson("/v1/recommendations", JSON.parse(compared), { signal: stop.signal }).then(setOther).catch(refused);
    return () => stop.abort();
  }, [compared, round]);

  useEffect(() => {
    if (!focusOn.current || !list) return;
    const next = document.querySelector(`.reject[data-rank="${Math.min(focusOn.current, list.items.length)}"]`);
    if (next) next.focus();
    focusOn.current = 0;
  }, [list]);

  const act = (kind, item) => {
    const id = item.product_id;
    past.current = [...past.current, { state, keys: [`${kind}/${id}`] }].slice(-MAX_UNDO);
    if (kind === "pin") {
      const pins = Object.fromEntries(Object.entries(state.pins).filter(([, one]) => one !== id));
      if (item.pinned) take(`pin/${id}`); else { pins[item.rank] = id; report("pin", item, list); }
      change({ pins });
    } else if (kind === "like") {
      const liked = state.liked.includes(id);
      if (liked) take(`like/${id}`); else report("like", item, list);
      change({ liked: liked ? state.liked.filter((one) => one !== id) : [...state.liked, id] });
    } else {
      report("reject", item, list);
      focusOn.current = item.rank;
      const pins = Object.fromEntries(Object.entries(state.pins).filter(([, one]) => one !== id));
      change({ rejected: [...state.rejected, id], pins });
    }
  };
  const undo = () => {
    const last = past.current.pop();
    if (last) { last.keys.forEach(take); put(last.state); }
  };
  const chooseFor = (person) => { [...waiting.keys()].forEach(flush); keepSubject(person); setSubject(person); };
  const lookbook = async () => {
    setBusy("Making the lookbook");
    try {
      const body = state.scene ? picture : undefined;
      const path = `/v1/lookbooks?request=${encodeURIComponent(JSON.stringify(requestOf(state, subject)))}`;
      const answer = await call(path, { method: "POST", body, headers: body ? { "Content-Type": body.type } : {} });
      download("lookbook.html", await answer.blob());
      setBusy("");
    } catch (error) { refused(error); }
  };
  const compare = () => change({ compare: state.compare ? "" : writeState({ ...state, compare: "", scene: "", library: "" }) || "k=10" });

  if (refusal && ["unauthorized", "forbidden"].includes(refusal.kind)) {
    return html`${refusal.kind === "forbidden" && html`<p class="alert" role="alert">${refusal.message}</p>`}
      <${TokenForm} onDone=${() => { setRefusal(null); setRound((n) => n + 1); }} />`;
  }
  const chosen = Boolean(state.scene || state.library);
  const status = busy || (list && chosen ? `${list.items.length} ${list.items.length === 1 ? "product" : "products"}. ${list.note}` : "");
  return html`
    ${refusal && html`<p class="alert" role="alert">${refusal.message} <button type="button" class="quiet" onClick=${() => { setRefusal(null); setRound((n) => n + 1); }}>Try again</button></p>`}
    ${!chosen && words && html`<${Start} libraries=${libraries} onFile=${onFile} onPick=${onPick} />`}
    ${!words && !refusal && html`<p class="empty">Opening</p>`}
    ${chosen && words && html`<div class="room">
      <div class="side">
        <${Photograph} url=${state.scene ? photo : `${sceneImage(state.library)}/image`} kept=${Boolean(state.scene)} scene=${read && list && list.intent === "match" ? { ...read, objects: list.scene.objects } : read} />
        <button type="button" class="quiet" onClick=${() => { past.current = []; setRead(null); setList(null); setRefusal(null); put(readState("")); }}>Another photograph</button>
        ${read && html`<${Facts} read=${read} words=${words} state=${state} change=${change} />`}
        <${Insights} insights=${insights} />
        <${WishesForm} words=${words} state=${state} change=${change} />
        <${ContextForm} words=${words} state=${state} change=${change} subject=${subject} onSubject=${chooseFor} onProfile=${() => setRound((n) => n + 1)} />
      </div>
      <div class="answers" aria-busy=${busy !== ""}>
        <div class="bar">
          <p class="status" role="status">${status}${list && list.set && chosen ? ` ${setLine(list.set, words)}` : ""}${list && list.for_you && chosen ? ` ${capital(list.for_you)}.` : ""}</p>
          <div class="buttons">
            <button type="button" disabled=${past.current.length === 0} onClick=${undo}>Undo</button>
            ${state.rejected.length > 0 && html`<button type="button" onClick=${() => change({ rejected: [] })}>Bring back ${state.rejected.length} rejected</button>`}
            <button type="button" aria-pressed=${state.compare !== ""} onClick=${compare}>${state.compare ? "End comparison" : "Compare from here"}</button>
            <button type="button" disabled=${!list} onClick=${() => download("products.csv", new Blob([`\ufeff${csv(list.items)}`], { type: "text/csv" }))}>CSV</button>
            <button type="button" disabled=${!list || (state.scene && !picture)} onClick=${lookbook}>Lookbook</button>
          </div>
        </div>
        ${list && html`<div class=${other ? "lists two" : "lists"}>
          <${List} title="Now" list=${list} other=${other} words=${words} state=${state} act=${act} />
          ${other && html`<${List} title="As it was" list=${other} other=${list} words=${words} state=${state} act=${act} frozen />`}
        </div>`}
        ${list && list.items.length === 0 && html`<p class="none">No product is left; bring rejected ones back or loosen a wish.</p>`}
      </div>
    </div>`}`;
}

const main = document.getElementById("main");
main.replaceChildren();
render(html`<${App} />`, main);
