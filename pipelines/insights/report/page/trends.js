// Lines by day: the whole wait, each stage, what is counted. A day that was not shown leaves a gap.

const PERCENTILES = [["p50", "--run", "solid"], ["p90", "--soft", "dot"], ["p95", "--bad", "solid"], ["p99", "--soft", "dash"]];
const thousand = (value) => (value === null ? null : value * 1000);

function marks() {
  return data.changed.map((since) => ({
    type: "line", x0: since, x1: since, y0: 0, y1: 1, yref: "paper", line: { color: style("--soft"), width: 1.5, dash: "dash" },
  }));
}

function line(name, values, look, unit) {
  return {
    type: "scatter", mode: data.days.length > 40 ? "lines" : "lines+markers", x: data.days, y: values, name: plain(name),
    line: { width: 2, ...look }, marker: { size: 5 }, connectgaps: false,
    hovertemplate: `%{y:.4~r} ${unit}<extra>${plain(name)}</extra>`,
  };
}

function byDay(title) {
  return {
    xaxis: axis("", { type: "date", tickformat: narrow() ? "%d.%m." : "%d %b", nticks: narrow() ? 5 : 12 }),
    yaxis: axis(title, { rangemode: "tozero" }),
    hovermode: "x unified", shapes: marks(), showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11 } },
  };
}

function waits() {
  const lines = PERCENTILES.map(([name, ink, dash]) =>
    line(name, data.waits[name].map(thousand), { color: style(ink), dash }, "ms"));
  return [lines, layout(320, byDay("ms"))];
}

let percentile = "p50";
function parts() {
  const lines = data.stages.map((stage) =>
    line(stage, data.parts[stage][percentile].map(thousand), { color: colour(stage), dash: WAITING[stage] ? "dot" : "solid" }, "ms"));
  return [lines, layout(360, { ...byDay("ms"), showlegend: false })];
}

function counted() {
  const inks = ["--bad", "--run", "--llm", "--tts", "--playout"];
  const lines = Object.entries(data.counts).map(([name, values], place) =>
    line(name, values, { color: style(inks[place]) }, "per 100"));
  return [lines, layout(300, byDay("per 100 turns"))];
}

if (element("waits")) {
  plot("waits", waits);
  plot("parts", parts);
  plot("counts", counted);
  choice("stage-percentile", (value) => { percentile = value; redraw("parts"); });
}
