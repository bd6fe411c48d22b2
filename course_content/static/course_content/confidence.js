// A scale of radios becomes a slider. The radios stay what is sent; without this script they are the scale.
for (const scale of document.querySelectorAll("[data-scale]")) {
  const radios = [...scale.querySelectorAll("input[type=radio]")];
  const labels = radios.map((radio) => radio.closest("label").textContent.trim());
  const fieldset = scale.closest("fieldset");
  const chosen = radios.findIndex((radio) => radio.checked);

  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = "1";
  slider.max = String(radios.length);
  slider.value = String(chosen < 0 ? Math.ceil(radios.length / 2) : chosen + 1);
  slider.setAttribute("aria-label", fieldset.querySelector(".prompt").textContent.trim());
  const says = document.createElement("output");
  says.className = "scale-says";
  const ends = document.createElement("div");
  ends.className = "scale-ends";
  ends.setAttribute("aria-hidden", "true");
  for (const label of [labels[0], labels[labels.length - 1]]) {
    const end = document.createElement("span");
    end.textContent = label;
    ends.append(end);
  }

  const take = () => {
    const at = Number(slider.value) - 1;
    radios[at].checked = true;
    says.textContent = labels[at];
    slider.setAttribute("aria-valuetext", labels[at]);
  };
  slider.setAttribute("aria-valuetext", labels[Number(slider.value) - 1]);
  slider.addEventListener("input", take);
  // Where the middle is meant, a press of the slider says so.
  slider.addEventListener("click", take);
  slider.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") take();
  });
  if (chosen >= 0) take();

  scale.hidden = true;
  scale.after(slider, ends, says);
}
