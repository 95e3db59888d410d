//! Components that mean harm: each is stopped by a limit, the next call works, and the process stays
//! small.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use host_harness::card::{CallError, Card};
use host_harness::engine::{Engine, Limits, Workload};
use host_harness::outbound::{Options, Outbound};
use host_harness::records::{Connection, Input, Outcome};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Of the whole process at its largest, tests that run at the same time included.
const MAX_RESIDENT_BYTES: u64 = 256 << 20;

/// More than any of them needs to be stopped by another limit.
const LONG: Duration = Duration::from_secs(60);
/// For those that only the deadline stops.
const SHORT: Duration = Duration::from_millis(500);

/// The card's world, with a resource of the component's own.
const WORLD: &str = "
    package test:hostile;
    interface things { resource thing; }
    world hostile {
        include mixpanel:cards/create-profile-card@0.1.0;
        export things;
    }";

/// What they share: the host's functions, a request to `$authority`, and a `create-profiles` that
/// does nothing. `$attack` is what `create-profile` calls, and returns where its result is; from 4096
/// on, memory is free.
const MODULE: &str = r#"
(module
    (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $wait (param i64) (result i32)))
    (import "wasi:io/poll@0.2.12" "poll" (func $poll (param i32 i32 i32)))
    (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.12" "[resource-drop]pollable" (func $drop-pollable (param i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.check-write" (func $check-write (param i32 i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-flush" (func $flush (param i32 i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))
    (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop-stream (param i32)))
    (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.12" "[constructor]outgoing-request" (func $new-request (param i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-method" (func $set-method (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-path-with-query" (func $set-path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.body" (func $body (param i32 i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-body.write" (func $stream (param i32 i32)))
    (import "wasi:http/types@0.2.12" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.12" "[resource-drop]outgoing-body" (func $drop-body (param i32)))
    (import "wasi:http/types@0.2.12" "[resource-drop]future-incoming-response" (func $drop-response (param i32)))
    (import "wasi:http/outgoing-handler@0.2.12" "handle" (func $handle (param i32 i32 i32 i32)))
    (import "[export]test:hostile/things" "[resource-new]thing" (func $thing (param i32) (result i32)))

    (memory (export "memory") 1)
    (table $table 1 funcref)
    (data (i32.const 1000) "/")
    (data (i32.const 1024) "$authority")
    (global $next (mut i32) (i32.const 2048))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get 3))))

    (func $request (result i32) (local $request i32)
        (local.set $request (call $new-request (call $fields)))
        (drop (call $set-scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $set-authority (local.get $request) (i32.const 1) (i32.const 1024) (i32.const $length)))
        (drop (call $set-path (local.get $request) (i32.const 1) (i32.const 1000) (i32.const 1)))
        (local.get $request))
    (func $body-of (param $request i32) (result i32)
        (call $body (local.get $request) (i32.const 0))
        (i32.load (i32.const 4)))
    (func $stream-of (param $body i32) (result i32)
        (call $stream (local.get $body) (i32.const 0))
        (i32.load (i32.const 4)))
    (func $send (param $request i32) (result i32)
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 0))
        (i32.load (i32.const 8)))
    (func $sleep (local $wait i32)
        (local.set $wait (call $wait (i64.const 1000000)))
        (call $block (local.get $wait))
        (call $drop-pollable (local.get $wait)))
    (func $fill (param $stream i32)
        (loop $again
            (call $check-write (local.get $stream) (i32.const 0))
            (br_if 1 (i32.load8_u (i32.const 0)))
            (br_if 1 (i64.eqz (i64.load (i32.const 8))))
            (call $write (local.get $stream) (i32.const 0) (i32.wrap_i64 (i64.load (i32.const 8))) (i32.const 0))
            (br_if $again (i32.eqz (i32.load8_u (i32.const 0))))))

    (func (export "mixpanel:cards/profiles@0.1.0#create-profile") (param i32) (result i32)
        (call $attack))
    (func (export "mixpanel:cards/profiles@0.1.0#create-profiles")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 512))
    (func (export "mixpanel:cards/connections@0.1.0#check-connection")
        (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 512))
    $attack)"#;

