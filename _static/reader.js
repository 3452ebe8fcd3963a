// What needs a script: figures that enlarge, wide things that scroll by keyboard too, and
// paper, on which folds are open, solutions come last, and links are footnotes.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const WIDE = ".drawing, .table-scroller, div.math mjx-container, .bd-article pre, span.math.wide";

  function called(element) {
    const figure = element.closest("figure");
    if (figure) return figure.querySelector(".caption-number")?.textContent.trim() || "Figure";
    const caption = element.querySelector("caption");
    if (caption) return caption.textContent.trim().slice(0, 80);
    if (element.matches("pre")) return "Code";
    return element.matches(".table-scroller") ? "Table" : "Formula";
  }

  // A region that scrolls can be reached and is named; one that does not is no stop, nor
  // one that scrolled before. First all is measured, then all is marked: a page has hundreds.
  function markScrollers() {
    const formulas = [...document.querySelectorAll(".bd-article span.math")]
      .filter((formula) => !formula.closest("table")); // there the table scrolls
    const before = [...document.querySelectorAll(".overflows")];
    for (const formula of formulas) formula.classList.remove("wide");
    for (const element of before) if (!element.scrollLeft) element.classList.remove("overflows");
    // A slanted letter reaches over its own edge: what counts is the column's.
    const cut = formulas.filter((formula) => {
      const column = formula.closest("p, li, dd, div").clientWidth;
      return column > 0 && formula.scrollWidth > Math.max(column, formula.clientWidth + 1);
    });
    for (const formula of cut) formula.classList.add("wide");
    const elements = [...new Set([...document.querySelectorAll(WIDE), ...before])];
    const wide = elements.map((e) => e.matches(WIDE) && e.scrollWidth > e.clientWidth + 1);
    elements.forEach((element, i) => {
      element.classList.toggle("overflows", wide[i]);
      if (wide[i]) {
        element.tabIndex = 0;
        element.setAttribute("role", "region");
        element.setAttribute("aria-label", `${called(element)} (scrolls)`);
      } else {
        for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
      }
    });
  }

  function enlarge(drawing) {
    const dialog = document.createElement("dialog");
    dialog.className = "enlarged";
    dialog.setAttribute("aria-label", called(drawing));
    const close = document.createElement("button");
    close.className = "enlarge";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    dialog.append(close, drawing.querySelector("svg").cloneNode(true));
    dialog.addEventListener("close", () => dialog.remove());
    dialog.querySelector("svg").addEventListener("click", () => dialog.close());
    document.body.append(dialog);
    dialog.showModal();
  }

  function addEnlarging() {
    for (const drawing of document.querySelectorAll("figure .drawing")) {
      const caption = drawing.closest("figure").querySelector("figcaption");
      const button = document.createElement("button");
      button.className = "enlarge";
      button.type = "button";
      button.textContent = "Enlarge";
      button.setAttribute("aria-label", `Enlarge ${called(drawing)}`);
      button.addEventListener("click", () => enlarge(drawing));
      drawing.addEventListener("click", () => enlarge(drawing));
      if (caption) caption.prepend(button);
    }
  }

  // For paper: black on white, all folds open, solutions after everything else, addresses of links below.
  let undo = [];
  function toPaper() {
    if (undo.length) return;
    const article = document.querySelector("article"), root = document.documentElement;
    const theme = root.dataset.theme;
    root.dataset.theme = "light"; // and with it code and drawings
    undo.push(() => { root.dataset.theme = theme; });
    for (const fold of document.querySelectorAll("details:not([open])")) {
      fold.open = true;
      undo.push(() => { fold.open = false; });
    }
    const solutions = [...article.querySelectorAll("details.solution")];
    if (solutions.length) {
      const heading = document.createElement("h2");
      heading.textContent = "Solutions";
      heading.id = "solutions";
      article.append(heading);
      undo.push(() => heading.remove());
    }
    for (const solution of solutions) {
      const place = document.createComment("solution");
      solution.replaceWith(place);
      article.append(solution);
      undo.push(() => place.replaceWith(solution));
    }
    const list = document.createElement("ol");
    list.className = "footnotes-of-links";
    for (const link of article.querySelectorAll('a[href^="http"]')) {
      const item = document.createElement("li");
      item.textContent = link.href;
      list.append(item);
      const number = document.createElement("sup");
      number.className = "link-number";
      number.textContent = ` [${list.children.length}]`;
      link.after(number);
      undo.push(() => number.remove());
    }
    if (!list.children.length) return;
    const heading = document.createElement("h2");
    heading.textContent = "Addresses of the links";
    heading.id = "addresses";
    heading.className = "footnotes-of-links";
    article.append(heading, list);
    undo.push(() => { heading.remove(); list.remove(); });
  }
  function fromPaper() {
    for (const step of undo.reverse()) step();
    undo = [];
  }

  window.addEventListener("beforeprint", toPaper);
  window.addEventListener("afterprint", fromPaper);
  addEnlarging();
  let due = 0;
  function soon() {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(markScrollers);
  }
  const watch = new ResizeObserver(soon); // the window, a fold, formulas that arrive
  watch.observe(document.querySelector("article"));
  window.addEventListener("resize", soon);
  document.fonts.addEventListener("loadingdone", soon);
  window.addEventListener("load", () => {
    (window.MathJax?.startup?.promise || Promise.resolve()).then(soon);
  });
});
