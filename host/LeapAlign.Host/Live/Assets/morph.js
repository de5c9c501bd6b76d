"use strict";

// Changes what is on the page into what was built anew, in place: an element that stays keeps its focus, scroll position and selection.

// Elements with a name are partners of those with the same name, others of what stands at their place.
const nameOf = node => node.nodeType === Node.ELEMENT_NODE ? node.id || Object.entries(node.dataset).flat().join(" ") : "";

// What has a life of its own is renewed by those who know it.
const hasPictures = node => node.id === "pictures" || node.id === "previews";
const apart = node => hasPictures(node) || node.dataset.chart !== undefined;

function morph(old, now) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  if (apart(old) || old.isEqualNode(now)) return;
  for (const name of old.getAttributeNames()) if (name !== "style" && !now.hasAttribute(name)) old.removeAttribute(name);
  for (const name of now.getAttributeNames()) if (name !== "style" && old.getAttribute(name) !== now.getAttribute(name)) old.setAttribute(name, now.getAttribute(name));
  // As an attribute, a style is what the content policy forbids.
  if (old.style.cssText !== now.style.cssText) old.style.cssText = now.style.cssText;
  morphChildren(old, [...now.childNodes]);
}

function morphChildren(old, wanted) {
  let place = old.firstChild;
  for (const now of wanted) {
    const found = partner(place, now);
    if (!found) {
      old.insertBefore(now, place);
      continue;
    }
    while (place !== found) place = drop(place);
    place = found.nextSibling;
    morph(found, now);
  }
  while (place) place = drop(place);
}

function partner(place, wanted) {
  const name = nameOf(wanted);
  for (let node = place; node; node = name ? node.nextSibling : null) if (node.nodeName === wanted.nodeName && nameOf(node) === name) return node;
  return null;
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}
