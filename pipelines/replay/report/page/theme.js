// Colours, common layout, and drawing again when the scheme or the width changes. All text is set as text, never as
// HTML; plots read a little HTML of their own, so what goes there passes through `plain`.

const data = JSON.parse(document.getElementById("data").textContent);
const plots = new Map(); // by the id of its place: what makes [traces, layout], what a click does, whether it stands
const dark = matchMedia("(prefers-color-scheme: dark)");
const coarse = matchMedia("(pointer: coarse)");
const WAITING = { endpointing: "/", hold: "\\" }; // stages that wait by policy are hatched

const element = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (stage) => style(`--${stage}`);
const narrow = () => window.innerWidth < 640;
const ms = (seconds) => (seconds === null || seconds === undefined ? "–" : `${Math.round(seconds * 1000)} ms`);
const cut = (text, size) => ([...text].length > size ? [...text].slice(0, size - 1).join("") + "…" : text);
// Names differ at their ends.
const tail = (text, size) => ([...text].length > size ? "…" + [...text].slice(1 - size).join("") : text);
const sum = (values) => values.reduce((total, value) => total + value, 0);

// Directions are switched by some characters; in a plot, where there is no isolation, they are left out.
function plain(text, size = 90) {
  return cut(String(text).replace(/[\p{Cc}\p{Cf}]+/gu, " "), size)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function fill(stage, extra = {}) {
  const hatch = {
    shape: WAITING[stage] || "",
    bgcolor: colour(stage),
    fgcolor: style(`--hatch-${stage}`),
    size: 7,
    solidity: 0.3,
  };
  return { color: colour(stage), line: { width: 0 }, pattern: hatch, ...extra };
}

function axis(title, extra = {}) {
  return {
    title: { text: title, standoff: 8, font: { size: 12, color: style("--soft") } },
    gridcolor: style("--grid"),
    linecolor: style("--grid"),
    zerolinecolor: style("--grid"),
    tickfont: { size: 11, color: style("--soft") },
    automargin: true,
    ...extra,
  };
}

const percent = (values) => ({ tickvals: values, ticktext: values.map((value) => `${value} %`) });

function layout(height, extra = {}) {
  return {
    height,
    autosize: true,
    margin: { l: 8, r: 8, t: 8, b: 8 },
    barmode: "stack",
    bargap: 0.25,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    hovermode: "closest",
    dragmode: coarse.matches ? false : "zoom",
    font: { family: style("--font"), size: 12, color: style("--ink") },
    hoverlabel: {
      bgcolor: style("--card"),
      bordercolor: style("--edge"),
      align: "left",
      font: { family: style("--font"), size: 12, color: style("--ink") },
    },
    ...extra,
  };
}

function draw(id) {
  const { make, clicked, drawn } = plots.get(id);
  const [traces, look] = make();
  Plotly.react(id, traces, look, { displayModeBar: false, responsive: false });
  if (clicked && !drawn) element(id).on("plotly_click", ({ points }) => clicked(points[0]));
  plots.get(id).drawn = true;
}

// Each plot is drawn in a task of its own, so that the page can be read and scrolled from the beginning.
function plot(id, make, clicked) {
  plots.set(id, { make, clicked, drawn: false });
  setTimeout(() => draw(id));
}

// Again, because what it shows has changed; unless its first drawing is still to come.
function redraw(id) {
  if (plots.get(id).drawn) draw(id);
}

const drawAll = () => plots.forEach((_, id) => redraw(id));
dark.addEventListener("change", drawAll);
let width = window.innerWidth;
let waiting = 0;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return; // a phone's address bar changes the height only
  width = window.innerWidth;
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawAll);
});

// A group of buttons of which one is pressed; calls `chosen` with its value.
function choice(id, chosen) {
  const buttons = [...element(id).querySelectorAll("button")];
  buttons.forEach((button) => {
    button.addEventListener("click", () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      chosen(button.value);
    });
  });
}
