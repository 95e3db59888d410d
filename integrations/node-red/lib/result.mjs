// What a call of the card ends with: a result of the interface, or a trap.

/** The cases of the interface's error, by what they hold. */
const ERRORS = {
  "permanent-invalid-input": Array.isArray,
  "permanent-denied": (val) => typeof val === "string",
  transport: (val) => typeof val === "string",
  "execution-failed": (val) => val === undefined,
};

/** A call of the card → its result. What is none is thrown on: the instance is not to be used again. */
export function resultOf(call) {
  try {
    return { tag: "ok", val: call() };
  } catch (thrown) {
    // jco throws the error itself or as the payload of an Error, which depends on its version.
    const error = thrown?.payload ?? thrown;
    // Anything else is thrown by what the card imports, or by the card's end: a trap.
    const isResult = Object.hasOwn(ERRORS, error?.tag) && ERRORS[error.tag](error.val);
    if (isResult) return { tag: "err", val: error };
    throw thrown;
  }
}
