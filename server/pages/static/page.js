// What a page can do without this, it does: this only prints, and opens all steps for print.
const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
const closed = [];
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details:not([open])")) {
    each.open = true;
    closed.push(each);
  }
});
addEventListener("afterprint", () => {
  for (const each of closed.splice(0)) each.open = false;
});
