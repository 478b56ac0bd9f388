/* The payment provider's own form for a card, in frames of theirs. */
"use strict";

(() => {
  const begin = (form) => {
    const problem = form.querySelector("[data-card-error]");
    const button = form.querySelector("button");
    const tell = (text) => {
      problem.querySelector("p").textContent = text;
      problem.hidden = !text;
    };
    if (!window.Stripe) {
      tell("Stripe's form cannot be loaded. Try again, or pay by invoice.");
      return;
    }
    const stripe = window.Stripe(form.dataset.publishableKey);
    const isDark =
      document.documentElement.dataset.bsTheme === "dark" ||
      (!document.documentElement.dataset.bsTheme &&
        matchMedia("(prefers-color-scheme: dark)").matches);
    const elements = stripe.elements({
      clientSecret: form.dataset.clientSecret,
      appearance: { theme: isDark ? "night" : "stripe" },
    });
    elements.create("payment").mount(form.querySelector("[data-card-element]"));
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      tell("");
      const answer = await stripe.confirmSetup({
        elements,
        confirmParams: { return_url: form.dataset.returnUrl },
        redirect: "if_required",
      });
      if (answer.error) {
        tell(answer.error.message);
        button.disabled = false;
        return;
      }
      form.elements.setup_intent.value = answer.setupIntent.id;
      form.submit();
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("[data-card-form]");
    if (form) begin(form);
  });
})();
