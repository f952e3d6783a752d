// The parts of the page that only show: photograph, facts, wishes, cards.
import { html, useEffect, useState } from "./vendor.js";
import { call, hasToken } from "./state.js";

export const percent = (value) => `${Math.round(100 * value)}%`;
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function money(value, currency) {
  if (value === null) return "";
  const options = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return value.toLocaleString("en", currency ? { style: "currency", currency } : options);
}

/** A picture of this server; with a token it has to be fetched, since <img> sends none. */
export function Picture({ src, alt, ...more }) {
  const [own, setOwn] = useState(hasToken() ? "" : src);
  useEffect(() => {
    if (!hasToken()) { setOwn(src); return undefined; }
    let url = "";
    let gone = false;
    call(src).then((response) => response.blob()).then((blob) => {
      if (!gone) setOwn(url = URL.createObjectURL(blob));
    }).catch(() => {});
    return () => { gone = true; URL.revokeObjectURL(url); };
  }, [src]);
  return own ? html`<img src=${own} alt=${alt} ...${more} />` : null;
}

export function FileButton({ label, onFile, ...more }) {
  const chosen = (event) => { onFile(event.target.files[0]); event.target.value = ""; };
  return html`<label class="button">${label}<input class="said" type="file" accept="image/*" onChange=${chosen} ...${more} /></label>`;
}

/** Things that share a window share a mark. */
function marks(things) {
  const found = new Map();
  for (const thing of things) found.set(String(thing.box), [...(found.get(String(thing.box)) || []), thing]);
  return [...found.values()];
}

export function Photograph({ url, scene, kept, onFile }) {
  if (!url) {
    return html`<div class="nophoto"><p>The photograph is not kept by the server and is no longer in this tab.</p>
      <${FileButton} label="Choose it again" onFile=${onFile} /></div>`;
  }
  const things = scene ? marks(scene.objects) : [];
  const alt = scene ? `Your photograph: ${scene.room.name}` : "Your photograph";
  return html`<figure class="photograph">
    <div class="marked">
      ${kept ? html`<img src=${url} alt=${alt} />` : html`<${Picture} src=${url} alt=${alt} />`}
      ${things.map((same, at) => {
        const [left, top, right, bottom] = same[0].box;
        return html`<svg class="mark" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" key=${at}>
          <rect x=${left} y=${top} width=${right - left} height=${bottom - top} /></svg>
          <span class="tag" aria-hidden="true" style=${{ left: percent(left), top: percent(top) }}>${at + 1}</span>`;
      })}
    </div>
    ${things.length > 0 && html`<figcaption>Seen where it is marked:
      <ol class="things">${things.map((same, at) => html`<li key=${at}>${same.map((thing) => thing.name).join(" or ")}</li>`)}</ol></figcaption>`}
  </figure>`;
}

export function Palette({ colors }) {
  const total = colors.reduce((sum, color) => sum + color.share, 0) || 1;
  let x = 0;
  return html`<div>
    <svg class="palette" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"
      aria-label=${`Colors by area: ${colors.map((color) => `${color.name} ${percent(color.share)}`).join(", ")}`}>
      ${colors.map((color) => {
        const width = (100 * color.share) / total;
        x += width;
        return html`<rect x=${x - width} y="0" width=${width + 0.05} height="10" fill=${color.hex} key=${color.hex + x} />`;
      })}
    </svg>
    <ul class="hexes" aria-hidden="true">${colors.map((color, at) => html`<li key=${at}>
      <svg viewBox="0 0 1 1"><rect width="1" height="1" fill=${color.hex} /></svg>${color.name} <span>${percent(color.share)}</span></li>`)}</ul>
  </div>`;
}

function Fact({ label, trait, entries, corrected, onCorrect }) {
  const id = `fact-${label.toLowerCase()}`;
  return html`<div class="fact">
    <label for=${id}>${label}</label>
    <select id=${id} value=${corrected || ""} onChange=${(event) => onCorrect(event.target.value)}>
      <option value="">${capital(trait.name)}${corrected ? " (as read)" : `, ${percent(trait.confidence)} sure`}</option>
      ${entries.filter((entry) => entry.id !== trait.value || corrected).map((entry) => html`
        <option value=${entry.id} key=${entry.id}>${corrected === entry.id ? `${capital(entry.name)}, as you say` : `It is: ${entry.name}`}</option>`)}
    </select>
  </div>`;
}

const stated = (trait, label) => (trait.certain || trait.value === "unknown" ? trait.name : `${label} not certain`);

