"use strict";
// The examples as they stand on the page, and their numbers.
const find = (id) => document.getElementById(id);
const data = JSON.parse(find("data").textContent);
const list = document.querySelector("main");

const examples = [...list.querySelectorAll("article")].map((node, number) => ({
  node,
  number,
  name: node.querySelector("h3").textContent,
  values: data.values[number],
}));
let shown = examples; // after sorting and filtering

function picturesOf(example) {
  return [...example.node.querySelectorAll("figure > a > img")].map((image) => ({
    label: image.alt,
    link: image.getAttribute("src"),
    width: +image.getAttribute("width"),
    height: +image.getAttribute("height"),
    caption: image.closest("figure").querySelector("figcaption"),
  }));
}

// The two pictures that are compared: those wanted where the example has them, otherwise its first ones.
function pairOf(pictures, wanted) {
  const found = wanted.map((label) => pictures.find((picture) => picture.label === label));
  if (found[0] && found[1]) return found;
  const one = found[0] || found[1] || pictures[0];
  const other = pictures.find((picture) => picture !== one) || one;
  return found[1] ? [other, one] : [one, other];
}

function newImage(link) {
  const image = new Image();
  image.decoding = "async";
  image.src = link;
  image.alt = "";
  image.draggable = false;
  return image;
}

function newStack(kind, pair) {
  const stack = document.createElement("div");
  stack.className = "stack " + kind;
  stack.append(...pair.map((picture) => newImage(picture.link)));
  return stack;
}
