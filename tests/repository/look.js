// What a page looks like now: evaluated in the browser by test_screen.py. Each list is
// empty where all is well.
() => {
  const article = document.querySelector("article");
  const brief = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""} ${(e.textContent || "").trim().slice(0, 40)}`;
  const style = (e) => getComputedStyle(e);
  const shown = (e) => e.checkVisibility() && e.getClientRects().length > 0;
  const scrolls = (e) => ["auto", "scroll"].includes(style(e).overflowX);
  const within = (e, test) => { for (let p = e.parentElement; p; p = p.parentElement) if (test(p)) return p; return null; };

  const rgb = (text) => (text.match(/[\d.]+/g) || []).slice(0, 3).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = rgb(colour).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = style(document.documentElement).getPropertyValue("--pst-color-background").trim();
  const probe = document.createElement("i");
  probe.style.color = ground;
  document.body.append(probe);
  const page = style(probe).color;
  probe.remove();

  const wide = [];
  const cut = [];
  if (document.documentElement.scrollWidth > innerWidth) wide.push("the page itself");
  const column = article.closest(".bd-article-container"); // with the footer's titles
  for (const e of column.querySelectorAll("*")) {
    if (!shown(e) || e.closest("svg") || e.closest("mjx-math, mjx-assistive-mml, .sr-only, .visually-hidden")) continue;
    const box = e.getBoundingClientRect();
    if (box.right > innerWidth + 1 && !within(e, scrolls)) wide.push(brief(e));
    if (["hidden", "clip"].includes(style(e).overflowX) && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1) cut.push(brief(e));
  }

  const longCode = [...article.querySelectorAll(".highlight pre")].filter((e) => !e.closest(".cell_output"))
    .filter((e) => shown(e) && e.scrollWidth > e.clientWidth + 1).map(brief);

  const smallText = [];
  const faintText = [];
  for (const svg of article.querySelectorAll("svg:not(mjx-container svg)")) {
    if (!shown(svg)) continue;
    const scale = svg.getBoundingClientRect().width / (svg.viewBox.baseVal?.width || svg.getBoundingClientRect().width);
    const pictures = svg.querySelector("image") !== null;
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text, tspan")) {
      const size = parseFloat(style(text).fontSize) * scale;
      const box = text.getBoundingClientRect();
      const air = box.height / 3; // above and below the letters of a line
      const out = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top - air, box.bottom - frame.bottom - air);
      if (text.textContent.trim() && out > 1.5) cut.push(`text ${out.toFixed(0)} px outside of its figure: ${text.textContent.trim()}`);
      if (text.textContent.trim() && size < 10.95) smallText.push(`${size.toFixed(1)} px: ${text.textContent.trim()}`);
      const ink = style(text).fill;
      const onPicture = pictures && ["rgb(0, 0, 0)", "rgb(255, 255, 255)"].includes(ink);
      if (!onPicture && contrast(ink, page) < 4.5) faintText.push(`${ink} on ${page}: ${text.textContent.trim()}`);
    }
  }

  const silentScrollers = [];
  for (const e of article.querySelectorAll(".drawing, .table-scroller, div.math mjx-container, pre, span.math.wide")) {
    if (!shown(e) || !scrolls(e) || e.scrollWidth <= e.clientWidth + 1) continue;
    if (e.tabIndex !== 0 || !e.getAttribute("aria-label") || style(e).borderRightStyle !== "dashed") silentScrollers.push(brief(e));
  }
  // A cue at what does not scroll misleads, and is a stop of the Tab key for nothing.
  for (const e of article.querySelectorAll(".overflows"))
    if (shown(e) && e.scrollWidth <= e.clientWidth + 1) silentScrollers.push(`a cue for nothing: ${brief(e)}`);
  const bareFolds = [...article.querySelectorAll("summary")]
    .filter((e) => shown(e) && (style(e).display !== "list-item" || style(e).listStyleType === "none")).map(brief);

  const rawNumbers = [];
  const texts = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const raw = texts.currentNode.textContent.match(/(?<![\w.])\d[\d.]*e[+-]?\d+\b/);
    if (raw && !texts.currentNode.parentElement.closest("pre, code, script, svg, .math")) rawNumbers.push(raw[0]);
  }
  const sizes = ["h1", "h2", "h3"].map((name) => article.querySelector(name)).filter(Boolean)
    .map((e) => parseFloat(style(e).fontSize));
  const flatHeadings = sizes.filter((size, i) => i > 0 && size >= sizes[i - 1]);

  const stops = [...article.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
    .filter((e) => shown(e) && e.tabIndex >= 0);
  const named = (e) => e.getAttribute("aria-label") || e.textContent.trim() || e.title || e.labels?.length || e.querySelector("img[alt]");
  const vague = (e) => /toggle hidden|click to show|^Code of the table: Table$/i.test(e.getAttribute("aria-label") || e.textContent);
  const namelessStops = stops.filter((e) => !named(e) || vague(e)).map(brief);
  const formulaStops = stops.filter((e) => e.matches("mjx-container") && !e.classList.contains("overflows")).map(brief);

  const bareTables = [...article.querySelectorAll("table")]
    .filter((t) => shown(t) && !t.closest(".docutils.field-list"))
    .filter((t) => !t.querySelector("caption")?.textContent.trim() || [...t.querySelectorAll("th")].some((h) => !h.scope) || !t.querySelector("th"))
    .map(brief);

  return { wide, cut, longCode, bareFolds, rawNumbers, flatHeadings, smallText, faintText, silentScrollers, namelessStops, formulaStops, bareTables, stops: stops.length };
}