export function Facts({ read, words, state, change }) {
  const there = read.present.filter((item) => !state.absent.includes(item.category));
  const toggle = (name) => change({ absent: state.absent.includes(name) ? state.absent.filter((one) => one !== name) : [...state.absent, name] });
  return html`<section class="facts" aria-labelledby="read">
    <h2 id="read">${capital(nameOf(words.rooms, state.room) || stated(read.room, "room"))}
      <em>${nameOf(words.styles, state.seen) || stated(read.style, "style")}</em></h2>
    <${Palette} colors=${read.colors} />
    <p class="palette-name">Palette: ${read.palette.name}, ${percent(read.palette.confidence)} sure</p>
    <${Fact} label="Room" trait=${read.room} entries=${words.rooms} corrected=${state.room} onCorrect=${(room) => change({ room })} />
    <${Fact} label="Style" trait=${read.style} entries=${words.styles} corrected=${state.seen} onCorrect=${(seen) => change({ seen })} />
    ${read.present.length > 0 && html`<div class="seen"><p id="seen">Seen in the picture; switch off what is not there</p>
      <ul aria-labelledby="seen">${read.present.map((item) => html`<li key=${item.category}>
        <button type="button" class="chip" aria-pressed=${!state.absent.includes(item.category)} onClick=${() => toggle(item.category)}>
          ${item.name} <span class="figure">${percent(item.confidence)}</span></button></li>`)}</ul></div>`}
    ${read.present.length > 0 && there.length === 0 && html`<p class="note">Nothing counts as there already.</p>`}
    ${read.note && html`<p class="note">${capital(read.note)}.</p>`}
  </section>`;
}

export function Insights({ insights }) {
  if (!insights) return null;
  if (insights.state === "pending") return html`<p class="note" role="status">${insights.model} is looking at the photograph.</p>`;
  if (insights.state === "none") return html`<p class="note">No second opinion: ${insights.note}.</p>`;
  return html`<section class="opinion" aria-labelledby="opinion">
    <h3 id="opinion">The model's opinion <span class="figure">${insights.model}</span></h3>
    <dl class="traits">${insights.lines.map((line) => html`<div key=${line.label}><dt>${line.label}</dt><dd>${line.text}</dd></div>`)}</dl>
    ${insights.summary && html`<p class="note">“${insights.summary}”</p>`}
  </section>`;
}

export const nameOf = (entries, id) => (entries.find((entry) => entry.id === id) || {}).name || "";

function Bounds({ label, unit, low, high, state, change }) {
  return html`<fieldset class="bounds"><legend>${label}</legend>
    ${[[low, "from"], [high, "to"]].map(([name, word]) => html`<label key=${name}><span>${word}</span>
      <input type="number" min="0" step="any" inputmode="decimal" value=${state[name]} aria-label=${`${label} ${word}${unit ? `, ${unit}` : ""}`}
        onInput=${(event) => change({ [name]: event.target.value })} /></label>`)}</fieldset>`;
}

