
"use strict";
// Zoom and pan move the drawing's viewBox; pointing at a node, or finding it, leaves only its neighbourhood bright.
const svg = document.querySelector("svg.cg");
const nodes = new Map([...svg.querySelectorAll(".cg-node")].map((node) => [node.dataset.key, node]));
const edges = [...svg.querySelectorAll(".cg-edge")];
const whole = svg.viewBox.baseVal;
const fit = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
let view = { ...fit };
let pinned = null;
let drag = null;

function show(next) {
  view = next;
  svg.setAttribute("viewBox", [view.x, view.y, view.width, view.height].join(" "));
}

function zoom(factor, centre) {
  const width = Math.min(Math.max(view.width * factor, fit.width / 40), fit.width * 4);
  const scale = width / view.width;
  show({
    x: centre.x - (centre.x - view.x) * scale,
    y: centre.y - (centre.y - view.y) * scale,
    width,
    height: view.height * scale,
  });
}

function at(event) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
}

function focus(keys) {
  const near = new Set(keys);
  for (const edge of edges) {
    const { parent, child } = edge.dataset;
    const touches = keys.has(parent) || keys.has(child);
    edge.classList.toggle("near", touches);
    if (touches) near.add(parent).add(child);
  }
  for (const [key, node] of nodes) {
    node.classList.toggle("near", near.has(key));
    node.classList.toggle("centre", keys.has(key));
  }
  svg.classList.toggle("focused", keys.size > 0);
}

const rest = () => focus(new Set(pinned === null ? [] : [pinned]));
const keyOf = (event) => event.target.closest?.(".cg-node")?.dataset.key ?? null;

svg.addEventListener("pointerover", (event) => {
  const key = keyOf(event);
  if (drag || pinned !== null) return;
  focus(new Set(key === null ? [] : [key]));
});
svg.addEventListener("click", (event) => {
  if (drag?.moved) return;
  pinned = keyOf(event);
  rest();
});
svg.addEventListener("pointerdown", (event) => {
  drag = { from: at(event), moved: false };
});
addEventListener("pointermove", (event) => {
  if (!drag || !event.buttons) return;
  const now = at(event);
  const step = { x: drag.from.x - now.x, y: drag.from.y - now.y };
  if (!drag.moved && Math.hypot(step.x, step.y) < view.width / 300) return;
  drag.moved = true;
  svg.classList.add("dragged");
  show({ ...view, x: view.x + step.x, y: view.y + step.y });
});
addEventListener("pointerup", () => {
  svg.classList.remove("dragged");
  // The click comes after this event, and has to know that it was a drag.
  setTimeout(() => { drag = null; });
});
svg.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(event.deltaY > 0 ? 1.12 : 1 / 1.12, at(event));
}, { passive: false });
for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    const factor = Number(button.dataset.zoom);
    if (factor) zoom(factor, { x: view.x + view.width / 2, y: view.y + view.height / 2 });
    else show({ ...fit });
  });
}
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
document.querySelector("input").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  pinned = null;
  focus(new Set(wanted ? [...nodes.keys()].filter((key) => key.toLowerCase().includes(wanted)) : []));
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  pinned = null;
  rest();
});
