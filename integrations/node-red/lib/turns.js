"use strict";

// Messages whose fields are being read, which may take a while: an expression, a store of contexts.
// They go on in their order, and only so many wait for that.

const { DEFAULTS, PoolError, full } = require("./pool.js");

class Turns {
  #before = Promise.resolve();
  #count = 0;
  #bytes = 0;

  /**
   * What `read` gives, once all that came before has been read, too.
   *
   * @throws {PoolError} where too much is being read already
   */
  async next(bytes, read) {
    // Where nothing waits, one may, however large it is.
    if (this.#count > 0) {
      if (this.#count >= DEFAULTS.maxWaiting) throw new PoolError(full(this.#count));
      if (this.#bytes + bytes > DEFAULTS.maxWaitingBytes) {
        throw new PoolError(full(this.#count, this.#bytes));
      }
    }
    this.#count++;
    this.#bytes += bytes;
    const reading = read();
    const turn = this.#before.then(() => reading);
    this.#before = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#count--;
      this.#bytes -= bytes;
    }
  }
}

module.exports = { Turns };
