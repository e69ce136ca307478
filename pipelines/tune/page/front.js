"use strict";
// Draws the front, and again when the colour scheme or the width changes. All text is set as text, never as HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const plain = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const ms = (seconds) => Math.round(seconds * 1000);
const byNumber = new Map(data.trials.map((trial) => [trial.number, trial]));
const front = data.trials.filter((trial) => trial.front);
const current = byNumber.get(data.current);
const chosen = byNumber.get(data.chosen);

function hover(trial) {
  const changes = Object.entries(trial.changes).map(([key, [before, now]]) => `${plain(key)} ${before} → ${now}`);
  const score = trial.tuned;
  return [
    `<b>trial ${trial.number}</b>`,
    `${ms(score.voice_to_voice)} ms, cut off ${score.false_cutoffs.toFixed(1)}, wasted ${score.wasted.toFixed(1)}`,
    ...changes,
  ].join("<br>");
}

function points(trials, measure, name, marker, extra = {}) {
  return {
    type: "scatter", mode: "markers", name, marker, cliponaxis: false,
    x: trials.map((trial) => ms(trial.tuned.voice_to_voice)),
    y: trials.map((trial) => trial.tuned[measure]),
    text: trials.map(hover), customdata: trials.map((trial) => trial.number),
    hovertemplate: "%{text}<extra></extra>", ...extra,
  };
}

function marked() {
  const edge = { width: 1.5, color: style("--card") };
  return [
    [current, "current", { symbol: "diamond", size: 14, color: style("--current"), line: edge }],
    [chosen, "chosen", { symbol: "star", size: 17, color: style("--chosen"), line: edge }],
  ];
}

function axis(title, extra = {}) {
  return {
    title: { text: title, font: { size: 12, color: style("--soft") } }, gridcolor: style("--grid"),
    zerolinecolor: style("--grid"), linecolor: style("--grid"), tickfont: { size: 11, color: style("--soft") },
    automargin: true, ...extra,
  };
}

function layout(x, y, height, extra = {}) {
  return {
    height, autosize: true, margin: { l: 8, r: 8, t: 8, b: 8 }, hovermode: "closest",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    font: { family: style("--font"), size: 12, color: style("--ink") },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hoverlabel: { bgcolor: style("--card"), bordercolor: style("--edge"), font: { color: style("--ink") }, align: "left" },
    xaxis: x, yaxis: y, ...extra,
  };
}

function against(measure, title) {
  const others = data.trials.filter((trial) => !trial.front);
  return [
    [
      points(others, measure, "tried", { size: 6, color: style("--other"), opacity: 0.7 }),
      points(front, measure, "front", { size: 10, color: style("--front") }),
      ...marked().map(([trial, name, marker]) => points([trial], measure, name, marker)),
    ],
    layout(axis("voice-to-voice, mean of the lines tuned on (ms, simulated)"), axis(title, { rangemode: "tozero" }), 360),
  ];
}

function holds() {
  const pairs = { x: [], y: [] };
  front.forEach(({ tuned, validated }) => {
    pairs.x.push(ms(tuned.voice_to_voice), ms(validated.voice_to_voice), null);
    pairs.y.push(tuned.false_cutoffs, validated.false_cutoffs, null);
  });
  const open = (trials, name, colour, size) => ({
    ...points(trials, "false_cutoffs", name, { symbol: "circle-open", size, color: colour, line: { width: 2 } }),
    x: trials.map((trial) => ms(trial.validated.voice_to_voice)),
    y: trials.map((trial) => trial.validated.false_cutoffs),
  });
  return [
    [
      { type: "scatter", mode: "lines", ...pairs, line: { width: 1, color: style("--other") }, hoverinfo: "skip", showlegend: false },
      points(front, "false_cutoffs", "front, tuned", { size: 8, color: style("--front") }),
      open(front, "front, validated", style("--front"), 8),
      points([current], "false_cutoffs", "current, tuned", { size: 12, color: style("--current") }),
      open([current], "current, validated", style("--current"), 12),
      points([chosen], "false_cutoffs", "chosen, tuned", { size: 12, color: style("--chosen") }),
      open([chosen], "chosen, validated", style("--chosen"), 12),
    ],
    layout(axis("voice-to-voice, mean (ms, simulated)"), axis("false cut-offs per 100 lines", { rangemode: "tozero" }), 380),
  ];
}

