// The machine over the run: a small plot for each counter, all on the same time axis.

const until = Math.max(0, ...data.counters.map((counter) => counter.times.at(-1) || 0));

data.counters.forEach((counter, number) => {
  const id = `counter-${number}`;
  const place = document.createElement("figure");
  const title = document.createElement("figcaption");
  title.textContent = counter.unit ? `${counter.name} (${counter.unit})` : counter.name;
  const room = document.createElement("div");
  room.id = id;
  place.append(title, room);
  element("counters").append(place);
  plot(id, () => [
    [
      {
        type: "scatter",
        mode: counter.times.length > 1 ? "lines" : "markers",
        x: counter.times,
        y: counter.values,
        line: { width: 1.5, color: style("--run") },
        hovertemplate: "%{x:.0f} s: %{y:.4s}<extra></extra>",
      },
    ],
    layout(150, {
      hovermode: "x",
      xaxis: axis("", { range: [0, until || 1], ticksuffix: " s", nticks: 5, zeroline: false }),
      yaxis: axis("", { rangemode: "tozero", nticks: 4, exponentformat: "SI" }),
    }),
  ]);
});
