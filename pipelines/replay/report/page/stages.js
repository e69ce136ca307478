// Where the time went: a stacked bar for each line or each turn, a page of them at a time, and the spectrum of waiting
// from the fastest turn to the slowest.

const PAGE = 25;
const bars = { by: data.turns.length > PAGE ? "lines" : "turns", order: "played", first: 0, line: null };
const parts = (turn) => data.stages.map((stage) => (turn.contributions || {})[stage] || 0);
const explained = ({ turn }) => turn.contributions && Object.keys(turn.contributions).length;

function rows() {
  let found;
  if (bars.by === "lines") {
    found = data.lines
      .filter((line) => line.parts)
      .map((line) => ({
        title: line.title,
        parts: line.parts,
        note: `mean of ${line.known} turn${line.known === 1 ? "" : "s"}`,
        line: line.key,
      }));
  } else {
    found = known
      .filter(explained)
      .filter(({ turn }) => isOf(turn, bars.line))
      .map(({ place, turn }) => ({ title: turn.title, parts: parts(turn), note: "", place }));
  }
  return bars.order === "slowest" ? found.sort((a, b) => sum(b.parts) - sum(a.parts)) : found;
}

const isOf = (turn, key) => key === null || (turn.talk === key[0] && turn.line === key[1]);

function stacked() {
  const all = rows();
  bars.first = Math.max(0, Math.min(bars.first, Math.floor((all.length - 1) / PAGE) * PAGE));
  const shown = all.slice(bars.first, bars.first + PAGE);
  const several = all.length > PAGE;
  element("bars-pages").hidden = !several;
  element("bars-where").textContent = `${bars.first + 1}–${bars.first + shown.length} of ${all.length}`;
  element("bars-back").disabled = bars.first === 0;
  element("bars-on").disabled = bars.first + PAGE >= all.length;
  const longest = Math.max(...all.map((row) => sum(row.parts))); // the same scale on every page
  const size = narrow() ? 18 : 34;
  const traces = data.stages.map((stage, i) => ({
    type: "bar",
    orientation: "h",
    name: stage,
    y: shown.map((_, row) => row),
    x: shown.map((row) => row.parts[i]),
    marker: fill(stage),
    customdata: shown.map((_, row) => row),
    text: shown.map(
      (row) =>
        `${plain(row.title)}<br><b>${stage}</b> ${ms(row.parts[i])} of ${ms(sum(row.parts))}` +
        (row.note && `<br>${row.note}`),
    ),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  }));
  traces.push({
    type: "scatter",
    mode: "text",
    y: shown.map((_, row) => row),
    x: shown.map((row) => sum(row.parts)),
    text: shown.map((row) => `  ${Math.round(sum(row.parts) * 1000)}`),
    textposition: "middle right",
    hoverinfo: "skip",
    textfont: { size: 11, color: style("--soft") },
    cliponaxis: false,
  });
  return [
    traces,
    layout(64 + Math.max(3, shown.length) * 24, {
      xaxis: axis("seconds after the end of the voice", {
        range: [0, longest * (narrow() ? 1.25 : 1.1) || 1],
        side: "bottom",
        zeroline: false,
      }),
      yaxis: axis("", {
        range: [Math.max(3, shown.length) - 0.4, -0.6],
        tickvals: shown.map((_, row) => row),
        ticktext: shown.map((row) => plain(tail(row.title, size))),
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      }),
    }),
  ];
}

function show(change) {
  Object.assign(bars, change);
  element("bars-of").hidden = bars.line === null;
  if (bars.line !== null) {
    element("bars-line").textContent = data.lines.find((line) =>
      isOf({ talk: line.key[0], line: line.key[1] }, bars.line),
    ).title;
  }
  [...element("bars-by").querySelectorAll("button")].forEach((button) => {
    button.setAttribute("aria-pressed", String(button.value === bars.by));
  });
  redraw("stages");
}

let unit = "time";

function waits() {
  const groups = data.spectrum;
  const share = unit === "share";
  const middle = groups.map((group) => ((group.from + group.to) / 2) * 100);
  const traces = data.stages.map((stage, i) => ({
    type: "bar",
    name: stage,
    x: middle,
    width: groups.map((group) => (group.to - group.from) * 100),
    y: groups.map((group) => (share ? (group.parts[i] / (sum(group.parts) || 1)) * 100 : group.parts[i])),
    marker: fill(stage),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
    text: groups.map((group) => {
      const who = group.turns === 1 ? "one turn" : `mean of ${group.turns} turns`;
      const part = Math.round((group.parts[i] / (sum(group.parts) || 1)) * 100);
      const where = `${Math.round(group.from * 100)}–${Math.round(group.to * 100)} %`;
      return `${who}, ${where}<br><b>${stage}</b> ${ms(group.parts[i])}, ${part} % of ${ms(sum(group.parts))}`;
    }),
  }));
  return [
    traces,
    layout(narrow() ? 300 : 360, {
      bargap: 0,
      xaxis: axis("turns, from the fastest to the slowest", {
        range: [0, 100],
        showgrid: false,
        zeroline: false,
        ...percent([0, 25, 50, 75, 95]),
      }),
      yaxis: axis(
        share ? "share of the wait" : "voice-to-voice (s)",
        share ? { range: [0, 100], ...percent([0, 25, 50, 75, 100]) } : { rangemode: "tozero" },
      ),
    }),
  ];
}

if (data.spectrum.length) {
  plot("stages", stacked, ({ customdata }) => {
    const row = rows()[bars.first + customdata];
    if (row.place !== undefined) choose(row.place, true);
    else show({ by: "turns", line: row.line, first: 0 });
  });
  choice("bars-by", (by) => show({ by, line: null, first: 0 }));
  choice("bars-order", (order) => show({ order, first: 0 }));
  element("bars-all").addEventListener("click", () => show({ line: null, first: 0 }));
  element("bars-back").addEventListener("click", () => show({ first: bars.first - PAGE }));
  element("bars-on").addEventListener("click", () => show({ first: bars.first + PAGE }));
  plot("spectrum", waits);
  choice("spectrum-unit", (value) => {
    unit = value;
    redraw("spectrum");
  });
  show({});
}
