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
  for (const e of article.querySelectorAll("*")) {
    if (!shown(e) || e.closest("svg") || e.closest("mjx-math, mjx-assistive-mml, .sr-only, .visually-hidden")) continue;
    const box = e.getBoundingClientRect();
    if (box.right > innerWidth + 1 && !within(e, scrolls)) wide.push(brief(e));
    if (["hidden", "clip"].includes(style(e).overflowX) && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1) cut.push(brief(e));
  }

  const longCode = [...article.querySelectorAll(".cell_input pre, .highlight-python pre")]
    .filter((e) => shown(e) && e.scrollWidth > e.clientWidth + 1).map(brief);

  const smallText = [];
  const faintText = [];
  for (const svg of article.querySelectorAll(".drawing svg")) {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const pictures = svg.querySelector("image") !== null;
    for (const text of svg.querySelectorAll("text, tspan")) {
      const size = parseFloat(style(text).fontSize) * scale;
      if (text.textContent.trim() && size < 10.95) smallText.push(`${size.toFixed(1)} px: ${text.textContent.trim()}`);
      const ink = style(text).fill;
      const onPicture = pictures && ["rgb(0, 0, 0)", "rgb(255, 255, 255)"].includes(ink);
      if (!onPicture && contrast(ink, page) < 4.5) faintText.push(`${ink} on ${page}: ${text.textContent.trim()}`);
    }
  }

  const silentScrollers = [];
  for (const e of article.querySelectorAll(".drawing, .table-scroller, div.math mjx-container, pre, span.math.wide")) {
    if (!shown(e) || !scrolls(e) || e.scrollWidth <= e.clientWidth + 1) continue;
    if (e.tabIndex !== 0 || !e.getAttribute("aria-label") || !e.classList.contains("overflows")) silentScrollers.push(brief(e));
  }

  const stops = [...article.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
    .filter((e) => shown(e) && e.tabIndex >= 0);
  const named = (e) => e.getAttribute("aria-label") || e.textContent.trim() || e.title || e.labels?.length || e.querySelector("img[alt]");
  const vague = (e) => /toggle hidden|click to show/i.test(e.getAttribute("aria-label") || e.textContent);
  const namelessStops = stops.filter((e) => !named(e) || vague(e)).map(brief);
  const formulaStops = stops.filter((e) => e.matches("mjx-container") && !e.classList.contains("overflows")).map(brief);

  const bareTables = [...article.querySelectorAll("table")]
    .filter((t) => shown(t) && !t.closest(".docutils.field-list"))
    .filter((t) => !t.querySelector("caption")?.textContent.trim() || [...t.querySelectorAll("th")].some((h) => !h.scope) || !t.querySelector("th"))
    .map(brief);

  return { wide, cut, longCode, smallText, faintText, silentScrollers, namelessStops, formulaStops, bareTables, stops: stops.length };
}
