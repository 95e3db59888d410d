//! Small components, put together as the linker puts the card together: compact, they do the same.

use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Engine, Store};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::*;

/// A world and a module for it.
struct Case {
    name: &'static str,
    world: &'static str,
    imports: &'static str,
    /// The function that is called: with the place and the length of a text, for the place of both.
    export: &'static str,
    body: &'static str,
    more: &'static str,
    /// What it makes of "abc".
    result: &'static str,
}

const CASES: [Case; 6] = [
    Case {
        name: "nothing is imported",
        world: "export run: func(text: string) -> string;",
        imports: "",
        export: "run",
        body: "
            (i32.store (i32.const 8) (local.get 0))
            (i32.store (i32.const 12) (local.get 1))
            i32.const 8",
        more: "",
        result: "abc",
    },
    Case {
        name: "what is imported needs no memory",
        world: "
            import less: func(length: u32) -> u32;
            export run: func(text: string) -> string;",
        imports: r#"(import "$root" "less" (func $less (param i32) (result i32)))"#,
        export: "run",
        body: "
            (i32.store (i32.const 8) (local.get 0))
            (i32.store (i32.const 12) (call $less (local.get 1)))
            i32.const 8",
        more: "",
        result: "ab",
    },
    Case {
        name: "what is imported reads memory",
        world: "
            import shorter: func(text: string) -> u32;
            export run: func(text: string) -> string;",
        imports: r#"(import "$root" "shorter" (func $shorter (param i32 i32) (result i32)))"#,
        export: "run",
        body: "
            (i32.store (i32.const 8) (local.get 0))
            (i32.store (i32.const 12) (call $shorter (local.get 0) (local.get 1)))
            i32.const 8",
        more: "",
        result: "ab",
    },
    Case {
        name: "what is imported allocates memory",
        world: "
            import twice: func(text: string) -> string;
            import less: func(length: u32) -> u32;
            export run: func(text: string) -> string;",
        imports: r#"
            (import "$root" "less" (func $less (param i32) (result i32)))
            (import "$root" "twice" (func $twice (param i32 i32 i32)))"#,
        export: "run",
        body: "
            (call $twice (local.get 0) (call $less (local.get 1)) (i32.const 8))
            i32.const 8",
        more: "",
        result: "abab",
    },
    Case {
        name: "the function that allocates stands in a table already",
        world: "
            import twice: func(text: string) -> string;
            export run: func(text: string) -> string;",
        imports: r#"(import "$root" "twice" (func $twice (param i32 i32 i32)))"#,
        export: "run",
        body: "
            (local.set 2 (call_indirect (type $allocate)
                (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8) (i32.const 1)))
            (call $twice (local.get 0) (local.get 1) (local.get 2))
            local.get 2",
        more: "(table 2 2 funcref) (elem (i32.const 1) $allocate)",
        result: "abcabc",
    },
    Case {
        name: "an interface has types, and data has zeros in it",
        world: "
            import twice: func(text: string) -> string;
            export texts: interface {
                record text { text: string }
                run: func(input: text) -> text;
            }",
        imports: r#"(import "$root" "twice" (func $twice (param i32 i32 i32)))"#,
        export: "texts#run",
        body: "
            (call $twice (i32.const 1024) (i32.const 2) (i32.const 8))
            (i32.store8 (i32.load (i32.const 8)) (i32.load8_u (i32.const 1040)))
            i32.const 8",
        more: r#"(data (i32.const 1024) "yy\00\00\00\00\00\00\00\00\00\00\00\00\00\00z\00")"#,
        result: "zyyy",
    },
];

