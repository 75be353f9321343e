// Draws every figure.chart by uPlot from the JSON inside it; what that holds is told in vrft_eval/report/charts.py.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

function faint(name, share) {
  return colour(name).replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

// Values are kept as whole thousandths, without the zeros at their end.
function unpacked(values, length) {
  return Array.from({ length }, (_, k) => (k < values.length ? (values[k] === null ? null : values[k] / 1000) : 0));
}

function axis(label, values) {
  return {
    label, labelSize: 20, labelGap: 0, gap: 6, labelFont: "13px system-ui, sans-serif", font: "12px system-ui, sans-serif",
    stroke: () => colour("soft"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false },
    ...(values ? { values } : {}),
  };
}

function diagonal(u) {
  const { ctx } = u;
  ctx.save();
  ctx.strokeStyle = colour("soft");
  ctx.setLineDash([5, 5]);
  ctx.beginPath();
  ctx.moveTo(u.valToPos(0, "x", true), u.valToPos(0, "y", true));
  ctx.lineTo(u.valToPos(1, "x", true), u.valToPos(1, "y", true));
  ctx.stroke();
  ctx.restore();
}

function seriesOf(spec, one) {
  const bars = spec.kind === "bars";
  const value = (u, v) => (v === null || v === undefined ? "" : bars ? v.toLocaleString("en") : v.toFixed(3));
  return {
    label: one.label, value, spanGaps: true, width: bars ? 0 : 2, points: { show: spec.points ?? false, size: 7 },
    stroke: () => colour(one.colour), dash: one.dash,
    ...(bars ? { fill: () => faint(one.colour, 0.85), paths: uPlot.paths.bars({ size: [0.92, 80] }) } : {}),
  };
}

function drawChart(figure) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const place = figure.querySelector(".plot");
  const bars = spec.kind === "bars";
  const valuesOf = (one) => (bars ? one.values : unpacked(one.values, spec.x.values.length));
  const xValue = (u, v) => (v === null || v === undefined ? "" : spec.x.names ? spec.x.names[spec.x.values.indexOf(v)] : v.toFixed(2));
  const options = {
    width: place.clientWidth, height: 250, title: "", padding: [10, 12, 0, 0],
    scales: { x: { time: false, range: spec.x.range }, y: { range: spec.y.range ?? ((u, low, high) => [0, high * 1.08 || 1]) } },
    axes: [{ ...axis(spec.x.label), size: 28 }, { ...axis(spec.y.label), size: 52 }],
    series: [{ label: spec.x.label, value: xValue }, ...spec.series.map((one) => seriesOf(spec, one))],
    cursor: { drag: { x: false, y: false }, points: { show: !bars } },
    hooks: spec.diagonal ? { drawAxes: [diagonal] } : {},
  };
  const chart = new uPlot(options, [spec.x.values, ...spec.series.map(valuesOf)], place);
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 250 })).observe(place);
  root.addEventListener("themechange", () => chart.redraw(false));
  if (spec.choices) addChoice(figure, spec, (lines) =>
    chart.setData([spec.x.values, ...lines.map((line) => unpacked(line, spec.x.values.length))]));
}

// The same curves of one category: the first entry is all of them together.
function addChoice(figure, spec, show) {
  const select = document.createElement("select");
  select.setAttribute("aria-label", spec.choices.label);
  const entries = [[spec.choices.all, spec.series.map((one) => one.values)], ...spec.choices.lines];
  select.append(...entries.map(([name], k) => new Option(name, k)));
  select.addEventListener("change", () => show(entries[Number(select.value)][1]));
  figure.querySelector("figcaption").append(select);
}

for (const figure of document.querySelectorAll("figure.chart")) drawChart(figure);
