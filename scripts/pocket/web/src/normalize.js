/** Words as lexicons and language models write them: see speechlstm/text/normalize.py. */

const APOSTROPHES = /[`\u00b4\u02bb\u02bc\u2018\u2019\u201b\u055a\u05f3\uff07\uff40]/g;
/** @type {{[letter: string]: string}} */
const UNMARKED = {
  ß: 'ss', æ: 'ae', ð: 'd', ø: 'o', þ: 'th', đ: 'd', ħ: 'h', ı: 'i', ł: 'l', ŋ: 'ng', œ: 'oe', ŧ: 't',
}; // prettier-ignore

/**
 * Lower-case words of letters, marks, digits and inner apostrophes. Of speechlstm/text/normalize.py
 * it leaves out letters in other forms, such as full-width ones and ligatures.
 * @param {string} text
 */
export function normalized(text) {
  const plain = text.normalize('NFC').replace(APOSTROPHES, "'").replace(/\p{Cf}/gu, '');
  const words = plain.toLowerCase().replace(/[^\p{L}\p{M}\p{N}']+/gu, ' ').split(' ');
  return words.map((word) => word.replace(/^'+|'+$/g, '')).filter(Boolean).join(' ');
}

/**
 * Letters without their marks, and two letters for joined ones: "café" as "cafe".
 * @param {string} text
 */
export function withoutAccents(text) {
  const plain = Array.from(text.normalize('NFD'), (letter) => UNMARKED[letter] ?? letter).join('');
  return plain.replace(/\p{M}/gu, '').normalize('NFC');
}
