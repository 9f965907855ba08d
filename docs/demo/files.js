// Files that are chosen, pasted, or dropped anywhere on the page.
export function acceptFiles(field, open) {
  const first = (files) => files?.length && open(files[0]);
  field.addEventListener("change", () => {
    first(field.files);
    field.value = "";
  });
  addEventListener("paste", (event) => first(event.clipboardData?.files));
  const mark = (event, on) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", on);
  };
  addEventListener("dragover", (event) => mark(event, true));
  addEventListener("dragleave", (event) => event.relatedTarget === null && mark(event, false));
  addEventListener("drop", (event) => {
    mark(event, false);
    first(event.dataTransfer.files);
  });
}