/// A server that takes connections and all that they bring, and never responds.
struct Server {
    authority: String,
    port: u16,
    most: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        let most = Arc::<AtomicUsize>::default();
        let at_most = Arc::clone(&most);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                at_most.fetch_max(open_connections(address.port()), Ordering::SeqCst);
                thread::spawn(move || drain(connection));
            }
        });
        Server {
            authority: address.to_string(),
            port: address.port(),
            most,
        }
    }
}

fn drain(mut connection: TcpStream) {
    let mut bytes = vec![0; 64 << 10];
    while connection.read(&mut bytes).is_ok_and(|read| read > 0) {}
}

/// Connections to this port that its client has open, as Linux lists them.
fn open_connections(port: u16) -> usize {
    let remote = format!(":{port:04X}");
    let list = std::fs::read_to_string("/proc/self/net/tcp").expect("the connections");
    list.lines()
        .filter(|line| {
            let mut columns = line.split_whitespace().skip(2);
            let established = |state| state == "01";
            columns
                .next()
                .is_some_and(|address| address.ends_with(&remote))
                && columns.next().is_some_and(established)
        })
        .count()
}

fn component(attack: &str, authority: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit"))
        .expect("the card's WIT");
    let package = resolve.push_str("hostile.wit", WORLD).expect("WIT");
    let world = resolve
        .select_world(&[package], Some("hostile"))
        .expect("the world");
    let text = MODULE
        .replace("$authority\"", &format!("{authority}\""))
        .replace("$length", &authority.len().to_string())
        .replace("    $attack)", &format!("{attack})"));
    let mut module = wat::parse_str(text).expect("WAT");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .expect("a component")
}

/// What stops this attack, whatever the engine is set up for.
fn attack(text: &str, deadline: Duration, server: &Server) -> Result<Outcome, CallError> {
    let limits = |workload| Limits {
        deadline,
        // What the attack does not give back, the next call would wait for.
        concurrency: 1,
        workload,
        ..Limits::default()
    };
    let in_lists = attack_under(limits(Workload::Lists), text, server);
    let in_calls = attack_under(limits(Workload::Calls), text, server);
    assert_eq!(format!("{in_lists:?}"), format!("{in_calls:?}"));
    in_calls
}

/// What stops this attack, which the next call does not feel.
fn attack_under(limits: Limits, text: &str, server: &Server) -> Result<Outcome, CallError> {
    let engine = Engine::new(limits, None).expect("an engine");
    let origin = format!("http://{}", server.authority);
    let options = Options {
        allow: [origin.parse().expect("an origin")].into(),
        ..Options::default()
    };
    let outbound = Outbound::new(options).expect("outbound HTTP");
    let component = component(text, &server.authority);
    let card = Card::new(&engine, &component, outbound).expect("a component like the card");

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let connection = Connection::default();
    let stopped = runtime.block_on(card.create_profile(&connection, &Input::default()));
    let next = runtime.block_on(card.create_profiles(&connection, &[]));
    assert_eq!(next.expect("the next call").expect("no error"), []);

    // Sockets are closed with the call, those that the pool keeps included: none was of use.
    while open_connections(server.port) > 0 {
        thread::yield_now();
    }
    let most = server.most.load(Ordering::SeqCst);
    // Those that are given up are closed a moment later.
    assert!(most <= 2 * limits.requests, "{most} connections at once");
    let resident = resident_bytes();
    println!("{resident} bytes of resident memory, {most} connections, {stopped:?}");
    assert!(resident < MAX_RESIDENT_BYTES, "{resident} bytes");
    stopped
}

/// The most that this process has had in memory.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("what Linux knows");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("the peak");
    let kibibytes = line.trim().trim_end_matches(" kB");
    kibibytes.parse::<u64>().expect("a number") << 10
}

fn deadline(text: &str) {
    let stopped = attack(text, SHORT, &Server::start());
    assert!(
        matches!(stopped, Err(CallError::Deadline(_))),
        "{stopped:?}"
    );
}

fn handles(text: &str) {
    let server = Server::start();
    let stopped = attack(text, LONG, &server);
    assert!(matches!(stopped, Err(CallError::Handles(_))), "{stopped:?}");
    // It gives up none of them, and gets no more.
    let most = server.most.load(Ordering::SeqCst);
    assert!(most <= Limits::default().requests, "{most} connections");
}