function where() {
  const keys = Object.keys(data.ranges);
  const place = (key, trial) => data.ranges[key].indexOf(trial.values[key]) / (data.ranges[key].length - 1);
  const strip = (trials, name, marker) => ({
    type: "scatter", mode: "markers", name, marker,
    x: keys.flatMap((key) => trials.map((trial) => place(key, trial))),
    y: keys.flatMap((key) => trials.map(() => key)),
    text: keys.flatMap((key) => trials.map((trial) => `trial ${trial.number}: ${plain(key)} = ${trial.values[key]}`)),
    customdata: keys.flatMap(() => trials.map((trial) => trial.number)),
    hovertemplate: "%{text}<extra></extra>",
  });
  const bounds = (key) => [data.ranges[key][0], data.ranges[key][data.ranges[key].length - 1]];
  return [
    [
      strip(front, "front", { size: 9, color: style("--front"), opacity: 0.5 }),
      strip([chosen], "chosen", { symbol: "star", size: 15, color: style("--chosen") }),
      strip([current], "current", { symbol: "line-ns", size: 11, line: { width: 3, color: style("--current") } }),
    ],
    layout(
      axis("from the lower to the upper bound", { range: [-0.04, 1.04], tickvals: [0, 1], ticktext: ["low", "high"] }),
      axis("", {
        autorange: "reversed", tickvals: keys,
        ticktext: keys.map((key) => `${key.split(".").pop()} ${bounds(key).join("–")}`),
      }),
      90 + 30 * keys.length,
    ),
  ];
}

function cells(row, texts) {
  texts.forEach((text) => row.appendChild(document.createElement("td")).append(text));
  return row;
}

function show(number) {
  const trial = byNumber.get(number);
  element("pick").value = String(number);
  const marks = [trial === current && "the current configuration", trial === chosen && "chosen"].filter(Boolean);
  element("marks").textContent = marks.join(", ");
  element("scores").replaceChildren(
    ...[["tuned on", trial.tuned], ["validated", trial.validated]].map(([name, score]) =>
      cells(document.createElement("tr"), [
        name, ms(score.voice_to_voice), ms(score.p50), ms(score.p95), score.false_cutoffs.toFixed(1),
        score.wasted.toFixed(1), score.failed,
      ])),
  );
  element("changes").replaceChildren(
    ...Object.entries(trial.changes).map(([key, [before, now]]) => cells(document.createElement("tr"), [key, before, now])),
  );
}

const plots = {
  cutoffs: () => against("false_cutoffs", "false cut-offs per 100 lines"),
  waste: () => against("wasted", "dropped speculations per 100 lines"),
  holds,
  where,
};
const draw = (id) => Plotly.react(id, ...plots[id](), { displayModeBar: false, responsive: false });
const drawAll = () => Object.keys(plots).forEach(draw);

drawAll();
Object.keys(plots).forEach((id) => element(id).on("plotly_click", (event) => {
  const number = event.points[0].customdata;
  if (number !== undefined && byNumber.get(number).pickable) show(number);
}));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
window.addEventListener("resize", () => requestAnimationFrame(drawAll));
data.trials.filter((trial) => trial.pickable).forEach((trial) => {
  element("pick").append(new Option(`${trial.number}${trial.front ? "" : " (not on the front)"}`, trial.number));
});
element("pick").addEventListener("change", (event) => show(Number(event.target.value)));
show(data.chosen);