impl Case {
    /// As wit-component puts it together, which is what the linker has inside.
    fn component(&self) -> Vec<u8> {
        let Case {
            imports,
            export,
            body,
            more,
            ..
        } = self;
        let mut module = wat::parse_str(format!(
            r#"(module
                (type $allocate (func (param i32 i32 i32 i32) (result i32)))
                {imports}
                (memory (export "memory") 1)
                (global $next (mut i32) (i32.const 2048))
                (global $unused i32 (i32.const 0))
                (func (export "{export}") (param i32 i32) (result i32) (local i32) {body})
                (func $allocate (export "cabi_realloc") (type $allocate)
                    (local $at i32)
                    (local.set $at (global.get $next))
                    (global.set $next (i32.add (local.get $at)
                        (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
                    local.get $at)
                (export "unused" (global $unused))
                {more}
            )"#
        ))
        .expect("a module");
        let mut resolve = Resolve::default();
        let world = format!("package a:b; world w {{ {} }}", self.world);
        let package = resolve.push_str("w.wit", &world).expect("WIT");
        let world = resolve.select_world(&[package], None).expect("a world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .expect("metadata");
        let mut encoder = ComponentEncoder::default();
        let encoder = encoder.validate(true).module(&module).expect("a module");
        encoder.encode().expect("a component")
    }

    /// What `run` makes of "abc".
    fn run(&self, component: &[u8]) -> Val {
        let engine = Engine::default();
        let component = Component::new(&engine, component).expect("a component");
        let mut linker = Linker::new(&engine);
        let mut root = linker.root();
        root.func_wrap("less", |_, (length,): (u32,)| Ok((length - 1,)))
            .expect("a function");
        root.func_wrap("shorter", |_, (text,): (String,)| {
            Ok((u32::try_from(text.len())? - 1,))
        })
        .expect("a function");
        root.func_wrap("twice", |_, (text,): (String,)| Ok((text.repeat(2),)))
            .expect("a function");
        let mut store = Store::new(&engine, ());
        let instance = linker
            .instantiate(&mut store, &component)
            .expect("an instance");
        let within = instance.get_export_index(&mut store, None, "texts");
        let run = instance
            .get_export_index(&mut store, within.as_ref(), "run")
            .expect("the function");
        let run = instance.get_func(&mut store, run).expect("a function");
        let mut result = [Val::Bool(false)];
        run.call(&mut store, &[self.text("abc")], &mut result)
            .expect("a call");
        let [result] = result;
        result
    }

    /// A text as this case has it.
    fn text(&self, text: &str) -> Val {
        let text = Val::String(text.to_owned());
        if self.export == "run" {
            text
        } else {
            Val::Record(vec![("text".to_owned(), text)])
        }
    }
}

#[test]
fn a_compact_component_is_smaller_and_does_the_same() {
    for case in CASES {
        let component = case.component();
        let compact = compact(&component).expect(case.name);
        assert!(compact.len() < component.len(), "{}", case.name);
        for (which, component) in [("as it was", &component), ("compact", &compact)] {
            assert_eq!(
                case.run(component),
                case.text(case.result),
                "{}, {which}",
                case.name
            );
        }
    }
}

#[test]
fn it_is_compact_once() {
    for case in CASES {
        let component = compact(&case.component()).expect(case.name);
        match compact(&component) {
            Ok(again) => assert_eq!(again.len(), component.len(), "{}", case.name),
            Err(error) => assert!(error.is::<Unfamiliar>(), "{}: {error:#}", case.name),
        }
    }
}

#[test]
fn what_is_put_together_in_another_way_is_left() {
    let table: [(&str, &str, bool); 6] = [
        ("a module", "(module)", false),
        ("nothing is exported", "(component)", true),
        ("a core type", "(component (core type (func)))", true),
        (
            "functions of two modules",
            r#"(component
                (core module $m (func (export "f")))
                (core instance $a (instantiate $m))
                (core instance $b (instantiate $m))
                (func (export "a") (canon lift (core func $a "f")))
                (func (export "b") (canon lift (core func $b "f"))))"#,
            true,
        ),
        (
            "a function of another instance",
            r#"(component
                (core module $n (func (export "f")))
                (core instance $n (instantiate $n))
                (core module $m (import "n" "f" (func)) (func (export "g")))
                (core instance $m (instantiate $m (with "n" (instance $n))))
                (func (export "g") (canon lift (core func $m "g"))))"#,
            true,
        ),
        (
            "a memory of another instance",
            r#"(component
                (core module $n (memory (export "m") 1))
                (core instance $n (instantiate $n))
                (core module $m (import "n" "m" (memory 1)) (func (export "g")))
                (core instance $m (instantiate $m (with "n" (instance $n))))
                (func (export "g") (canon lift (core func $m "g"))))"#,
            true,
        ),
    ];
    for (name, text, is_unfamiliar) in table {
        let component = wat::parse_str(text).expect(name);
        let error = compact(&component).expect_err(name);
        assert_eq!(error.is::<Unfamiliar>(), is_unfamiliar, "{name}: {error:#}");
    }
    assert!(
        !compact(b"no component")
            .expect_err("text")
            .is::<Unfamiliar>()
    );
}

#[test]
fn another_interface_is_found() {
    let with = |text: &str| wat::parse_str(format!("(component {text})")).expect("a component");
    let table = [
        ("none", ""),
        ("an import", r#"(import "f" (func))"#),
        ("another type", r#"(import "f" (func (param "a" u8)))"#),
        (
            "an export",
            r#"(import "f" (func $f)) (export "g" (func $f))"#,
        ),
    ];
    for (before, from) in table {
        for (after, to) in table {
            let is_same = check(&with(from), &with(to)).is_ok();
            assert_eq!(is_same, before == after, "{before}, {after}");
        }
    }
}
