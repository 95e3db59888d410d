// HTTP in the I/O thread of WASI's shim, loaded there as its extension: one exchange for each
// request of the card, over connections that are kept alive.
//
// The shim has an HTTP client of its own. It takes a late answer for a connection that was not
// made, a reset for something that is not HTTP, traps on an answer that breaks off, knows no IPv6
// address, and leaves a request running whose caller is gone. So only its streams, futures and
// polls are used.

import * as http from "node:http";
import * as https from "node:https";
import { isIP } from "node:net";
import { Readable } from "node:stream";

const clients = {
  http: { request: http.request, agent: new http.Agent({ keepAlive: true }), ready: "connect" },
  https: {
    request: https.request,
    agent: new https.Agent({ keepAlive: true }),
    ready: "secureConnect",
  },
};

class Exchange {
  #body = null;
  #request = null;
  #response = null;

  /** The answer's head, or the error code of `wasi:http` that says why there is none. */
  start(options) {
    return new Promise((resolve, reject) => this.#attempt(options, resolve, reject));
  }

  /** The request's body is complete. It is kept, since it may have to be sent twice. */
  finish(body) {
    this.#body = body;
    this.#request?.end(body);
  }

  /** Nobody waits for the answer any more. A connection on which nothing is due is kept. */
  drop() {
    if (!this.#response?.readableEnded) this.#request?.destroy();
  }

  #attempt(options, resolve, reject) {
    const { scheme, method, host, port, path, headers, limits } = options;
    const client = clients[scheme];
    const request = client.request({ agent: client.agent, method, host, port, path });
    for (const [name, value] of headers) request.appendHeader(name, value);
    this.#request = request;

    let timer;
    let isOver = false;
    const limit = (milliseconds, tag) => {
      clearTimeout(timer);
      timer = setTimeout(() => fail({ tag: tag() }), milliseconds);
    };
    const over = () => {
      isOver = true;
      clearTimeout(timer);
    };
    const fail = (error) => {
      over();
      reject(error);
      request.destroy();
    };

    // 1. Connect, unless the connection is there already.
    let lookedUp = isIP(host) !== 0;
    const connected = () => {
      // 2. The request, 3. the wait for the answer's first byte.
      limit(limits.firstByte, () => "connection-write-timeout");
      const sent = () => limit(limits.firstByte, () => "HTTP-response-timeout");
      if (request.writableFinished) sent();
      else request.once("finish", sent);
    };
    limit(limits.connect, () => (lookedUp ? "connection-timeout" : "DNS-timeout"));
    request.once("socket", (socket) => {
      if (request.reusedSocket) return connected();
      socket.once("lookup", () => (lookedUp = true));
      socket.once(client.ready, connected);
    });

    // 4. The answer; its body is read through the stream.
    request.once("response", (response) => {
      over();
      this.#response = response;
      response.on("error", () => {});
      response.setTimeout(limits.betweenBytes, () =>
        response.destroy(Object.assign(new Error("no more bytes"), { code: "ETIMEDOUT" })),
      );
      resolve(response);
    });

    // Nobody asked to switch to another protocol: 101 is an answer like any other, without a body.
    request.once("upgrade", ({ statusCode, rawHeaders }, socket) => {
      over();
      socket.destroy();
      resolve(Object.assign(Readable.from([]), { statusCode, rawHeaders }));
    });

    // Whatever else ends it, nobody waits for a time limit.
    request.once("close", () => {
      if (!isOver) fail({ tag: "connection-terminated" });
    });

    request.on("error", (error) => {
      // The server may have closed a kept connection just then: that says nothing about it. The
      // action is idempotent, and a new connection will tell.
      if (request.reusedSocket && CLOSED.has(error.code) && !this.#response) {
        over();
        return this.#attempt(options, resolve, reject);
      }
      fail(errorCode(error));
    });
    if (this.#body) request.end(this.#body);
    else request.flushHeaders();
  }
}

const CLOSED = new Set(["ECONNRESET", "EPIPE"]);

/** The error code of `wasi:http` for an error of Node's. */
function errorCode({ code = "", message }) {
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_FAIL":
    case "EAI_NODATA":
      return { tag: "DNS-error", val: { rcode: code, infoCode: undefined } };
    case "ECONNREFUSED":
      return { tag: "connection-refused" };
    case "ECONNRESET":
    case "EPIPE":
      return { tag: "connection-terminated" };
    case "ETIMEDOUT":
      return { tag: "connection-timeout" };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
    case "EADDRNOTAVAIL":
      return { tag: "destination-unavailable" };
    case "EPROTO":
      return { tag: "TLS-protocol-error" };
  }
  if (code.startsWith("HPE_")) return { tag: "HTTP-protocol-error" };
  if (code.startsWith("ERR_SSL_")) return { tag: "TLS-protocol-error" };
  // OpenSSL's names of what is wrong with a certificate, and Node's for a wrong host name.
  if (/CERT|SIGNATURE|ISSUER|CRL/.test(code)) return { tag: "TLS-certificate-error" };
  return { tag: "internal-error", val: message };
}

export default function create(shim) {
  const exchanges = new Map();
  let last = 0;

  const operations = {
    send({ body, ...options }) {
      const exchange = new Exchange();
      exchanges.set(++last, exchange);
      if (body) exchange.finish(body);
      const head = exchange.start(options).then((response) => ({
        status: response.statusCode,
        headers: response.rawHeaders,
        body: shim.createReadableStream(response),
      }));
      return { exchange: last, future: shim.createFuture(head) };
    },
    finish({ exchange, body }) {
      exchanges.get(exchange)?.finish(body);
    },
    drop({ exchange }) {
      exchanges.get(exchange)?.drop();
      exchanges.delete(exchange);
    },
    counts: () => ({ ...shim.resourceCounts(), exchanges: exchanges.size }),
  };
  return (operation, args) => operations[operation](args);
}
