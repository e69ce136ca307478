// Voice-to-voice of all turns: the share of turns that took at most so long, and each turn as a point beneath.

const known = data.turns.map((turn, place) => ({ place, turn })).filter(({ turn }) => turn.voice_to_voice != null);

function steps(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { x: [sorted[0], ...sorted], y: [0, ...sorted.map((_, i) => ((i + 1) / sorted.length) * 100)] };
}

function distribution() {
  const runs = [];
  if (data.base && data.base.values.length) {
    runs.push({
      name: "baseline",
      values: data.base.values,
      titles: data.base.titles,
      ink: style("--base"),
      dash: "dot",
    });
  }
  runs.push({
    name: "this run",
    values: known.map(({ turn }) => turn.voice_to_voice),
    titles: known.map(({ turn }) => turn.title),
    places: known.map(({ place }) => place),
    ink: style("--run"),
    dash: "solid",
  });
  const traces = [];
  runs.forEach((run, row) => {
    traces.push({
      type: "scatter",
      mode: "lines",
      name: run.name,
      ...steps(run.values),
      xaxis: "x",
      yaxis: "y",
      line: { shape: "hv", width: 2.5, color: run.ink, dash: run.dash },
      hovertemplate: `%{y:.0f} % of the turns take<br>at most %{x:.3f} s<extra>${run.name}</extra>`,
    });
    traces.push({
      type: "box",
      orientation: "h",
      name: run.name,
      x: run.values,
      y: run.values.map(() => row),
      text: run.titles.map((title) => plain(title)),
      customdata: run.places,
      xaxis: "x",
      yaxis: "y2",
      boxpoints: "all",
      jitter: 0.7,
      pointpos: 0,
      width: 0.8,
      fillcolor: "rgba(0,0,0,0)",
      hoveron: "points",
      line: { width: 1.5, color: run.ink },
      whiskerwidth: 0.4,
      marker: { size: run.values.length > 200 ? 3 : 6, opacity: run.values.length > 200 ? 0.35 : 0.75, color: run.ink },
      hovertemplate: "%{text}<br>%{x:.3f} s<extra></extra>",
      showlegend: false,
    });
  });
  const guide = (y) => ({
    type: "line",
    xref: "paper",
    x0: 0,
    x1: 1,
    yref: "y",
    y0: y,
    y1: y,
    line: { color: style("--edge"), width: 1, dash: "dash" },
  });
  const beneath = runs.length > 1 ? 0.36 : 0.22;
  return [
    traces,
    layout(narrow() ? 360 : 430, {
      xaxis: axis("voice-to-voice (s)", { anchor: "y2", zeroline: false }),
      yaxis: axis("share of the turns", {
        domain: [beneath + 0.04, 1],
        range: [-1, 103],
        ...percent([0, 25, 50, 75, 95]),
      }),
      yaxis2: axis("", {
        domain: [0, beneath],
        range: [-0.6, runs.length - 0.4],
        tickvals: runs.map((_, row) => row),
        ticktext: runs.map((run) => run.name),
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      }),
      shapes: [guide(50), guide(95)],
      showlegend: runs.length > 1,
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      margin: { l: 8, r: 12, t: runs.length > 1 ? 30 : 8, b: 8 },
    }),
  ];
}

if (known.length) {
  plot("distribution", distribution, ({ customdata }) => customdata != null && choose(customdata, true));
}
