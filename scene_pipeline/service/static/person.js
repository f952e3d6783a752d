// For when, where and whom a list is: moves its order. What is known of a person can be read, corrected and deleted.
import { html, useEffect, useState } from "./vendor.js";
import { call } from "./state.js";
import { capital, money } from "./parts.js";

const STATED = [["-1", "avoid"], ["0", "ignore"], ["1", "prefer"]];
const profilePath = (subject) => `/v1/profiles/${encodeURIComponent(subject)}`;

export function ContextForm({ words, state, change, subject, onSubject, onProfile }) {
  const [typed, setTyped] = useState(subject);
  useEffect(() => setTyped(subject), [subject]);
  const submit = (event) => { event.preventDefault(); onSubject(typed.trim()); };
  return html`<section class="wishes" aria-labelledby="when">
    <h2 id="when" class="kicker">For when, where and whom</h2>
    <p class="note">Moves the order of the list, never how likely a product is to fit.</p>
    <div class="bounds">
      <label><span>Date</span><input type="date" value=${state.date} onInput=${(event) => change({ date: event.target.value })} /></label>
      <label><span>Country</span><input type="text" value=${state.country} maxlength="2" size="2" autocomplete="country" placeholder="GB"
        aria-label="Country, two letters" onInput=${(event) => change({ country: event.target.value.toUpperCase() })} /></label>
    </div>
    ${words.profiles && html`<form class="person" onSubmit=${submit}>
      <label class="field"><span>Person: the shop's own id</span><input type="text" value=${typed} maxlength="200" autocomplete="off"
        onInput=${(event) => setTyped(event.target.value)} /></label>
      <button type="submit">${typed.trim() || !subject ? "Choose for this person" : "For nobody"}</button>
    </form>`}
    ${words.profiles && subject && html`<${Profile} key=${subject} words=${words} subject=${subject} onChange=${onProfile} />`}
  </section>`;
}

function Profile({ words, subject, onChange }) {
  const [profile, setProfile] = useState(null);
  const [said, setSaid] = useState("");
  const [sure, setSure] = useState(false);
  const failed = (error) => { if (error.kind === "not-found") setProfile(null); setSaid(error.message); };

  useEffect(() => {
    call(profilePath(subject)).then((answer) => answer.json()).then((found) => { setProfile(found); setSaid(""); }).catch(failed);
  }, [subject]);

  const state = (term, lift) => call(profilePath(subject), {
    method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ corrections: { [term]: lift } }),
  }).then((answer) => answer.json()).then((found) => { setProfile(found); setSaid(""); onChange(); }).catch(failed);
  const remove = () => call(profilePath(subject), { method: "DELETE" }).then(() => {
    setProfile(null); setSure(false); setSaid("Deleted. Nothing is kept of this person, and no profile is made again."); onChange();
  }).catch(failed);
  const add = (event) => {
    event.preventDefault();
    const field = event.target.elements.term;
    if (field.value.trim()) state(field.value.trim().toLowerCase(), 1);
    field.value = "";
  };

  return html`<div class="profile">
    ${profile && html`<p class="for-you">${capital(profile.summary || "nothing telling is known yet")}</p>
      <details class="choices"><summary>What is known</summary>
        <p class="note">From ${profile.chosen.toLocaleString("en", { maximumFractionDigits: 1 })} chosen products; counts ${Math.round(100 * profile.weight)}%.
          ${profile.usual_price !== null && html` Mostly under ${money(profile.usual_price, words.currency)}.`}</p>
        <ul class="terms">${profile.terms.map((term) => html`<li key=${term.term}><label><span>${capital(term.name)}</span>
          <select value=${term.corrected ? String(term.lift) : ""} onChange=${(event) => state(term.term, event.target.value === "" ? null : Number(event.target.value))}>
            <option value="">${term.corrected ? "as learned" : learned(term.lift)}</option>
            ${STATED.map(([lift, word]) => html`<option value=${lift} key=${lift}>${word}</option>`)}
            ${term.corrected && !STATED.some(([lift]) => lift === String(term.lift)) && html`<option value=${String(term.lift)}>stated: ${term.lift}</option>`}
          </select></label></li>`)}</ul>
        ${sure ? html`<p class="note">Delete it for good? <button type="button" onClick=${remove}>Delete</button> <button type="button" onClick=${() => setSure(false)}>Keep</button></p>`
          : html`<button type="button" class="quiet" onClick=${() => setSure(true)}>Delete this profile</button>`}
      </details>`}
    <form class="person" onSubmit=${add}><label class="field"><span>Prefers (a word, such as oak)</span><input type="text" name="term" maxlength="80" autocomplete="off" /></label>
      <button type="submit">Add</button></form>
    <p class="note" role="status">${said && `${capital(said)}`}</p>
  </div>`;
}

function learned(lift) {
  if (Math.abs(lift) < 0.1) return "as everybody";
  const times = Math.exp(Math.abs(lift)).toFixed(1);
  return lift > 0 ? `${times} times as often` : `${times} times as seldom`;
}
