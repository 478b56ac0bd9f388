/* The switcher of organizations: type to find, arrows to move, Enter to open. */
"use strict";

(() => {
  const shown = (menu) =>
    [...menu.querySelectorAll("[data-switcher-item]:not([hidden]) a")];

  const find = (menu, text) => {
    const words = text.toLowerCase().split(/\s+/);
    for (const item of menu.querySelectorAll("[data-switcher-item]")) {
      const label = item.textContent.toLowerCase();
      item.hidden = !words.every((word) => label.includes(word));
    }
    menu.querySelector("[data-switcher-none]").hidden = shown(menu).length > 0;
  };

  const move = (menu, step) => {
    const stops = [menu.querySelector("[data-switcher-find]"), ...shown(menu)];
    const next = stops.indexOf(document.activeElement) + step;
    stops[(next + stops.length) % stops.length].focus();
  };

  const onKey = (menu, event) => {
    if (event.key === "ArrowDown") move(menu, 1);
    else if (event.key === "ArrowUp") move(menu, -1);
    else if (event.key === "Enter" && event.target.matches("input")) {
      shown(menu)[0]?.click();
    } else return;
    event.preventDefault();
  };

  for (const menu of document.querySelectorAll("[data-switcher]")) {
    const input = menu.querySelector("[data-switcher-find]");
    menu.addEventListener("toggle", () => {
      if (!menu.open) return;
      input.value = "";
      find(menu, "");
      input.focus();
    });
    input.addEventListener("input", () => find(menu, input.value));
    menu.querySelector(".menu-panel").addEventListener("keydown", (event) =>
      onKey(menu, event),
    );
  }
})();
