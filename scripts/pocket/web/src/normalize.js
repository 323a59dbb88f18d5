/** Words as lexicons and language models write them: see speechlstm/text/normalize.py. */

const APOSTROPHES = /[`\u00b4\u02bb\u02bc\u2018\u2019\u201b\u055a\u05f3\uff07\uff40]/g;
/** @type {{[letter: string]: string}} */
const UNMARKED = {
  ß: 'ss', æ: 'ae', ð: 'd', ø: 'o', þ: 'th', đ: 'd', ħ: 'h', ı: 'i', ł: 'l', ŋ: 'ng', œ: 'oe', ŧ: 't',
}; // prettier-ignore

// Without a shape of their own, enclosing marks and kashida; not the format characters between words.
const REMOVED = /(?![\u06dd\u08e2\ufff9-\ufffb])[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Me}\u0640]/gu;
const SEPARATORS = /[^\p{L}\p{M}\p{N}']+/gu;
const ORPHAN_MARKS = /(^|[ '])\p{M}+/gu;
const DOTTED_I = /(i[\u0316-\u0319\u031b-\u0333]*)\u0307/g; // NFD: marks below come first

/**
 * Lower-case words of letters, marks, digits and inner apostrophes. Of speechlstm/text/normalize.py
 * it leaves out letters in other forms, such as full-width ones and ligatures.
 * @param {string} text
 */
export function normalized(text) {
  const plain = text.normalize('NFC').replace(APOSTROPHES, "'").replace(REMOVED, '');
  const spaced = plain.replace(SEPARATORS, ' ').replace(ORPHAN_MARKS, '$1');
  const lowered = spaced.toLowerCase().normalize('NFD').replace(DOTTED_I, '$1').normalize('NFC');
  const words = lowered.split(' ').map((word) => word.replace(/^'+|'+$/g, ''));
  return words.filter(Boolean).join(' ');
}

/**
 * Letters without their marks, and two letters for joined ones: "café" as "cafe".
 * @param {string} text
 */
export function withoutAccents(text) {
  const plain = Array.from(text.normalize('NFD'), (letter) => UNMARKED[letter] ?? letter).join('');
  return plain.replace(/\p{M}/gu, '').normalize('NFC');
}
