// The words people read. The English text in the code is the key; the Chinese table (web/words.zh.json joined with the
// engine's own, pellucid/base/chinese.cpp) is handed over at start. A text that is missing there stays English.

export type Words = Readonly<Record<string, string>>;

let table: Words = {};

/** From now on `say` answers out of this table; an empty one is English. */
export function setWords(words: Words): void {
  table = words;
}

/** Further texts, as answers bring them: what the engine put together in English. */
export function addWords(words: Words): void {
  table = { ...table, ...words };
}

/** The text in the reader's language, with {0}, {1}, ... replaced by the values. */
export function say(english: string, ...values: readonly (string | number)[]): string {
  const text = Object.hasOwn(table, english) ? (table[english] ?? english) : english;
  return text.replace(/\{(\d)\}/g, (mark, digit: string) => {
    const value = values[Number(digit)];
    return value === undefined ? mark : String(value);
  });
}
