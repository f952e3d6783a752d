"use strict";
for (const picture of document.querySelectorAll("img[data-same]")) {
  picture.src = document.getElementById(picture.dataset.same).src;
}

// A mark and the cards that it belongs to light up together, by pointer and by keyboard.
const light = (event) => {
  const part = event.target.closest("[data-mark]");
  if (!part) return;
  const on = event.type === "pointerover" || event.type === "focusin";
  const same = `[data-mark="${CSS.escape(part.dataset.mark)}"]`;
  for (const other of part.closest(".scene").querySelectorAll(same)) other.classList.toggle("lit", on);
};
for (const name of ["pointerover", "pointerout", "focusin", "focusout"]) document.addEventListener(name, light);

const tools = document.querySelector(".tools");
if (tools) {
  const read = (element) => element.textContent.replace(/\s+/g, " ").toLowerCase();
  const scenes = Array.from(document.querySelectorAll(".scene"), (element) => ({
    element,
    text: read(element.querySelector(".caption")),
    products: Array.from(element.querySelectorAll(".product"), (card) => ({
      card,
      text: read(card),
      figure: Number(card.dataset.figure),
    })),
  }));
  const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

  const show = () => {
    const { words, room, style, least, bound } = tools.elements;
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const floor = Number(least.value) / 100;
    bound.value = least.dataset.unit === "percent" ? `${least.value}%` : floor.toFixed(2);
    const narrowed = wanted.length > 0 || floor > 0;
    let nScenes = 0;
    let nProducts = 0;
    for (const scene of scenes) {
      const { dataset } = scene.element;
      let shown = (!room.value || dataset.room === room.value) && (!style.value || dataset.style === style.value);
      let left = 0;
      if (shown) {
        for (const product of scene.products) {
          const found = wanted.every((word) => scene.text.includes(word) || product.text.includes(word));
          const visible = found && product.figure >= floor;
          product.card.hidden = !visible;
          left += visible;
        }
        const named = wanted.every((word) => scene.text.includes(word)) && floor === 0;
        shown = left > 0 || !narrowed || named;
      }
      scene.element.hidden = !shown;
      nScenes += shown;
      nProducts += shown ? left : 0;
    }
    const all = nScenes === scenes.length ? count(nScenes, "scene") : `${nScenes.toLocaleString("en")} of ${count(scenes.length, "scene")}`;
    tools.querySelector(".status").textContent = `${all}, ${count(nProducts, "product")}`;
    document.querySelector(".nothing").hidden = nScenes > 0;
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 120);
  };
  tools.addEventListener("input", soon);
  tools.addEventListener("reset", soon);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.hidden = false;
  show();
}
