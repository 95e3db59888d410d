// `wasi:http` as the card sees it: the thread's side of `io.mjs`.

import { types } from "@bytecodealliance/preview2-shim/http";
import {
  callExtension,
  futureDispose,
  futureSubscribe,
  futureTakeValue,
  inputStreamCreate,
  outputStreamCreate,
} from "@bytecodealliance/preview2-shim/io-worker";

const dispose = Symbol.dispose ?? Symbol.for("dispose");
const { Fields, RequestOptions } = types;

const io = (operation, args) =>
  callExtension(new URL("./io.mjs", import.meta.url), operation, args);

/** How many resources the I/O thread holds. */
export const counts = () => io("counts");

class OutgoingBody {
  #exchange;
  #length;
  #stream;
  #finished = false;

  constructor(length) {
    const { exchange, body } = io("open");
    this.#exchange = exchange;
    this.#length = length;
    this.#stream = outputStreamCreate(body);
  }

  write() {
    // Once only, as the interface says.
    if (!this.#stream) throw undefined;
    const stream = this.#stream;
    this.#stream = null;
    return stream;
  }

  static finish(body, trailers) {
    if (trailers) throw { tag: "internal-error", val: "trailers are not supported" };
    body.#finished = true;
    io("finish", { exchange: body.#exchange });
  }

  [dispose]() {
    // A request whose body is never finished must not wait for it.
    if (!this.#finished) io("drop", { exchange: this.#exchange });
  }

  static exchange(body) {
    return body.#exchange;
  }
}
const exchangeOf = OutgoingBody.exchange;
delete OutgoingBody.exchange;

class OutgoingRequest {
  #headers;
  #body = null;
  #method = { tag: "get" };
  #scheme = undefined;
  #authority = undefined;
  #pathWithQuery = undefined;

  constructor(headers) {
    this.#headers = headers;
  }

  body() {
    if (this.#body) throw undefined;
    this.#body = new OutgoingBody();
    return this.#body;
  }

  method() {
    return this.#method;
  }

  setMethod(method) {
    this.#method = method;
  }

  scheme() {
    return this.#scheme;
  }

  setScheme(scheme) {
    this.#scheme = scheme;
  }

  authority() {
    return this.#authority;
  }

  setAuthority(authority) {
    if (authority !== undefined && !URL.canParse(`http://${authority}`)) throw undefined;
    this.#authority = authority;
  }

  pathWithQuery() {
    return this.#pathWithQuery;
  }

  setPathWithQuery(pathWithQuery) {
    // What Node refuses in a path it refuses with an exception, which would be a trap.
    if (pathWithQuery !== undefined && !/^[\x21-\x7e]+$/.test(pathWithQuery)) throw undefined;
    this.#pathWithQuery = pathWithQuery;
  }

  headers() {
    return this.#headers;
  }

  static handle(request, options, allowedOrigins) {
    const scheme = request.#scheme?.tag === "HTTP" ? "http" : "https";
    const url = new URL(`${scheme}://${request.#authority}`);
    if (allowedOrigins && !allowedOrigins.includes(url.origin)) {
      throw { tag: "HTTP-request-denied" };
    }
    const body = request.#body ?? request.body();
    const decoder = new TextDecoder();
    const milliseconds = (nanoseconds) => Number((nanoseconds ?? 600_000_000_000n) / 1_000_000n);
    const future = io("send", {
      exchange: exchangeOf(body),
      scheme,
      method: (request.#method.val ?? request.#method.tag).toUpperCase(),
      // Node wants an IPv6 address without its brackets.
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port || undefined,
      path: request.#pathWithQuery ?? "/",
      headers: request.#headers.entries().map(([name, value]) => [name, decoder.decode(value)]),
      limits: {
        connect: milliseconds(options?.connectTimeout()),
        firstByte: milliseconds(options?.firstByteTimeout()),
        betweenBytes: milliseconds(options?.betweenBytesTimeout()),
      },
    });
    return new FutureIncomingResponse(future, exchangeOf(body));
  }
}
const handle = OutgoingRequest.handle;
delete OutgoingRequest.handle;

class FutureIncomingResponse {
  #future;
  #exchange;
  #taken = false;

  constructor(future, exchange) {
    this.#future = future;
    this.#exchange = exchange;
  }

  subscribe() {
    return futureSubscribe(this.#future, this);
  }

  get() {
    const result = futureTakeValue(this.#future);
    if (result?.val?.tag === "ok") {
      this.#taken = true;
      result.val.val = new IncomingResponse(result.val.val, this.#exchange);
    }
    return result;
  }

  [dispose]() {
    futureDispose(this.#future);
    if (!this.#taken) io("drop", { exchange: this.#exchange });
  }
}

class IncomingResponse {
  #status;
  #headers;
  #body;

  constructor({ status, headers, body }, exchange) {
    const pairs = [];
    for (let i = 0; i < headers.length; i += 2) {
      pairs.push([headers[i], Buffer.from(headers[i + 1], "latin1")]);
    }
    this.#status = status;
    this.#headers = Fields.fromList(pairs.filter(([name]) => !HOP_BY_HOP.test(name)));
    this.#body = new IncomingBody(body, exchange);
  }

  status() {
    return this.#status;
  }

  headers() {
    return this.#headers;
  }

  consume() {
    if (!this.#body) throw undefined;
    const body = this.#body;
    this.#body = null;
    return body;
  }

  [dispose]() {
    this.#body?.[dispose]();
  }
}

/** `Fields` takes none of these, and they concern the connection only. */
const HOP_BY_HOP = /^(connection|keep-alive|host)$/i;

class IncomingBody {
  #stream;
  #exchange;

  constructor(stream, exchange) {
    this.#stream = inputStreamCreate(stream);
    this.#exchange = exchange;
  }

  stream() {
    if (!this.#stream) throw undefined;
    const stream = this.#stream;
    this.#stream = null;
    return stream;
  }

  [dispose]() {
    this.#stream?.[dispose]();
    io("drop", { exchange: this.#exchange });
  }
}

/** Of an error that a body's stream reports: the answer had begun. */
function httpErrorCode(error) {
  switch (error.payload?.code) {
    case "ECONNRESET":
    case "EPIPE":
      return { tag: "HTTP-response-incomplete" };
    case "ETIMEDOUT":
      return { tag: "connection-read-timeout" };
    default:
      return { tag: "internal-error", val: error.payload?.message };
  }
}

/** The two imports; `allowedOrigins`, where there are any, are the only ones that are called. */
export const http = (allowedOrigins) => ({
  "wasi:http/types": {
    Fields,
    FutureIncomingResponse,
    IncomingBody,
    IncomingResponse,
    OutgoingBody,
    OutgoingRequest,
    RequestOptions,
    httpErrorCode,
  },
  "wasi:http/outgoing-handler": {
    handle: (request, options) => handle(request, options, allowedOrigins),
  },
});
