"use strict";

// Node-RED puts an environment variable's value in the place of `${NAME}`, the older `$(NAME)` too,
// and leaves the text as it is where there is no such variable.

const VARIABLE = /^\$(?:\{(\S+)\}|\((\S+)\))$/;

/** The name of the variable that a property refers to, if it does. */
function variableIn(value) {
  const [, braces, parentheses] = (typeof value === "string" && VARIABLE.exec(value.trim())) || [];
  return braces ?? parentheses;
}

/** The names of the variables that a value of the type `env` needs: its own, or those of `x-${NAME}`. */
function variablesOf(value) {
  const parts = [...value.matchAll(/\$\{([^}]+)\}/g)].map(([, name]) => name);
  return parts.length > 0 ? parts : [value];
}

/** What is wrong with a field. Where Node-RED has put a value in the place of a name, it is not told. */
function isNotSet(name) {
  const isName = /^[\w.$-]{1,255}$/.test(name);
  return `is the environment variable ${isName ? `${name}, ` : ""}which is not set`;
}

module.exports = { isNotSet, variableIn, variablesOf };
