// Draws the panels over time. Each canvas holds its values (a byte each, column by column) in
// attributes; nothing is requested, and without this script the tables remain.
(() => {
  const root = document.getElementById("time");
  if (!root) return;
  const { start, duration, step, steps, words, heads } = JSON.parse(root.dataset.meta);
  const panels = [...root.querySelectorAll("canvas[data-rows]")];
  const place = document.getElementById("place");
  const zoom = document.getElementById("zoom");
  const unit = document.getElementById("unit");
  const layer = document.getElementById("layer");
  const readout = document.getElementById("readout");
  const player = document.querySelector("audio");
  let width = 1;

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const rgb = (name) => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.fillStyle = color(name);
    pen.fillRect(0, 0, 1, 1);
    return pen.getImageData(0, 0, 1, 1).data;
  };
  const mixed = (a, b, share) => [0, 1, 2].map((i) => a[i] + (b[i] - a[i]) * share);

  const values = new Map(panels.map((canvas) => [canvas, bytes(canvas.dataset.values)]));
  const gates = [...root.querySelectorAll("template[data-units]")].map((item) => ({
    name: item.dataset.name,
    units: JSON.parse(item.dataset.units),
    signals: JSON.parse(item.dataset.signals),
    values: bytes(item.dataset.values),
  }));

  // From paper over the accent to ink, so that it reads in light and in dark.
  function palette(kind) {
    const [paper, accent, ink, warm] = ["--card", "--accent", "--ink", "--unsure"].map(rgb);
    return Array.from({ length: 256 }, (_, i) => {
      if (kind === "both") {
        const far = Math.min(1, Math.abs(i - 127.5) / 127.5);
        return mixed(paper, i < 127.5 ? accent : warm, far);
      }
      return i < 128 ? mixed(paper, accent, i / 128) : mixed(accent, ink, (i - 128) / 127);
    });
  }

  function pen(canvas, w, h) {
    const ratio = Math.min(window.devicePixelRatio || 1, w > 6000 ? 1 : 2);
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    return context;
  }

  function image(context, data, rows, colors, w, h) {
    const columns = data.length / rows;
    const cells = new ImageData(columns, rows);
    for (let x = 0; x < columns; x++)
      for (let y = 0; y < rows; y++) {
        const at = 4 * ((rows - 1 - y) * columns + x);
        cells.data.set(colors[data[x * rows + y]], at);
        cells.data[at + 3] = 255;
      }
    const small = document.createElement("canvas");
    [small.width, small.height] = [columns, rows];
    small.getContext("2d").putImageData(cells, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, w, h);
  }

  function wave(context, data, w, h) {
    const columns = data.length / 2;
    context.fillStyle = color("--accent");
    for (let x = 0; x < columns; x++) {
      const [low, high] = [data[2 * x], data[2 * x + 1]].map((v) => h * (1 - v / 255));
      context.fillRect((x * w) / columns, high, Math.max(1, w / columns), Math.max(1, low - high));
    }
  }

  function boxes(context, path, rows, w, h, name, isDashed) {
    context.strokeStyle = color(name);
    context.lineWidth = 1.5;
    context.setLineDash(isDashed ? [3, 2] : []);
    for (const [label, from, to] of path) {
      const high = h / rows;
      context.strokeRect((from * w) / steps, h - (label + 1) * high, ((to - from) * w) / steps, high);
    }
    context.setLineDash([]);
  }

  function lines(canvas) {
    const group = gates[layer.value];
    const h = Number(canvas.dataset.height);
    const context = pen(canvas, width, h);
    const count = group.signals.length;
    group.signals.forEach((signal, number) => {
      context.beginPath();
      context.strokeStyle = ["--accent", "--unsure", "--ink", "--faint"].map(color)[number];
      context.lineWidth = signal === group.signals[count - 1] ? 2 : 1.5;
      context.setLineDash([[], [7, 3], [2, 2], []][number]);
      for (let x = 0; x < steps; x++) {
        const value = group.values[(x * group.units.length + unit.selectedIndex) * count + number];
        context.lineTo(((x + 0.5) * width) / steps, h - 3 - ((h - 6) * value) / 255);
      }
      context.stroke();
    });
  }

  function names(canvas, labels, h) {
    const rows = labels.length;
    const context = pen(canvas, 64, h);
    context.fillStyle = color("--faint");
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.font = `${Math.max(7, Math.min(12, h / rows))}px system-ui, sans-serif`;
    labels.forEach((label, i) => context.fillText(label, 58, h - ((i + 0.5) * h) / rows));
  }

  function draw() {
    width = Math.max(root.clientWidth - 70, Math.round(duration * zoom.value));
    const kinds = { one: palette("one"), both: palette("both") };
    for (const canvas of panels) {
      const rows = Number(canvas.dataset.rows);
      const h = Number(canvas.dataset.height);
      const context = pen(canvas, width, h);
      if (canvas.dataset.kind === "wave") wave(context, values.get(canvas), width, h);
      else image(context, values.get(canvas), rows, kinds[canvas.dataset.kind], width, h);
      for (const [key, name, dashed] of [["path", "--unsure", false], ["reference", "--danger", true]])
        if (canvas.dataset[key])
          boxes(context, JSON.parse(canvas.dataset[key]), rows, width, h, name, dashed);
    }
    for (const canvas of root.querySelectorAll("canvas.names"))
      names(canvas, JSON.parse(canvas.dataset.labels), Number(canvas.dataset.height));
    const gate = document.getElementById("gate");
    if (gate) lines(gate);
    [...document.querySelectorAll("#words button")].forEach((button, i) => {
      button.style.left = `${((words[i].start - start) * width) / duration}px`;
    });
    mark();
  }

  // The cursor is a line over all panels, so that moving it draws nothing again.
  const cursor = document.createElement("div");
  cursor.className = "cursor";
  Object.assign(cursor.style, {
    position: "absolute", top: 0, bottom: 0, width: "1px", pointerEvents: "none", zIndex: 2,
  });
  document.getElementById("rows").style.position = "relative";
  document.getElementById("rows").append(cursor);

  function mark() {
    const now = Number(place.value);
    const left = panels[0].offsetLeft + ((now + 0.5) * width) / steps;
    cursor.style.left = `${left}px`;
    cursor.style.background = color("--danger");
    const seconds = start + now * step;
    const parts = [`${seconds.toFixed(2)} s`];
    const word = words.find((w) => w.start <= seconds + step / 2 && seconds + step / 2 < w.end);
    if (word) parts.push(`in "${word.text}"`);
    for (const head of heads) {
      const canvas = document.getElementById(head.name);
      const rows = head.symbols.length;
      const column = values.get(canvas).subarray(now * rows, (now + 1) * rows);
      const best = [...column.keys()].sort((a, b) => column[b] - column[a]).slice(0, 3);
      const shown = best.filter((i) => column[i] > 2).map(
        (i) => `${head.spoken[i]} ${(column[i] / 255).toFixed(2)}`);
      parts.push(`${head.name}: ${shown.join(", ")}`);
    }
    const group = layer && gates[layer.value];
    if (group) {
      const count = group.signals.length;
      const at = (now * group.units.length + unit.selectedIndex) * count;
      parts.push(`unit ${group.units[unit.selectedIndex].unit}: ` + group.signals.map((signal, i) => {
        const value = group.values[at + i] / 255;
        return `${signal} ${(i === count - 1 ? 2 * value - 1 : value).toFixed(2)}`;
      }).join(", "));
    }
    readout.textContent = parts.join(" · ");
  }

  function go(now, isScrolled = true) {
    place.value = Math.max(0, Math.min(steps - 1, now));
    mark();
    const x = (place.value * width) / steps;
    const seen = root.clientWidth - 70;
    if (isScrolled && (x < root.scrollLeft || x > root.scrollLeft + seen)) root.scrollLeft = x - seen / 3;
  }

  function fill() {
    unit.replaceChildren(...gates[layer.value].units.map(({ unit: number, note }) =>
      new Option(`${number}${note}`)));
    unit.selectedIndex = Math.max(0, Math.ceil(unit.length / 2) - 1);
  }

  place.max = steps - 1;
  place.addEventListener("input", () => go(Number(place.value)));
  zoom.addEventListener("input", () => { draw(); go(Number(place.value)); });
  if (layer) {
    gates.forEach((group, i) => layer.add(new Option(group.name, i)));
    layer.addEventListener("change", () => { fill(); draw(); });
    unit.addEventListener("change", draw);
    fill();
  }
  for (const canvas of [...panels, document.getElementById("gate")].filter(Boolean))
    canvas.addEventListener("pointermove", (event) =>
      go(Math.floor((event.offsetX * steps) / width), false));
  [...document.querySelectorAll("#words button")].forEach((button, i) =>
    button.addEventListener("click", () => {
      go(Math.round((words[i].start - start) / step));
      if (player) { player.currentTime = words[i].start - start; player.play(); }
    }));
  player?.addEventListener("timeupdate", () => go(Math.floor(player.currentTime / step)));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(draw).observe(root);
  draw();
})();
