"use strict";

// What is wrong with an input, collected and bounded as the card does it.

/** So many are named: more help nobody, and a message may have any number. */
const MAX_NAMED = 100;

/** Of a property's name, which stands behind a dot. */
const MAX_NAME_CHARACTERS = 255;

/** A value that is refused; the rest of a sentence that starts with the field. */
class Unfit extends Error {}

/** What was thrown may be anything, even a Proxy that throws when it is asked what it is. */
function isA(type, thrown) {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}

/** The words of any other error may repeat the value. */
const reasonOf = (thrown) =>
  isA(Unfit, thrown) ? thrown.message : "cannot be read: is it what its type says?";

class Faults {
  #named = [];
  #more = 0;

  /** `part` is what follows the field's path: `.name` or `[index]`, of any length. */
  add(field, part, reason) {
    if (this.#named.length < MAX_NAMED) this.#named.push({ field: field + shown(part), reason });
    else this.#more++;
  }

  /** Each a field's path and the reason; the last one says how many more there are. */
  get list() {
    if (this.#more === 0) return this.#named;
    const reason = `have ${this.#more} more invalid fields: fix these first`;
    return [...this.#named, { field: "properties", reason }];
  }
}

/** Cut where it is too long for a property, without control characters and half ones. */
function shown(part) {
  // A character has two units at most.
  const characters = [...part.slice(0, 2 * (MAX_NAME_CHARACTERS + 2))];
  const start = characters.slice(0, MAX_NAME_CHARACTERS + 1).join("");
  const end = characters.length > MAX_NAME_CHARACTERS + 1 ? "…" : "";
  return start.toWellFormed().replace(/\p{Cc}/gu, "\ufffd") + end;
}

module.exports = { Faults, Unfit, isA, reasonOf };
