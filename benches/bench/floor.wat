;; The calls that src/http.rs makes of the host for a request and a success, in its order, and nothing
;; else: what is sent is written in here by floor.rs, in the places of $…. No call may fail.
(module
    (import "wasi:clocks/monotonic-clock@$version" "now" (func $now (result i64)))
    (import "wasi:clocks/monotonic-clock@$version" "subscribe-instant"
        (func $subscribe-instant (param i64) (result i32)))
    (import "wasi:io/poll@$version" "poll" (func $poll (param i32 i32 i32)))
    (import "wasi:io/poll@$version" "[resource-drop]pollable" (func $drop-pollable (param i32)))
    (import "wasi:io/streams@$version" "[method]output-stream.check-write"
        (func $check-write (param i32 i32)))
    (import "wasi:io/streams@$version" "[method]output-stream.write"
        (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/streams@$version" "[resource-drop]output-stream"
        (func $drop-output (param i32)))
    (import "wasi:io/streams@$version" "[method]input-stream.read"
        (func $read (param i32 i64 i32)))
    (import "wasi:io/streams@$version" "[method]input-stream.subscribe"
        (func $subscribe-input (param i32) (result i32)))
    (import "wasi:io/streams@$version" "[resource-drop]input-stream" (func $drop-input (param i32)))
    (import "wasi:http/types@$version" "[static]fields.from-list"
        (func $from-list (param i32 i32 i32)))
    (import "wasi:http/types@$version" "[constructor]outgoing-request"
        (func $outgoing-request (param i32) (result i32)))
    (import "wasi:http/types@$version" "[method]outgoing-request.set-method"
        (func $set-method (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@$version" "[method]outgoing-request.set-scheme"
        (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@$version" "[method]outgoing-request.set-authority"
        (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@$version" "[method]outgoing-request.set-path-with-query"
        (func $set-path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@$version" "[method]outgoing-request.body"
        (func $outgoing-body (param i32 i32)))
    (import "wasi:http/types@$version" "[method]outgoing-body.write"
        (func $outgoing-stream (param i32 i32)))
    (import "wasi:http/types@$version" "[static]outgoing-body.finish"
        (func $finish (param i32 i32 i32 i32)))
    (import "wasi:http/types@$version" "[constructor]request-options"
        (func $request-options (result i32)))
    (import "wasi:http/types@$version" "[method]request-options.set-connect-timeout"
        (func $set-connect (param i32 i32 i64) (result i32)))
    (import "wasi:http/types@$version" "[method]request-options.set-first-byte-timeout"
        (func $set-first (param i32 i32 i64) (result i32)))
    (import "wasi:http/types@$version" "[method]request-options.set-between-bytes-timeout"
        (func $set-between (param i32 i32 i64) (result i32)))
    (import "wasi:http/outgoing-handler@$version" "handle" (func $handle (param i32 i32 i32 i32)))
    (import "wasi:http/types@$version" "[method]future-incoming-response.get"
        (func $get (param i32 i32)))
    (import "wasi:http/types@$version" "[method]future-incoming-response.subscribe"
        (func $subscribe-future (param i32) (result i32)))
    (import "wasi:http/types@$version" "[resource-drop]future-incoming-response"
        (func $drop-future (param i32)))
    (import "wasi:http/types@$version" "[method]incoming-response.status"
        (func $status (param i32) (result i32)))
    (import "wasi:http/types@$version" "[method]incoming-response.consume"
        (func $consume (param i32 i32)))
    (import "wasi:http/types@$version" "[resource-drop]incoming-response"
        (func $drop-response (param i32)))
    (import "wasi:http/types@$version" "[method]incoming-body.stream"
        (func $incoming-stream (param i32 i32)))
    (import "wasi:http/types@$version" "[resource-drop]incoming-body"
        (func $drop-incoming (param i32)))

    (memory (export "memory") 1)
    ;; What the host returns through memory stands at 16. The results of the two functions:
    ;; `ok`, a status code and no reason at 80; `ok` and a list at 112. Two pollables are at 128, and
    ;; which of them are ready at 136.
    (data (i32.const 160) "$fields")
    (data (i32.const 256) "$texts")
    (global $next (mut i32) (i32.const 4096))
    (global $deadline (mut i64) (i64.const 0))
    (global $timer (mut i32) (i32.const 0))

    (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and
            (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get 2))))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (if (i32.gt_u (global.get $next) (i32.shl (memory.size) (i32.const 16)))
            (then (drop (memory.grow (i32.add
                (i32.shr_u (local.get 3) (i32.const 16))
                (i32.const 16))))))
        local.get $at)

    ;; What was returned at 16 is a success.
    (func $succeeded
        (if (i32.load8_u (i32.const 16)) (then unreachable)))

    (func $wait (param $ready i32)
        (if (i32.eqz (global.get $timer))
            (then (global.set $timer (call $subscribe-instant (global.get $deadline)))))
        (i32.store (i32.const 128) (local.get $ready))
        (i32.store (i32.const 132) (global.get $timer))
        (call $poll (i32.const 128) (i32.const 2) (i32.const 136))
        (call $drop-pollable (local.get $ready)))

    (func $exchange (param $authority i32) (param $length i32) (result i32)
        (local $request i32) (local $body i32) (local $options i32) (local $future i32)
        (local $stream i32) (local $response i32) (local $status i32)
        (global.set $deadline (i64.add (call $now) (i64.const 70000000000)))

        (call $from-list (i32.const 160) (i32.const 3) (i32.const 16))
        (call $succeeded)
        (local.set $request (call $outgoing-request (i32.load (i32.const 20))))
        (drop (call $set-method (local.get $request) (i32.const 2) (i32.const 0) (i32.const 0)))
        (drop (call $set-scheme
            (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $set-authority
            (local.get $request) (i32.const 1) (local.get $authority) (local.get $length)))
        (drop (call $set-path
            (local.get $request) (i32.const 1) (i32.const $path) (i32.const $path-length)))
        (call $outgoing-body (local.get $request) (i32.const 16))
        (call $succeeded)
        (local.set $body (i32.load (i32.const 20)))

        (local.set $options (call $request-options))
        (drop (call $set-connect
            (local.get $options) (i32.const 1) (i64.const 10000000000)))
        (drop (call $set-first (local.get $options) (i32.const 1) (i64.const 30000000000)))
        (drop (call $set-between (local.get $options) (i32.const 1) (i64.const 30000000000)))
        (call $handle (local.get $request) (i32.const 1) (local.get $options) (i32.const 16))
        (call $succeeded)
        (local.set $future (i32.load (i32.const 24)))

        (call $outgoing-stream (local.get $body) (i32.const 16))
        (call $succeeded)
        (local.set $stream (i32.load (i32.const 20)))
        (call $check-write (local.get $stream) (i32.const 16))
        (call $succeeded)
        (if (i64.lt_u (i64.load (i32.const 24)) (i64.const $body-length)) (then unreachable))
        (call $write
            (local.get $stream) (i32.const $body) (i32.const $body-length) (i32.const 16))
        (call $succeeded)
        (call $drop-output (local.get $stream))
        (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 16))
        (call $succeeded)

        (block $answered (loop $again
            (call $wait (call $subscribe-future (local.get $future)))
            (call $get (local.get $future) (i32.const 16))
            (br_if $answered (i32.load8_u (i32.const 16)))
            (br $again)))
        ;; A result in a result.
        (if (i32.or (i32.load8_u (i32.const 24)) (i32.load8_u (i32.const 32)))
            (then unreachable))
        (local.set $response (i32.load (i32.const 40)))
        (local.set $status (call $status (local.get $response)))
        (call $consume (local.get $response) (i32.const 16))
        (call $succeeded)
        (local.set $body (i32.load (i32.const 20)))
        (call $incoming-stream (local.get $body) (i32.const 16))
        (call $succeeded)
        (local.set $stream (i32.load (i32.const 20)))
        (block $ended (loop $again
            (call $read (local.get $stream) (i64.const 65537) (i32.const 16))
            (br_if $ended (i32.load8_u (i32.const 16)))
            (br_if $again (i32.load (i32.const 24)))
            (call $wait (call $subscribe-input (local.get $stream)))
            (br $again)))
        ;; It was closed, not broken off.
        (if (i32.ne (i32.load8_u (i32.const 20)) (i32.const 1)) (then unreachable))
        (call $drop-input (local.get $stream))
        (call $drop-incoming (local.get $body))
        (call $drop-response (local.get $response))
        (call $drop-future (local.get $future))
        (if (global.get $timer) (then (call $drop-pollable (global.get $timer))))
        local.get $status)

    ;; The place of the arguments: the base URL, http://…, is at 16 and 20.
    (func (export "mixpanel:cards/profiles@0.1.0#create-profile") (param i32) (result i32)
        (i32.store16 (i32.const 84) (call $exchange
            (i32.add (i32.load (i32.add (local.get 0) (i32.const 16))) (i32.const 7))
            (i32.sub (i32.load (i32.add (local.get 0) (i32.const 20))) (i32.const 7))))
        i32.const 80)

    ;; Nothing is sent; each outcome is `ok`, 200 and no reason.
    (func (export "mixpanel:cards/profiles@0.1.0#create-profiles")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (param $inputs i32) (result i32)
        (local $at i32) (local $end i32)
        (local.set $at (call $realloc
            (i32.const 0) (i32.const 0) (i32.const 4)
            (i32.mul (local.get $inputs) (i32.const 20))))
        (local.set $end (i32.add
            (local.get $at)
            (i32.mul (local.get $inputs) (i32.const 20))))
        (i32.store (i32.const 116) (local.get $at))
        (i32.store (i32.const 120) (local.get $inputs))
        (block $done (loop $again
            (br_if $done (i32.eq (local.get $at) (local.get $end)))
            (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 200))
            (local.set $at (i32.add (local.get $at) (i32.const 20)))
            (br $again)))
        i32.const 112)
)
