/* Who only views an organization is not offered what the server refuses. */
"use strict";

(() => {
  const shut = (root) => {
    for (const form of root.querySelectorAll("#content form[method=post]")) {
      if ("viewingStop" in form.dataset) continue;
      for (const control of form.elements) control.disabled = true;
    }
  };

  document.addEventListener("DOMContentLoaded", () => shut(document));
  document.addEventListener("htmx:load", () => shut(document));
})();