fn trap(text: &str, words: &str) {
    let stopped = attack(text, LONG, &Server::start());
    match &stopped {
        Err(error @ CallError::Trap(_)) => {
            let said = error.to_string();
            assert!(said.contains(words), "{said}");
        }
        _ => panic!("{stopped:?}"),
    }
}

#[test]
fn allocates() {
    let stopped = attack(
        "(func $attack (result i32)
            (loop $again (drop (memory.grow (i32.const 16))) (br $again)) unreachable)",
        LONG,
        &Server::start(),
    );
    assert!(matches!(stopped, Err(CallError::Memory(_))), "{stopped:?}");
}

#[test]
fn grows_tables() {
    deadline(
        "(func $attack (result i32)
            (loop $again (drop (table.grow $table (ref.null func) (i32.const 100))) (br $again))
            unreachable)",
    );
}

#[test]
fn loops() {
    deadline("(func $attack (result i32) (loop $again (br $again)) unreachable)");
}

#[test]
fn sleeps() {
    deadline("(func $attack (result i32) (call $block (call $wait (i64.const -1))) unreachable)");
}

#[test]
fn recurses() {
    trap(
        "(func $attack (result i32) (i32.add (call $attack) (i32.const 1)))",
        "call stack exhausted",
    );
}

#[test]
fn floods_with_pollables() {
    handles(
        "(func $attack (result i32)
            (loop $again (drop (call $wait (i64.const 0))) (br $again)) unreachable)",
    );
}

#[test]
fn floods_a_poll_with_one_pollable() {
    trap(
        "(func $attack (result i32) (local $pollable i32) (local $at i32)
            (local.set $pollable (call $wait (i64.const 0)))
            (drop (memory.grow (i32.const 400)))
            (local.set $at (i32.const 4096))
            (loop $again
                (i32.store (local.get $at) (local.get $pollable))
                (local.set $at (i32.add (local.get $at) (i32.const 4)))
                (br_if $again (i32.lt_u (local.get $at) (i32.const 4004096))))
            (call $poll (i32.const 4096) (i32.const 1000000) (i32.const 0))
            unreachable)",
        "limit",
    );
}

#[test]
fn floods_with_resources_of_its_own() {
    trap(
        "(func $attack (result i32)
            (loop $again (drop (call $thing (i32.const 0))) (br $again)) unreachable)",
        "handle limit exceeded",
    );
}

#[test]
fn floods_with_requests() {
    handles(
        "(func $attack (result i32)
            (loop $again (drop (call $send (call $request))) (call $sleep) (br $again))
            unreachable)",
    );
}

#[test]
fn floods_with_requests_that_it_gives_up() {
    deadline(
        "(func $attack (result i32)
            (loop $again (call $drop-response (call $send (call $request))) (br $again))
            unreachable)",
    );
}

#[test]
fn floods_with_requests_that_it_gives_up_after_a_while() {
    deadline(
        "(func $attack (result i32) (local $response i32)
            (loop $again
                (local.set $response (call $send (call $request)))
                (call $sleep)
                (call $drop-response (local.get $response))
                (br $again))
            unreachable)",
    );
}

/// Sends bodies of so many times 128 KiB.
fn bodies(count: u32) -> String {
    format!(
        "(func $attack (result i32)
            (local $request i32) (local $body i32) (local $stream i32) (local $count i32)
            (drop (memory.grow (i32.const 100)))
            (loop $again
                (local.set $request (call $request))
                (local.set $body (call $body-of (local.get $request)))
                (local.set $stream (call $stream-of (local.get $body)))
                (drop (call $send (local.get $request)))
                (local.set $count (i32.const {count}))
                (loop $more
                    (call $fill (local.get $stream))
                    (call $flush (local.get $stream) (i32.const 0))
                    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                    (br_if $more (local.get $count)))
                (call $drop-stream (local.get $stream))
                (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 0))
                (call $sleep)
                (br $again))
            unreachable)"
    )
}

