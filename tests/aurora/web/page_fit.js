// What does not fit: a function that lists, in words, all that lies outside of the window or on something else.
() => {
  const found = [];
  const box = one => one.getBoundingClientRect();
  const $ = id => document.getElementById(id);
  const kinds = 'button, input, select, p, h1, h2, h3, dt, dd, li, canvas, .her .window';
  for (const one of document.querySelectorAll(kinds)) {
    if (!one.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (one.closest('.unseen, .skip') || one.parentElement.closest('.form, .turns, .readout, .window')) continue;  // scrolls
    const { left, top, right, bottom, width } = box(one);
    if (width && (left < -0.5 || top < -0.5 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5)) {
      found.push(`${one.tagName} ${one.id || one.className} ${[left, top, right, bottom].map(Math.round)} is outside`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  const words = box($('captions').hidden ? $('message') : $('captions'));
  const below = box($('say').hidden ? $('controls') : $('say'));
  if (words.bottom > below.top + 0.5) found.push(`words end at ${words.bottom}, what is below begins at ${below.top}`);
  if (box($('pill')).bottom > words.top) found.push('the pill lies on the words');
  return found;
}
