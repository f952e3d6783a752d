// The page: what happens when a photograph comes in, a wish changes or a product is judged.
import { html, render, useEffect, useRef, useState } from "./vendor.js";
import { Refusal, call, hasToken, isSameScene, keepPicture, keepSubject, keptPicture, keptSubject, randomId, readState, requestOf, sendJson, setToken, smaller, writeState } from "./state.js";
import { Card, Facts, FileButton, Insights, Photograph, Picture, WishesForm, capital, money } from "./parts.js";
import { ContextForm } from "./person.js";

const DEBOUNCE_MS = 250;
const UNDO_MS = 5000;
const MAX_UNDO = 50;

/** Errors that may pass by themselves: what failed can be tried again. */
const PASSING = ["offline", "busy", "deadline", "internal", "not-ready", "timeout"];

/** Events wait a moment, so that an undone one is never sent. */
const waiting = new Map();
let sayLost = () => {};
function report(kind, item, list) {
  const event = { event_id: randomId(), recommendation_id: list.recommendation_id, kind, product_id: item.product_id, subject: keptSubject() };
  hold(`${kind}/${item.product_id}`, event);
}
function hold(key, event) {
  waiting.set(key, { event, timer: setTimeout(flush, UNDO_MS, key) });
}
function take(key) {
  const found = waiting.get(key);
  if (found) { clearTimeout(found.timer); waiting.delete(key); }
  return found && found.event;
}
function flush(key) {
  const event = take(key);
  if (!event) return;
  sendJson("/v1/events", { events: [event] }, { keepalive: true }).catch((error) => {
    if (!PASSING.includes(error.kind)) sayLost(`What you like, pin or reject is not recorded: ${error.message}.`);
    else if (!waiting.has(key)) hold(key, event); // the server stores an id once
  });
}
addEventListener("pagehide", () => [...waiting.keys()].forEach(flush));

function sceneImage(name) {
  const [library, picture] = [name.slice(0, name.indexOf("/")), name.slice(name.indexOf("/") + 1)];
  return `/v1/libraries/${encodeURIComponent(library)}/scenes/${encodeURIComponent(picture)}`;
}

/** Moves the focus and leaves the window where it is: by itself a browser shows the middle of what is tall. */
const focusOnTop = (element) => element.focus({ preventScroll: true });

function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const COLUMNS = ["rank", "product_id", "sku_id", "variant", "title", "price", "currency", "brand", "category", "place", "pieces", "placement", "confidence", "calibrated", "score", "reason", "context", "link"];
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

