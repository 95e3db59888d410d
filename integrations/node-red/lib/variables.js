"use strict";

// Node-RED puts an environment variable's value in the place of `${NAME}`, the older `$(NAME)` too,
// and leaves the text as it is where there is no such variable.

const VARIABLE = /^\$(?:\{(\S+)\}|\((\S+)\))$/;

/** The name of the variable that a property refers to, if it does. */
function variableIn(value) {
  const [, braces, parentheses] = (typeof value === "string" && VARIABLE.exec(value.trim())) || [];
  return braces ?? parentheses;
}

module.exports = { variableIn };
