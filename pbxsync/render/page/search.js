'use strict';
// Search: leaves of the changes, calls and routes those that hold the words, and opens what they are folded into.
(() => {
  const panel = document.querySelector('.search');
  if (!panel) return;
  const field = panel.querySelector('input');
  const count = panel.querySelector('output');
  const rows = Array.from(document.querySelectorAll('[data-row]'), (row) => ({
    row,
    kind: row.dataset.row,
    text: row.textContent.replace(/\s+/g, ' ').toLowerCase(),
  }));
  const folds = Array.from(document.querySelectorAll('details'));
  let before = null;

  const NAMES = { change: ['change', 'changes'], call: ['kind of call', 'kinds of calls'], route: ['route', 'routes'] };

  const words = (left, kind) => `${left} ${NAMES[kind][left === 1 ? 0 : 1]}`;

  const unfold = (searching) => {
    if (searching && before === null) before = folds.map((fold) => fold.open);
    if (!searching && before !== null) {
      folds.forEach((fold, index) => { fold.open = before[index]; });
      before = null;
    }
    if (!searching) return;
    for (const fold of folds) {
      if (fold.querySelector('[data-row]')) fold.open = fold.querySelector('[data-row]:not([hidden])') !== null;
    }
  };

  const search = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const left = {};
    for (const { row, kind, text } of rows) {
      row.hidden = !wanted.every((word) => text.includes(word));
      left[kind] = (left[kind] || 0) + (row.hidden ? 0 : 1);
    }
    unfold(wanted.length > 0);
    const kinds = Object.keys(NAMES).filter((kind) => kind in left);
    count.textContent = wanted.length ? `Left: ${kinds.map((kind) => words(left[kind], kind)).join(', ')}.` : '';
  };

  field.addEventListener('input', search);
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      field.value = '';
      search();
    }
  });
  panel.hidden = rows.length === 0;
  document.querySelector('.unscripted').hidden = true;

  // Browsers that don't print what is folded print it if it is open.
  let printed = [];
  window.addEventListener('beforeprint', () => {
    printed = folds.filter((fold) => !fold.open);
    for (const fold of printed) fold.open = true;
  });
  window.addEventListener('afterprint', () => {
    for (const fold of printed) fold.open = false;
  });
})();