function Choices({ label, entries, chosen, onChange }) {
  const toggle = (id) => onChange(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return html`<details class="choices"><summary>${label}${chosen.length ? ` (${chosen.length})` : ""}</summary>
    <ul>${entries.map((entry) => html`<li key=${entry.id}><label><input type="checkbox" checked=${chosen.includes(entry.id)}
      onChange=${() => toggle(entry.id)} />${entry.hex && html`<svg viewBox="0 0 1 1" aria-hidden="true"><rect width="1" height="1" fill=${entry.hex} /></svg>`} ${capital(entry.name)}</label></li>`)}</ul></details>`;
}

export function WishesForm({ words, state, change }) {
  const colors = words.colors.map((color) => ({ ...color, id: color.name }));
  const weightOf = (factor) => (state.weights[factor.id] === undefined ? factor.weight : Number(state.weights[factor.id]));
  return html`<form class="wishes" aria-label="Wishes" onSubmit=${(event) => event.preventDefault()}>
    <label class="field"><span>Furnish in the style</span><select value=${state.style} onChange=${(event) => change({ style: event.target.value })}>
      <option value="">as it is</option>${words.styles.map((entry) => html`<option value=${entry.id} key=${entry.id}>${capital(entry.name)}</option>`)}</select></label>
    ${words.intents.length > 1 && html`<label class="field"><span>Show</span><select value=${state.intent} onChange=${(event) => change({ intent: event.target.value })}>
      ${words.intents.map((entry) => html`<option value=${entry.id} key=${entry.id}>${entry.name}</option>`)}</select></label>`}
    ${state.intent === "furnish" && html`<label class="field"><span>Budget${words.currency ? `, ${words.currency}` : ""}</span><input type="number" min="1" step="any"
      inputmode="decimal" placeholder="1000" value=${state.budget} onInput=${(event) => change({ budget: event.target.value })} /></label>`}
    <${Bounds} label="Price" unit=${words.currency || ""} low="min" high="max" state=${state} change=${change} />
    <${Bounds} label="Largest side in cm" unit="" low="small" high="large" state=${state} change=${change} />
    <${Choices} label="Colors" entries=${colors} chosen=${state.colors} onChange=${(chosen) => change({ colors: chosen })} />
    <${Choices} label="Categories" entries=${words.categories} chosen=${state.categories} onChange=${(chosen) => change({ categories: chosen })} />
    ${words.brands.length > 0 && html`<label class="field"><span>Brand</span><select value=${state.brand} onChange=${(event) => change({ brand: event.target.value })}>
      <option value="">any</option>${words.brands.map((brand) => html`<option value=${brand} key=${brand}>${brand}</option>`)}</select></label>`}
    <label class="check"><input type="checkbox" checked=${state.stock} onChange=${(event) => change({ stock: event.target.checked })} /> Only in stock</label>
    <details class="advanced"><summary>Advanced</summary>
      <label class="field"><span>Products</span><input type="number" min="1" max=${words.max_k} value=${state.k}
        onInput=${(event) => { if (event.target.value >= 1) change({ k: Math.min(Number.parseInt(event.target.value, 10), words.max_k) }); }} /></label>
      <label class="field"><span>Variety <output>${state.spread === "" ? "usual" : percent(Number(state.spread))}</output></span>
        <input type="range" min="0" max="1" step="0.05" value=${state.spread === "" ? 0.5 : state.spread} onInput=${(event) => change({ spread: event.target.value })} /></label>
      <fieldset class="weights"><legend>Weight of each factor</legend>
        ${words.factors.map((factor) => html`<label class="field" key=${factor.id}><span>${capital(factor.name)} <output>${weightOf(factor).toFixed(2)}</output></span>
          <input type="range" min="0" max="1" step="0.01" value=${weightOf(factor)} onInput=${(event) => change({ weights: { ...state.weights, [factor.id]: event.target.value } })} /></label>`)}
      </fieldset>
      <button type="button" class="quiet" onClick=${() => change({ weights: {}, spread: "", k: 10 })}>As usual</button>
    </details>
  </form>`;
}

export function Card({ item, words, state, act, only, frozen }) {
  const figure = item.calibrated ? html`${percent(Math.min(item.confidence, 0.99))} <small>likely to fit</small>` : html`${item.score.toFixed(2)} <small>score, not calibrated on photographs</small>`;
  const liked = state.liked.includes(item.product_id);
  const whole = state.intent === "complete";
  const bars = words.factors.map((factor, at) => `M${at * 10} 16h7v-${(16 * (item.factors[factor.id] || 0)).toFixed(1)}h-7z`).join("");
  const tracks = words.factors.map((_, at) => `M${at * 10} 0h7v16h-7z`).join("");
  return html`<li class="product" aria-labelledby=${`${frozen ? "b" : "a"}-${item.rank}`}>
    <div class="packshot">${item.image ? html`<${Picture} src=${item.image} alt="" loading="lazy" decoding="async" />` : html`<span class="nopicture">No picture</span>`}
      ${only && html`<span class="only">only here</span>`}</div>
    <p class="meta"><span class="rank">${item.rank}</span><span class="fit">${figure}</span></p>
    <h3 id=${`${frozen ? "b" : "a"}-${item.rank}`}>${item.link ? html`<a href=${item.link} rel="noopener noreferrer">${item.title}</a>` : item.title}</h3>
    ${item.subtitle && html`<p class="subtitle">${item.subtitle}</p>`}
    ${item.variant && item.variant.label && html`<p class="variant">${item.variant.label}</p>`}
    <p class="price">${item.pieces > 1 && `${item.pieces} × `}${[money(item.variant && item.variant.price !== null ? item.variant.price : item.price, item.currency), item.brand].filter(Boolean).join(" · ")}</p>
    ${item.place && html`<p class="subtitle">${capital(item.place.replace(/-[0-9a-f]{6}$/, "").replaceAll("_", " "))}</p>`}
    <p class="placement">${capital(item.placement)}</p>
    <p class="reason">${item.reason}${item.context && item.context.sentence && html` <span class="context">${capital(item.context.sentence)}.</span>`}${item.opinion && html` <span class="opinion">${item.opinion}</span>`}</p>
    ${!frozen && html`<div class="acts">
      ${whole && html`<button type="button" class="chip" aria-pressed=${item.pinned} onClick=${() => act("pin", item)}>${item.pinned ? "Pinned" : "Pin"}<span class="said"> ${item.title}</span></button>`}
      <button type="button" class="chip" aria-pressed=${liked} onClick=${() => act("like", item)}>${liked ? "Liked" : "Like"}<span class="said"> ${item.title}</span></button>
      ${whole && html`<button type="button" class="chip reject" data-rank=${item.rank} onClick=${() => act("reject", item)}>Reject<span class="said"> ${item.title}</span></button>`}
    </div>`}
    <details class="factors"><summary><svg viewBox=${`0 0 ${words.factors.length * 10 - 3} 16`} aria-hidden="true"><path class="track" d=${tracks} /><path class="fill" d=${bars} /></svg>Details<span class="said"> of ${item.title}</span></summary>
      <dl>${words.factors.map((factor) => html`<dt key=${factor.id}>${capital(factor.name)}</dt><dd>${(item.factors[factor.id] || 0).toFixed(2)}</dd>`)}</dl>
      <p class="full">${item.description}</p><p class="sku"><span>${capital(item.category_name)}</span> <span>${(item.variant && item.variant.sku_id) || item.sku_id}</span></p></details>
  </li>`;
}
