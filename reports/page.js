// Draws the report from the JSON in #data. Text only ever enters the page as text nodes.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const result = data.result;
const palette = {
  compute: "#3b6fb6", forward: "#3b6fb6", backward: "#4f9d69", "weight gradient": "#8bbf6a",
  recompute: "#c2a43a", optimizer: "#8d6cab", exposed_tp: "#d9822b", tp: "#d9822b",
  exposed_cp: "#c75d7c", cp: "#c75d7c", exposed_ep: "#b04a9e", ep: "#b04a9e",
  exposed_pp: "#3aa0a8", pp: "#3aa0a8", exposed_dp: "#a0522d", dp: "#a0522d",
  bubble: "#9aa8b6", other: "#6b7785", parameters: "#3b6fb6", gradients: "#4f9d69",
  activations: "#d9822b", buffers: "#3aa0a8", framework: "#9aa8b6",
};
const colour = (key) => palette[key] || "#6b7785";

function element(name, attributes, ...children) {
  const svg = ["svg", "rect", "text", "line", "g", "title"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name)
                   : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  for (const child of children) node.append(child);
  return node;
}
const section = (title, ...children) =>
  document.getElementById("report").append(element("h2", {}, title), ...children);

function time(seconds) {
  const size = Math.abs(seconds);
  for (const [unit, scale] of [["s", 1], ["ms", 1e-3], ["us", 1e-6]]) {
    if (size >= scale) return (seconds / scale).toPrecision(4) + " " + unit;
  }
  return seconds === 0 ? "0 s" : (seconds / 1e-9).toPrecision(4) + " ns";
}

function figures() {
  const list = element("dl", { class: "figures" });
  const add = (label, value) => list.append(
    element("div", {}, element("dt", {}, label), element("dd", {}, value)));
  add("step time", time(result.step_time_s));
  add("tokens/s per GPU", result.tokens_per_s_per_gpu.toFixed(1));
  add("TFLOP/s per GPU", result.model_tflops_per_gpu.toFixed(1));
  add("MFU", (100 * result.mfu).toFixed(1) + " %");
  add("bubble", (100 * result.bubble_fraction).toFixed(1) + " %");
  add("memory", result.memory.driver_gib.toFixed(1) + " of " +
      result.memory.device_gib.toFixed(1) + " GiB");
  const verdict = element("p", { class: result.fits ? "good" : "bad" },
    result.fits ? "Fits in device memory." : "Does not fit in device memory.");
  document.getElementById("report").append(list, verdict);
  for (const line of result.advice) {
    document.getElementById("report").append(element("p", {}, "Try " + line));
  }
  for (const line of result.warnings) {
    document.getElementById("report").append(element("p", { class: "soft" }, "Warning: " + line));
  }
}

function waterfall() {
  const parts = Object.entries(result.breakdown_s).filter(([, value]) => value !== 0);
  const width = 960, left = 110, right = 160, height = 26;
  const picture = element("svg", { viewBox: `0 0 ${width} ${parts.length * height + 4}` });
  const scale = (width - left - right) / result.step_time_s;
  let start = 0;
  parts.forEach(([key, value], row) => {
    const y = row * height + 2;
    const x = left + start * scale;
    picture.append(
      element("text", { x: 0, y: y + 16 }, key),
      element("rect", { x, y, width: Math.max(value * scale, 1), height: height - 6,
                        fill: colour(key) }),
      element("text", { x: x + value * scale + 6, y: y + 16 },
              time(value) + "  " + (100 * value / result.step_time_s).toFixed(1) + " %"));
    start += value;
  });
  section("Where the step time goes", picture);
}

function legend(keys) {
  const list = element("ul", { class: "legend" });
  for (const key of keys) {
    const swatch = element("i");
    swatch.style.background = colour(key);
    list.append(element("li", {}, swatch, key));
  }
  return list;
}

