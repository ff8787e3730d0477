// A cursor over the charts of one section, all at the same hour; everything can be read without it.
const forms = {
  usd: (value) => "$" + (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-US") : Number(value.toPrecision(3))),
  share: (value) => (value * 100).toFixed(1) + " %",
};

for (const section of document.querySelectorAll("section")) {
  const figures = [...section.querySelectorAll("figure")].filter((each) => each.querySelector("script"));
  const charts = figures.map((figure) => ({
    svg: figure.querySelector(".plot svg"),
    series: JSON.parse(figure.querySelector("script").textContent),
    outputs: [...figure.querySelectorAll("output")],
  }));
  let at = null;

  const show = (share) => {
    at = share;
    for (const { svg, series, outputs } of charts) {
      const { left, right } = svg.dataset;
      const x = Number(left) + (right - left) * (share ?? 0);
      const line = svg.querySelector(".cursor");
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
      svg.classList.toggle("read", share !== null);
      series.values.forEach((column, k) => {
        const value = column[Math.min(column.length - 1, Math.floor((share ?? 0) * column.length))];
        outputs[k].textContent = share === null || value === null ? "" : forms[series.form](value);
      });
    }
  };

  charts.forEach(({ svg }, i) => {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const { left, right } = svg.dataset;
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      show(Math.min(1, Math.max(0, (x - left) / (right - left))));
    });
    svg.addEventListener("pointerleave", () => show(null));
    figures[i].addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.01, ArrowRight: 0.01 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show(Math.min(1, Math.max(0, (at ?? 0.5) + step)));
    });
    figures[i].addEventListener("blur", () => show(null));
  });
}
