"use strict";
// The examples as they stand on the page, and their numbers.
const find = (id) => document.getElementById(id);
const data = JSON.parse(find("data").textContent);
const list = document.querySelector("main");

const examples = [...list.querySelectorAll("article")].map((node, number) => ({
  node,
  number,
  name: node.querySelector("h2").textContent,
  values: data.values[number],
  starred: false,
}));
const exampleOf = new Map(examples.map((example) => [example.node, example]));
let shown = examples; // after sorting and filtering
const leftOut = new Set(); // numbers of labels whose pictures are not shown

function newElement(tag, text = "", properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text }, properties);
}

function picturesOf(example) {
  return [...example.node.querySelectorAll("figure:not(.map)")].map((figure) => {
    const image = figure.querySelector("img");
    return {
      label: data.labels[+figure.className.slice(1)],
      number: +figure.className.slice(1),
      link: image.getAttribute("src"),
      width: +image.getAttribute("width"),
      height: +image.getAttribute("height"),
      caption: figure.querySelector("figcaption"),
    };
  }).filter((picture) => !leftOut.has(picture.number));
}

// The two pictures that are compared: those wanted where the example has them, otherwise its first ones.
function pairOf(pictures, wanted) {
  const found = wanted.map((label) => pictures.find((picture) => picture.label === label));
  if (found[0] && found[1]) return found;
  const one = found[0] || found[1] || pictures[0];
  const other = pictures.find((picture) => picture !== one) || one;
  return found[1] ? [other, one] : [one, other];
}

function newImage(picture, example) {
  const image = new Image();
  image.decoding = "async";
  image.src = picture.link;
  image.alt = example ? `${picture.label} of ${example.name}` : "";
  image.draggable = false;
  return image;
}

function format(value, column) {
  return value.toFixed(data.decimals[column]);
}
