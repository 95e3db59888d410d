// `wasi:http` as the card sees it: the thread's side of `io.mjs`.

import { isUtf8 } from "node:buffer";

import { monotonicClock } from "@bytecodealliance/preview2-shim/clocks";
import { types } from "@bytecodealliance/preview2-shim/http";
import { error, streams } from "@bytecodealliance/preview2-shim/io";
import {
  callExtension,
  futureDispose,
  futureSubscribe,
  futureTakeValue,
  inputStreamCreate,
} from "@bytecodealliance/preview2-shim/io-worker";

const dispose = Symbol.dispose ?? Symbol.for("dispose");
const { Fields, RequestOptions } = types;

const io = (operation, args) =>
  callExtension(new URL("./io.mjs", import.meta.url), operation, args);

/** How many resources the I/O thread holds. */
export const counts = () => io("counts");

/** The card sends 2 MB at most; what is more is a fault in it. */
const MAX_REQUEST_BYTES = 2 * 1024 * 1024;

/**
 * Where the card writes a request's body, the only thing that it writes. It is kept in this thread
 * until it is complete: each call of the I/O thread costs as much as all of the card's own work.
 */
class OutputStream {
  #chunks = [];
  #length = 0;

  checkWrite() {
    if (this.#length >= MAX_REQUEST_BYTES) {
      throw { tag: "last-operation-failed", val: new error.Error("the request is too long") };
    }
    return BigInt(MAX_REQUEST_BYTES - this.#length);
  }

  write(bytes) {
    this.checkWrite();
    this.#chunks.push(bytes.slice());
    this.#length += bytes.byteLength;
  }

  flush() {}

  subscribe() {
    return monotonicClock.subscribeDuration(0n);
  }

  static bytes(stream) {
    // With memory of its own: of a part of a larger one, all would be copied between threads.
    return new Uint8Array(Buffer.concat(stream.#chunks));
  }
}
const bytesOf = OutputStream.bytes;
delete OutputStream.bytes;

class OutgoingBody {
  #stream = new OutputStream();
  #written = false;
  #complete = false;
  #exchange = null;

  write() {
    // Once only, as the interface says.
    if (this.#written) throw undefined;
    this.#written = true;
    return this.#stream;
  }

  static finish(body, trailers) {
    if (trailers) throw { tag: "internal-error", val: "trailers are not supported" };
    body.#complete = true;
    if (body.#exchange) {
      io("finish", { exchange: body.#exchange, body: bytesOf(body.#stream) });
    }
  }

  [dispose]() {
    // A request whose body is never finished must not wait for it.
    if (!this.#complete && this.#exchange) io("drop", { exchange: this.#exchange });
  }

  /** Sends the request that this is the body of, with as much of it as is complete. */
  static send(body, request) {
    const complete = body.#complete ? bytesOf(body.#stream) : undefined;
    const { exchange, future } = io("send", { ...request, body: complete });
    body.#exchange = exchange;
    return new FutureIncomingResponse(future, exchange);
  }
}
const sendWith = OutgoingBody.send;
delete OutgoingBody.send;

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

  static handle(request, options, isAllowed) {
    const scheme = request.#scheme?.tag === "HTTP" ? "http" : "https";
    const url = new URL(`${scheme}://${request.#authority}`);
    if (!isAllowed(url.origin)) throw { tag: "HTTP-request-denied" };
    // A body that nobody asked for is empty.
    if (!request.#body) OutgoingBody.finish(request.body());
    const decoder = new TextDecoder();
    const milliseconds = (nanoseconds) => Number((nanoseconds ?? 600_000_000_000n) / 1_000_000n);
    return sendWith(request.#body, {
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
    this.#status = status;
    this.#headers = fieldsOf(headers);
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

/** The headers of a response, which Node gives as names and values in turn. */
function fieldsOf(headers) {
  const fields = new Fields();
  for (let i = 0; i < headers.length; i += 2) {
    try {
      fields.append(headers[i], headerValue(headers[i + 1]));
    } catch {
      // `Fields` takes none that concerns the connection only; the card reads none of those.
    }
  }
  return fields;
}

/**
 * The bytes of a header's value, which Node gives as a character each. The card reads UTF-8: what is
 * something else is Latin-1. What `Fields` takes in no form, such as an emoji, is a question mark.
 */
function headerValue(value) {
  const bytes = Buffer.from(value, "latin1");
  const text = isUtf8(bytes) ? bytes.toString() : value;
  return Buffer.from(text.replace(/[^\t\x20-\x7e\x80-\xff]/gu, "?"));
}

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

/** The imports that concern HTTP; `isAllowed` says of an origin whether it may be called. */
export const http = (isAllowed) => ({
  "wasi:io/streams": { InputStream: streams.InputStream, OutputStream },
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
    handle: (request, options) => handle(request, options, isAllowed),
  },
});