function Start({ libraries, busy, onFile, onPick }) {
  return html`<section class="start" aria-label="A photograph">
    <div class="drop">
      <p class="lede">Drop or paste a photograph of a room</p>
      <p class="ways">
        <${FileButton} label="Choose a photograph" onFile=${onFile} />
        <${FileButton} label="Take one" onFile=${onFile} capture="environment" />
      </p>
      <p class="status" role="status">${busy}</p>
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
  const [photo, setPhoto] = useState("");
  const [list, setList] = useState(null);
  const [other, setOther] = useState(null);
  const [otherFailed, setOtherFailed] = useState("");
  const [lost, setLost] = useState("");
  const [busy, setBusy] = useState("");
  const [refusal, setRefusal] = useState(null);
  const [round, setRound] = useState(0);
  const [insights, setInsights] = useState(null);
  const [subject, setSubject] = useState(keptSubject);
  const past = useRef([]);
  const focusOn = useRef(0);
  const written = useRef(location.hash.slice(1));
  const uploads = useRef(0);
  const picture = keptPicture(state.scene);

  /** Another scene is another entry of the browser's history; a changed wish is none. */
  const put = (next, another = !isSameScene(next, state)) => {
    setState(next);
    const text = writeState(next);
    if (text === written.current) return;
    written.current = text;
    history[another ? "pushState" : "replaceState"](null, "", text ? `#${text}` : location.pathname);
  };
  const forget = () => { past.current = []; setRead(null); setList(null); setOther(null); setRefusal(null); setBusy(""); };
  const change = (part) => put({ ...state, ...part });
  const refused = (error, again) => { if (error.name !== "AbortError") { error.again = again; setBusy(""); setRefusal(error); } };

  useEffect(() => {
    Promise.all([call("/v1/vocabulary"), call("/v1/libraries")]).then((answers) => Promise.all(answers.map((answer) => answer.json())))
      .then(([vocabulary, found]) => { setWords(vocabulary); setLibraries(found.libraries); setRefusal(null); }).catch((error) => refused(error));
  }, [round]);

  useEffect(() => { sayLost = setLost; }, []);

  useEffect(() => {
    const back = () => { uploads.current += 1; written.current = location.hash.slice(1); forget(); setState(readState(location.hash)); };
    addEventListener("hashchange", back);
    return () => removeEventListener("hashchange", back);
  }, []);

  // what had the focus is gone with the view that it was in
  const chosen = Boolean(state.scene || state.library);
  const opened = useRef(false);
  useEffect(() => { if (opened.current) { scrollTo(0, 0); focusOnTop(main); } opened.current = true; }, [chosen]);

  useEffect(() => {
    if (!picture) { setPhoto(""); return undefined; }
    const url = URL.createObjectURL(picture);
    setPhoto(url);
    return () => URL.revokeObjectURL(url);
  }, [picture]);

  /** Sends a photograph; what was shown stays until it has been read. `kept`: the state that it comes into. */
  const upload = async (blob, kept, another) => {
    const number = uploads.current += 1;
    setBusy("Reading the photograph");
    const answer = await call("/v1/scenes", { method: "POST", body: blob, headers: { "Content-Type": blob.type || "application/octet-stream" } });
    const scene = await answer.json();
    if (number !== uploads.current) return; // another photograph or view has come since
    keepPicture(scene.scene_id, blob);
    if (another) forget();
    setRead(scene.scene);
    put({ ...kept, scene: scene.scene_id, library: "" }, another);
  };
  const onFile = async (file, kept) => {
    if (!file) return;
    setRefusal(null); setBusy("Reading the photograph");
    try {
      await upload(await smaller(file), kept || readState(""), !kept);
    } catch (error) { refused(error, () => onFile(file, kept)); }
  };
  const onPick = (name) => { uploads.current += 1; forget(); put({ ...readState(""), library: name }); };

  useEffect(() => {
    const paste = (event) => { const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/")); if (file) onFile(file); };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  });

  // a file may be dropped anywhere: beside a drop zone the browser would leave the page and open it
  useEffect(() => {
    const over = (is) => document.body.classList.toggle("over", is);
    const drag = (event) => { if (event.dataTransfer.types.includes("Files")) { event.preventDefault(); over(true); } };
    const leave = (event) => { if (!event.relatedTarget) over(false); };
    const drop = (event) => {
      over(false);
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      onFile(event.dataTransfer.files[0]);
    };
    const listeners = [["dragover", drag], ["dragleave", leave], ["drop", drop]];
    listeners.forEach(([name, listener]) => addEventListener(name, listener));
    return () => listeners.forEach(([name, listener]) => removeEventListener(name, listener));
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

  const resent = useRef("");
  const recover = (error) => {
    const gone = error instanceof Refusal && ["not-found", "scene-gone"].includes(error.kind);
    if (!gone || !picture) refused(error);
    else if (resent.current !== state.scene) { // facts and list find out both
      resent.current = state.scene;
      upload(picture, state, false).catch((later) => { resent.current = ""; refused(later); });
    }
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
    setOtherFailed("");
    if (!compared) { setOther(null); return undefined; }
    const stop = new AbortController();
    sendJson("/v1/recommendations", JSON.parse(compared), { signal: stop.signal }).then(setOther).catch((error) => {
      if (error.name !== "AbortError") { setOther(null); setOtherFailed(capital(error.message)); }
    });
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
    } catch (error) { refused(error, lookbook); }
  };
  const compare = () => change({ compare: state.compare ? "" : writeState({ ...state, compare: "", scene: "", library: "" }) || "k=10" });

  if (refusal && ["unauthorized", "forbidden"].includes(refusal.kind)) {
    const why = refusal.kind === "forbidden" ? refusal.message : hasToken() && "The server does not know this token.";
    return html`${why && html`<p class="alert" role="alert">${capital(why)}</p>`}
      <${TokenForm} onDone=${() => { setRefusal(null); setRound((n) => n + 1); }} />`;
  }
  const status = busy || (list && chosen ? `${list.items.length} ${list.items.length === 1 ? "product" : "products"}.` : "");
  const passing = refusal && PASSING.includes(refusal.kind);
  const answered = () => {
    setRefusal(null);
    if (passing && refusal.again) refusal.again(); else if (passing) setRound((n) => n + 1);
  };
  return html`
    ${refusal && html`<p class="alert" role="alert">${refusal.kind === "busy" ? "The server is busy with others." : capital(refusal.message)} <button type="button" class="quiet" onClick=${answered}>${passing ? "Try again" : "Close"}</button></p>`}
    ${!chosen && words && html`<${Start} libraries=${libraries} busy=${busy} onFile=${(file) => onFile(file)} onPick=${onPick} />`}
    ${!words && !refusal && html`<p class="empty">Opening</p>`}
    ${chosen && words && html`<div class="room">
      <div class="side">
        <${Photograph} url=${state.scene ? photo : `${sceneImage(state.library)}/image`} kept=${Boolean(state.scene)} onFile=${(file) => onFile(file, state)} scene=${read && list && list.intent === "match" ? { ...read, objects: list.scene.objects } : read} />
        <p class="ways-on"><button type="button" class="quiet" onClick=${() => { uploads.current += 1; forget(); put(readState("")); }}>Another photograph</button>
          <button type="button" class="quiet down" onClick=${() => { const answers = document.querySelector(".answers"); answers.scrollIntoView(); focusOnTop(answers); }}>To the products</button></p>
        ${read && html`<${Facts} read=${read} words=${words} state=${state} change=${change} />`}
        <${Insights} insights=${insights} />
        <${WishesForm} words=${words} state=${state} change=${change} />
        <${ContextForm} words=${words} state=${state} change=${change} subject=${subject} onSubject=${chooseFor} onProfile=${() => setRound((n) => n + 1)} />
      </div>
      <div class="answers" tabindex="-1" aria-busy=${busy !== ""}>
        <div class="bar">
          <p class="status" role="status">${status}${list && list.set && chosen ? ` ${setLine(list.set, words)}` : ""}${list && list.for_you && chosen ? ` ${capital(list.for_you)}.` : ""}</p>
          <div class="buttons">
            <button type="button" disabled=${past.current.length === 0} onClick=${undo}>Undo</button>
            ${state.intent === "complete" && state.rejected.length > 0 && html`<button type="button" onClick=${() => change({ rejected: [] })}>Bring back ${state.rejected.length} rejected</button>`}
            <button type="button" aria-pressed=${state.compare !== ""} onClick=${compare}>${state.compare ? "End comparison" : "Compare from here"}</button>
            <button type="button" disabled=${!list} onClick=${() => download("products.csv", new Blob([`\ufeff${csv(list.items)}`], { type: "text/csv" }))}>CSV</button>
            <button type="button" disabled=${!list || (state.scene && !picture)} onClick=${lookbook}>Lookbook</button>
          </div>
        </div>
        ${list && chosen && html`<p class="basis">${list.note}</p>`}
        ${lost && html`<p class="basis" role="status">${lost}</p>`}
        ${otherFailed && html`<p class="none" role="status">As it was: ${otherFailed}.</p>`}
        ${list && html`<div class=${other ? "lists two" : "lists"}>
          <${List} title="Now" list=${list} other=${other} words=${words} state=${state} act=${act} />
          ${other && html`<${List} title="As it was" list=${other} other=${list} words=${words} state=${state} act=${act} frozen />`}
        </div>`}
        ${list && list.items.length === 0 && html`<p class="none">No product is left; bring rejected ones back or loosen a wish.</p>`}
      </div>
    </div>`}`;
}

const main = document.getElementById("main");
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address holds the state of the page and no place in it
  main.focus();
});
main.replaceChildren();
render(html`<${App} />`, main);
