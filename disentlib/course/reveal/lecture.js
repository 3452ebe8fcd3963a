// Starts a lecture once its formulas stand, and shrinks what is larger than its slide.
"use strict";
(function () {
  const WIDTH = 1120;
  const HEIGHT = 700;
  const FOOT = 24;

  // Sizes of the layout, which do not change with the scale at which Reveal shows a slide.
  function fit(board) {
    board.style.zoom = 1;
    const title = board.previousElementSibling;
    const room = HEIGHT - FOOT - (title ? title.offsetHeight + 30 : 0);
    // Not the board's own scrollHeight: what MathJax hides for screen readers counts there.
    const wide = [...board.querySelectorAll("mjx-container, pre, table")].map((e) => e.scrollWidth);
    board.style.zoom = Math.min(1, room / board.offsetHeight, WIDTH / Math.max(1, ...wide));
  }

  // On paper Reveal counts the pages of a slide when it starts: each has to fit before.
  function fitAll() {
    for (const section of document.querySelectorAll(".slides section")) {
      section.style.cssText = `display: block; width: ${WIDTH}px`;
      fit(section.querySelector(".board"));
      section.removeAttribute("style");
    }
  }

  function start() {
    // The speaker's window gets the notes as they are, without the sheet that hides these.
    document.querySelectorAll(".notes mjx-assistive-mml").forEach((e) => e.remove());
    fitAll();
    Reveal.initialize({
      hash: true, slideNumber: "c/t", width: WIDTH, height: HEIGHT, center: false,
      transition: "none", pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1,
      plugins: [RevealNotes],
    });
    // Pieces of the explorer arrive later, and grow and shrink while they are used.
    const watch = new ResizeObserver((seen) => seen.forEach(({ target }) => {
      if (target.offsetParent) fit(target);
    }));
    if (!location.search.includes("print-pdf")) {
      document.querySelectorAll(".board").forEach((board) => watch.observe(board));
    }
  }

  globalThis.MathJax = {
    svg: { fontCache: "none" },
    startup: { pageReady: () => MathJax.startup.defaultPageReady().then(start) },
  };
})();
