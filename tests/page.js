// What tests ask of a page that is open in a browser.

// Elements that make the page wider than its window; those that scroll in a box of their own do not.
function overflowing() {
  document.querySelectorAll("details").forEach((one) => (one.open = true));
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    if (one.getBoundingClientRect().right > root.clientWidth + 1)
      found.push(`<${one.tagName.toLowerCase()} class="${one.className}"> ${one.textContent.trim().slice(0, 40)}`);
  }
  return [`${root.scrollWidth} px in ${root.clientWidth}`, ...found.slice(0, 5)];
}

function channels(color) {
  const found = color.match(/[\d.]+/g).map(Number);
  return color.startsWith("color(srgb") ? [...found.slice(0, 3).map((one) => one * 255), found[3] ?? 1] : [...found.slice(0, 3), found[3] ?? 1];
}

function over(top, below) {
  return [0, 1, 2].map((index) => top[index] * top[3] + below[index] * (1 - top[3]));
}

function luminance(color) {
  const [red, green, blue] = color.map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function background(element) {
  const layers = [];
  for (let one = element; one; one = one.parentElement) {
    layers.push(channels(getComputedStyle(one).backgroundColor));
    if (layers.at(-1)[3] === 1) break;
  }
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  return layers.reverse().reduce((below, layer) => over(layer, below), canvas);
}

// Texts whose contrast with what is behind them is below WCAG 2.2's AA: 4.5, or 3 for large text (1.4.3).
function unreadable() {
  document.querySelectorAll("details").forEach((one) => (one.open = true));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, text = node.textContent.trim();
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (!text || !box.width || !box.height || style.visibility === "hidden") continue;
    const behind = background(element);
    const paint = element instanceof SVGElement && style.fill !== "none" ? style.fill : style.color;
    let color = channels(paint);
    for (let one = element; one; one = one.parentElement) color[3] *= Number(getComputedStyle(one).opacity);
    const [light, dark] = [luminance(over(color, behind)), luminance(behind)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) found.push(`${contrast.toFixed(2)} <${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> ${text.slice(0, 40)}`);
  }
  return found;
}

// The color behind the page, and how many characters it shows.
function shown() {
  return { luminance: luminance(background(document.body)), characters: document.body.innerText.length };
}
