// Voice-to-voice of each group: from the median to the 95th percentile. Hours stand side by side, others one below another.

function bars(division) {
  const names = division.names.map((name) => plain(tail(name, narrow() ? 18 : 40)));
  const low = division.p50.map(thousand);
  const span = division.p95.map((value, place) => (value === null ? null : (value - division.p50[place]) * 1000));
  const texts = division.p50.map((value, place) => `${plain(division.names[place])}<br>p50 ${ms(value)}, p95 ${ms(division.p95[place])}<br>${division.turns[place].toLocaleString("en")} turns`);
  const upright = division.upright;
  const trace = {
    type: "bar", orientation: upright ? "v" : "h", marker: { color: style("--run"), opacity: 0.85 }, text: texts, textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
    ...(upright ? { x: names, y: span, base: low } : { y: names, x: span, base: low }),
  };
  const values = axis("ms", { rangemode: "tozero" });
  const kinds = axis("", { type: "category", ...(upright ? { nticks: narrow() ? 6 : 24 } : { autorange: "reversed" }) });
  const height = upright ? 280 : 70 + 34 * Math.max(2, names.length);
  return [[trace], layout(height, upright ? { xaxis: kinds, yaxis: values } : { xaxis: values, yaxis: kinds })];
}

data.divisions.forEach((division, place) => plot(`division-${place}`, () => bars(division)));