#[test]
fn floods_with_bodies() {
    handles(&bodies(15));
}

#[test]
fn floods_with_bodies_that_are_too_large() {
    handles(&bodies(1_000));
}

#[test]
fn floods_with_bodies_that_are_not_sent() {
    handles(
        "(func $attack (result i32) (local $request i32) (local $body i32) (local $stream i32)
            (drop (memory.grow (i32.const 100)))
            (loop $again
                (local.set $request (call $request))
                (local.set $body (call $body-of (local.get $request)))
                (local.set $stream (call $stream-of (local.get $body)))
                (call $fill (local.get $stream))
                (call $drop-stream (local.get $stream))
                (call $drop-body (local.get $body))
                (br $again))
            unreachable)",
    );
}

#[test]
fn floods_with_zeroes() {
    trap(
        "(func $attack (result i32) (local $stream i32)
            (local.set $stream (call $stream-of (call $body-of (call $request))))
            (loop $again
                (call $zeroes (local.get $stream) (i64.const 100000000000) (i32.const 0))
                (br $again))
            unreachable)",
        "more zeroes than `check_write` allows",
    );
}

#[test]
fn floods_with_headers() {
    trap(
        "(func $attack (result i32) (local $fields i32)
            (local.set $fields (call $fields))
            (loop $again
                (call $append (local.get $fields)
                    (i32.const 1024) (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 0))
                (br $again))
            unreachable)",
        "total size of fields exceeds limit",
    );
}

#[test]
fn floods_with_large_headers() {
    handles(
        "(func $attack (result i32) (local $fields i32)
            (memory.fill (i32.const 4096) (i32.const 65) (i32.const 16000))
            (loop $again
                (local.set $fields (call $fields))
                (call $append (local.get $fields)
                    (i32.const 4096) (i32.const 1) (i32.const 4096) (i32.const 16000) (i32.const 0))
                (br $again))
            unreachable)",
    );
}

#[test]
fn floods_with_methods_names_and_paths() {
    handles(
        "(func $attack (result i32) (local $request i32)
            (drop (memory.grow (i32.const 500)))
            (memory.fill (i32.const 4096) (i32.const 65) (i32.const 30000000))
            (i32.store8 (i32.const 4095) (i32.const 47))
            (loop $again
                (local.set $request (call $request))
                (drop (call $set-method (local.get $request) (i32.const 9) (i32.const 4096) (i32.const 30000000)))
                (drop (call $set-authority (local.get $request) (i32.const 1) (i32.const 4096) (i32.const 30000000)))
                (drop (call $set-path (local.get $request) (i32.const 1) (i32.const 4095) (i32.const 65000)))
                (br $again))
            unreachable)",
    );
}

/// The result is an error with a million invalid fields, all of which have the same 20 MB for a name.
#[test]
fn returns_more_than_it_has() {
    trap(
        "(func $attack (result i32) (local $at i32)
            (drop (memory.grow (i32.const 500)))
            (local.set $at (i32.const 4096))
            (loop $again
                (i32.store (local.get $at) (i32.const 4096))
                (i32.store offset=4 (local.get $at) (i32.const 20000000))
                (local.set $at (i32.add (local.get $at) (i32.const 16)))
                (br_if $again (i32.lt_u (local.get $at) (i32.const 16004096))))
            (i32.store8 (i32.const 512) (i32.const 1))
            (i32.store8 (i32.const 516) (i32.const 0))
            (i32.store (i32.const 520) (i32.const 4096))
            (i32.store (i32.const 524) (i32.const 1000000))
            (i32.const 512))",
        "fuel",
    );
}

#[test]
fn more_than_one_memory_is_refused() {
    let engine = Engine::new(Limits::default(), None).expect("an engine");
    let memories = "(component
        (core module $m (memory 1))
        (core instance (instantiate $m))
        (core instance (instantiate $m)))";
    let component = wat::parse_str(memories).expect("WAT");
    let outbound = Outbound::new(Options::default()).expect("outbound HTTP");
    let refused = Card::new(&engine, &component, outbound).map(drop);
    let refused = format!("{:#}", refused.expect_err("a refusal"));
    assert!(refused.contains("memories"), "{refused}");
}
