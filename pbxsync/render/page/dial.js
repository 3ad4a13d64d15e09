'use strict';
// Dial a number: follows it through the routes before and after the plan, as the PBX would.
(() => {
  const SOME = 1;
  const ENDS = 3;
  const NO_CALL = { index: null };

  // Python and Asterisk count characters; so does this, and not UTF-16 units.
  const compared = (text, longest) => Array.from(text).slice(0, longest).filter((sign) => sign !== '-');

  const within = (place, code) => {
    for (let at = 0; at < place.length; at += 2) {
      if (place[at] <= code && code <= place[at + 1]) return true;
    }
    return false;
  };

  const takes = (data, start, signs) => {
    if (start < 0) return false;
    let node = start;
    let at = 0;
    while (node >= ENDS) {
      const [place, next] = data.nodes[node];
      if (at === signs.length || !within(data.places[place], signs[at].codePointAt(0))) return false;
      node = next;
      at += 1;
    }
    const left = signs.length - at;
    return node === 0 ? left === 0 : node === SOME ? left > 0 : true;
  };

  const decide = (data, table, number, caller) => {
    const signs = compared(number, data.longest);
    const id = compared(caller, data.longest);
    const refused = [];
    for (let index = 0; index < table.length; index += 1) {
      const [start, callers, strip, prepend, name, trunks] = data.routes[table[index]];
      if (!takes(data, start, signs)) continue;
      if (callers === null || (caller !== '' && takes(data, callers, id))) {
        const rest = Array.from(number).slice(0, data.longest).slice(strip).join('');
        return { index, name, trunks, sends: prepend + rest, refused };
      }
      refused.push(name);
    }
    return { index: null, refused };
  };

  // What can't be seen, or turns text around, is shown as its code.
  const shown = (text) => text.replace(/(?! )[\p{C}\p{Z}]/gu, (sign) => {
    const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[sign];
    const code = sign.codePointAt(0);
    const digits = code <= 0xff ? 2 : code <= 0xffff ? 4 : 8;
    return known || `\\${{ 2: 'x', 4: 'u', 8: 'U' }[digits]}${code.toString(16).padStart(digits, '0')}`;
  });

  const element = (tag, className, ...children) => {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...children);
    return made;
  };

  const fact = (term, className, ...children) =>
    element('div', 'fact', element('dt', '', term), element('dd', className, ...children));

  const answer = (title, found) => {
    const facts = element('dl', 'facts');
    if (found.index === null) {
      facts.append(fact('Route', 'route none', 'none: the call is not routed'));
    } else {
      const place = element('span', 'faint', ` (place ${found.index + 1})`);
      const ways = found.trunks.map((trunk) => element('li', '', trunk || '(no name)'));
      facts.append(
        fact('Route', 'route', element('b', '', found.name || '(no name)'), place),
        fact('Sends', 'sends', found.sends ? element('code', '', shown(found.sends)) : 'nothing'),
        fact('Trunks', 'trunks', ways.length ? element('ol', 'plain', ...ways) : 'no trunk'),
      );
    }
    if (found.refused.length) {
      const more = found.refused.length > 5 ? `, and ${found.refused.length - 5} more` : '';
      facts.append(fact('Passed over', 'refused', `${found.refused.slice(0, 5).join(', ')}${more}: not for this caller`));
    }
    return element('div', 'answer', element('h4', '', title), facts);
  };

  const verdict = (before, after) => {
    const same = before.sends === after.sends && JSON.stringify(before.trunks) === JSON.stringify(after.trunks);
    if (!same) return ['changed', '≠ This call changes.'];
    if (before.name !== after.name) return ['same', '= Another route, but the same digits to the same trunks.'];
    return ['same', after.index === null ? '= Not routed before, nor after.' : '= The same before and after.'];
  };

  // What explain notes of a call: signs that nobody dials, such as a space that came along with a pasted number.
  const odd = (what, text) => {
    const signs = [...new Set(text)].filter((sign) => !/[0-9*#+-]/.test(sign));
    const more = signs.length > 5 ? ', …' : '';
    const some = signs.slice(0, 5).map((sign) => `"${shown(sign)}"`).join(', ');
    return signs.length ? [`The ${what} holds ${some}${more}, and numbers are made of 0-9, *, # and +.`] : [];
  };

  const notes = (data, number, caller, before, after) => {
    const found = [...odd('number', number), ...odd('caller id', caller)];
    if (Array.from(number).length > data.longest) {
      found.push(`The PBX compares the first ${data.longest} characters alone.`);
    }
    if (Math.max(before.index, after.index) >= data.reached) {
      found.push(`A PBX gives up behind some ${data.reached} routes, so it may never reach one so far down.`);
    }
    return found;
  };

  const mark = (section, before, after) => {
    for (const row of section.querySelectorAll('.dialled')) row.classList.remove('dialled');
    const chosen = [];
    if (before.index !== null) chosen.push(`[data-was="${before.index + 1}"]`);
    if (after.index !== null) chosen.push(`[data-now="${after.index + 1}"]`);
    if (chosen.length) {
      for (const row of section.querySelectorAll(chosen.join())) row.classList.add('dialled');
    }
  };

  const follow = (section, data) => {
    const panel = section.querySelector('.dial');
    const [number, caller] = panel.querySelectorAll('input');
    const output = panel.querySelector('output');
    const show = () => {
      output.replaceChildren();
      if (number.value === '') {
        mark(section, NO_CALL, NO_CALL);
        return;
      }
      const before = decide(data, data.before, number.value, caller.value);
      const after = decide(data, data.after, number.value, caller.value);
      const [state, words] = verdict(before, after);
      output.append(element('p', `verdict ${state}`, words));
      for (const note of notes(data, number.value, caller.value, before, after)) {
        output.append(element('p', 'noted', note));
      }
      output.append(element('div', 'answers', answer('Before', before), answer('After', after)));
      mark(section, before, after);
    };
    number.addEventListener('input', show);
    caller.addEventListener('input', show);
    for (const button of section.querySelectorAll('button[data-dial]')) {
      button.hidden = false;
      button.addEventListener('click', () => {
        number.value = button.dataset.dial;
        caller.value = button.dataset.caller;
        show();
        number.focus();
      });
    }
    panel.hidden = false;
  };

  for (const section of document.querySelectorAll('section.pbx')) {
    follow(section, JSON.parse(section.querySelector('script.routes').textContent));
  }
})();