function memory() {
  const stages = result.memory.stages;
  if (stages.length === 0) return;
  const width = 960, left = 90, row = Math.max(8, Math.min(26, 520 / stages.length));
  const most = Math.max(result.memory.device_gib, ...stages.map((stage) => stage.driver_gib));
  const scale = (width - left - 90) / most;
  const picture = element("svg", { viewBox: `0 0 ${width} ${stages.length * row + 24}` });
  stages.forEach((stage, index) => {
    const y = index * row;
    let x = left;
    if (row >= 12) picture.append(element("text", { x: 0, y: y + row - 6 }, "stage " + stage.stage));
    for (const [key, gib] of Object.entries(stage.categories_gib)) {
      const box = element("rect", { x, y, width: gib * scale, height: row - 3, fill: colour(key) });
      box.append(element("title", {}, `stage ${stage.stage}: ${key} ${gib.toFixed(2)} GiB`));
      picture.append(box);
      x += gib * scale;
    }
    const driver = left + stage.driver_gib * scale;
    picture.append(element("line", { x1: driver, x2: driver, y1: y, y2: y + row - 3,
                                     stroke: "currentColor" }));
  });
  const limit = left + result.memory.device_gib * scale;
  picture.append(
    element("line", { x1: limit, x2: limit, y1: 0, y2: stages.length * row, class: "limit" }),
    element("text", { x: limit - 60, y: stages.length * row + 16 },
            result.memory.device_gib.toFixed(1) + " GiB device"));
  section("Memory by pipeline stage",
          element("p", { class: "soft" }, "Coloured: allocated, by category, at the peak. Thin " +
                  "line: what the driver has given, with allocator slack and contexts."),
          picture, legend(Object.keys(stages[0].categories_gib)));
}

function timeline() {
  const rows = data.timeline.rows;
  if (rows.length === 0) return;
  const row = 18, left = 170;
  const canvas = element("canvas", { height: rows.length * row + 22 });
  const hover = element("p", { class: "soft" }, "Wheel zooms, dragging moves.");
  let from = 0, to = data.timeline.end_us, drag = null;
  const inner = () => canvas.clientWidth - left;
  const x = (us) => left + (us - from) / (to - from) * inner();
  const at = (event) => from + (event.offsetX - left) / inner() * (to - from);
  function draw() {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = (rows.length * row + 22) * ratio;
    canvas.style.height = rows.length * row + 22 + "px";
    const pen = canvas.getContext("2d");
    const ink = getComputedStyle(document.body).color;
    pen.scale(ratio, ratio);
    pen.font = "11px system-ui, sans-serif";
    rows.forEach((entry, index) => {
      const y = index * row;
      for (const [start, length, kind] of entry.slices) {
        if (start + length < from || start > to) continue;
        const begin = Math.max(x(start), left);
        pen.fillStyle = colour(data.timeline.kinds[kind]);
        pen.fillRect(begin, y + 1, Math.max(x(start + length) - begin, 0.5), row - 3);
      }
      pen.clearRect(0, y, left, row);
      pen.fillStyle = ink;
      pen.fillText(entry.label, 2, y + 12, left - 6);
    });
    pen.fillStyle = ink;
    pen.fillText(time(from * 1e-6), left, rows.length * row + 14);
    pen.fillText(time(to * 1e-6), canvas.clientWidth - 70, rows.length * row + 14);
  }
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const centre = at(event), factor = event.deltaY > 0 ? 1.25 : 0.8;
    from = Math.max(0, centre - (centre - from) * factor);
    to = Math.min(data.timeline.end_us, centre + (to - centre) * factor);
    draw();
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => { drag = at(event); });
  window.addEventListener("pointerup", () => { drag = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (drag !== null) {
      const shift = Math.min(Math.max(drag - at(event), -from), data.timeline.end_us - to);
      from += shift; to += shift; draw();
    }
    const entry = rows[Math.floor(event.offsetY / row)], us = at(event);
    const hit = entry && entry.slices.find(([s, length]) => us >= s && us < s + length);
    if (hit) {
      hover.textContent = `${entry.label}: ${data.timeline.kinds[hit[2]]}` +
        (hit[3] >= 0 ? `, micro-batch ${hit[3]}, chunk ${hit[4]}` : "") +
        `, ${time(hit[0] * 1e-6)} + ${time(hit[1] * 1e-6)}`;
    }
  });
  window.addEventListener("resize", draw);
  const parts = [hover, canvas, legend(data.timeline.kinds)];
  if (data.timeline.left_out > 0) {
    parts.push(element("p", { class: "soft" }, `${data.timeline.left_out} slices left out.`));
  }
  section("Timeline of the chosen ranks", ...parts);
  draw();
}

function assumptions() {
  const body = element("tbody");
  for (const [key, entry] of Object.entries(result.provenance.resolved)) {
    body.append(element("tr", {}, element("td", {}, key), element("td", {}, entry.value),
                        element("td", {}, entry.origin)));
  }
  const filter = element("input", { type: "search", placeholder: "filter", "aria-label": "filter" });
  filter.addEventListener("input", () => {
    for (const line of body.children) line.hidden = !line.textContent.includes(filter.value);
  });
  const head = element("thead", {}, element("tr", {}, element("th", {}, "key"),
    element("th", {}, "value"), element("th", {}, "from")));
  section("Every value that was used", filter, element("table", {}, head, body));
}

document.getElementById("name").textContent = result.name;
document.getElementById("about").textContent = data.about;
figures();
waterfall();
memory();
timeline();
assumptions();
