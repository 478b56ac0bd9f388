/* What JavaScript adds: menus that close, buttons that copy, charts. */
"use strict";

(() => {
  document.documentElement.classList.add("js");

  /* Menus are <details>; here they also close. */
  const openMenus = () =>
    document.querySelectorAll(
      "details.menu[open], details.confirm[open]",
    );

  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* <button data-copy="id of an input or element"> */
  const textOf = (element) =>
    "value" in element ? element.value : element.textContent;

  const announce = (text) => {
    const region = document.getElementById("announcements");
    if (region) region.textContent = text;
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    try {
      await navigator.clipboard.writeText(textOf(source).trim());
    } catch {
      announce("Copying did not work: select the text and copy it.");
      return;
    }
    const label = button.querySelector("[data-copy-label]") || button;
    const before = label.textContent;
    label.textContent = "Copied";
    announce("Copied");
    setTimeout(() => {
      label.textContent = before;
    }, 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  /* <div class="chart" data-figure="id of a JSON script"> */
  const themeColors = () => {
    const style = getComputedStyle(document.body);
    const probe = document.createElement("i");
    document.body.append(probe);
    const resolve = (name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const colors = {
      text: style.color,
      muted: resolve("--tblr-secondary"),
      grid: resolve("--tblr-border-color-translucent"),
      surface: resolve("--tblr-bg-surface"),
      line: resolve("--tblr-border-color"),
      font: style.fontFamily,
    };
    probe.remove();
    return colors;
  };

  const themed = (layout) => {
    const colors = themeColors();
    const next = {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { ...layout.font, color: colors.muted, family: colors.font },
      hoverlabel: {
        ...layout.hoverlabel,
        bgcolor: colors.surface,
        bordercolor: colors.line,
        font: { color: colors.text, family: colors.font },
      },
    };
    for (const name of Object.keys(layout)) {
      if (!/^[xy]axis\d*$/.test(name)) continue;
      next[name] = {
        ...layout[name],
        gridcolor: colors.grid,
        linecolor: colors.line,
        zerolinecolor: colors.line,
        tickcolor: colors.line,
      };
    }
    return next;
  };

  const draw = (chart) => {
    const source = document.getElementById(chart.dataset.figure);
    if (!source || !window.Plotly) return;
    const figure = JSON.parse(source.textContent);
    const options = { displayModeBar: false, responsive: true };
    /* What the server drew stands in a box of the same size until now. */
    chart.querySelector(":scope > .still")?.remove();
    window.Plotly.react(chart, figure.data, themed(figure.layout || {}), options);
  };

  const drawAll = (root) => {
    for (const chart of root.querySelectorAll("[data-figure]")) draw(chart);
  };

  document.addEventListener("DOMContentLoaded", () => drawAll(document));
  document.addEventListener("htmx:load", (event) => {
    if (document.readyState === "complete") drawAll(event.target);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    drawAll(document),
  );
})();
