//! Where the mutants stand: the piece of text that each changes, and how it is switched.
//!
//! ```text
//! Choice    an expression, and the same with one token changed or one field gone
//! Return    a body, and what it returns instead of running
//! Arm       a pattern, which no longer matches
//! Guard     a match guard, which always holds or never
//! Unconst   the word `const` of a function, since a constant can read no switch
//! ```

use crate::{Mutant, Place, Span};
use proc_macro2::{LineColumn, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprBinary, Signature, UnOp};

pub(crate) struct Site {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// The number, and the whole text that stands for the piece.
    Choice(Vec<(u32, String)>),
    Return(Vec<(u32, String)>),
    Arm(u32),
    /// The number, and the guard's value.
    Guard(Vec<(u32, String)>),
    Unconst,
}

impl Site {
    pub(crate) fn numbers(&self) -> Vec<u32> {
        match &self.kind {
            Kind::Choice(all) | Kind::Return(all) | Kind::Guard(all) => all.iter().map(|(number, _)| *number).collect(),
            Kind::Arm(number) => vec![*number],
            Kind::Unconst => Vec::new(),
        }
    }
}

/// The sites of these mutants, outer ones before inner ones.
pub(crate) fn find(text: &str, mutants: Vec<(u32, &Mutant)>, keep_const: &BTreeSet<String>) -> syn::Result<Vec<Site>> {
    let file = syn::parse_file(text)?;
    let mut finder = Finder { text, mutants, keep_const, constant: 0, sites: Vec::new() };
    finder.visit_file(&file);
    // Stable, so that of two sites in one place the one that was visited first is the outer one.
    finder.sites.sort_by_key(|site| (site.range.start, std::cmp::Reverse(site.range.end)));
    Ok(finder.sites)
}

struct Finder<'a> {
    text: &'a str,
    mutants: Vec<(u32, &'a Mutant)>,
    keep_const: &'a BTreeSet<String>,
    /// How many constants, or functions that must stay constant, we are inside of.
    constant: usize,
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn add(&mut self, range: Range<usize>, kind: Kind) {
        let site = Site { range, kind };
        if matches!(site.kind, Kind::Unconst) || self.constant == 0 && !site.numbers().is_empty() {
            self.sites.push(site);
        }
    }

    /// The mutants of this kind at exactly this place: their numbers, and what stands there instead.
    fn at(&self, genre: &str, span: Span) -> Vec<(u32, String)> {
        let here = self.mutants.iter().filter(|(_, mutant)| mutant.genre == genre && mutant.span == span);
        here.map(|(number, mutant)| (*number, mutant.replacement.clone())).collect()
    }

    /// The whole text with what stands at `inner` replaced, as `cargo mutants` replaces it: by text, whatever binds closer then.
    fn instead(&self, whole: &Range<usize>, inner: &Range<usize>, replacement: &str) -> String {
        [&self.text[whole.start..inner.start], replacement, &self.text[inner.end..whole.end]].concat()
    }

    fn choices(&self, whole: &Range<usize>, genre: &str, inner: proc_macro2::Span) -> Vec<(u32, String)> {
        let all = self.at(genre, span_of(inner));
        all.into_iter().map(|(number, replacement)| (number, self.instead(whole, &inner.byte_range(), &replacement))).collect()
    }

    fn function(&mut self, signature: &Signature, block: &Block) -> bool {
        let stays = signature.constness.is_some() && self.keep_const.contains(&signature.ident.to_string());
        if let Some(word) = signature.constness.as_ref().filter(|_| !stays) {
            self.add(word.span.byte_range(), Kind::Unconst);
        }
        self.constant += usize::from(stays);
        if let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) {
            let body = first.span().byte_range().start..last.span().byte_range().end;
            let span = Span { start: place(first.span().start()), end: place(last.span().end()) };
            self.add(body, Kind::Return(self.at("FnValue", span)));
        }
        stays
    }

    fn unconst(&mut self, tokens: TokenStream) {
        let mut before = None;
        for token in tokens {
            match (&token, before.take()) {
                (TokenTree::Ident(word), Some(range)) if word == "fn" => self.add(range, Kind::Unconst),
                (TokenTree::Ident(word), _) if word == "const" => before = Some(word.span().byte_range()),
                (TokenTree::Group(group), _) => self.unconst(group.stream()),
                _ => {}
            }
        }
    }

    fn in_constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.constant += 1;
        visit(self);
        self.constant -= 1;
    }

    /// All operators of a chain such as `a && b || c`, since changing one may change what the others bind.
    fn chain(&self, binary: &ExprBinary, whole: &Range<usize>, all: &mut Vec<(u32, String)>) {
        all.extend(self.choices(whole, "BinaryOperator", binary.op.span()));
        for operand in [&*binary.left, &*binary.right] {
            if let Expr::Binary(binary) = operand {
                self.chain(binary, whole, all);
            }
        }
    }

    fn visit_operands(&mut self, binary: &ExprBinary) {
        for operand in [&*binary.left, &*binary.right] {
            match operand {
                Expr::Binary(binary) => self.visit_operands(binary),
                other => self.visit_expr(other),
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let stays = self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
        self.constant -= usize::from(stays);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let stays = self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
        self.constant -= usize::from(stays);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.in_constant(|finder| visit::visit_item_const(finder, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.in_constant(|finder| visit::visit_impl_item_const(finder, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.in_constant(|finder| visit::visit_item_static(finder, item));
    }

    fn visit_type_array(&mut self, array: &'ast syn::TypeArray) {
        self.in_constant(|finder| visit::visit_type_array(finder, array));
    }

    fn visit_generic_argument(&mut self, argument: &'ast syn::GenericArgument) {
        let constant = usize::from(matches!(argument, syn::GenericArgument::Const(_)));
        self.constant += constant;
        visit::visit_generic_argument(self, argument);
        self.constant -= constant;
    }

    fn visit_expr_const(&mut self, block: &'ast syn::ExprConst) {
        self.in_constant(|finder| visit::visit_expr_const(finder, block));
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
        self.in_constant(|finder| finder.visit_expr(&repeat.len));
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        // `if let … && …` cannot be put into parentheses.
        if has_let(binary) {
            return visit::visit_expr_binary(self, binary);
        }
        let whole = binary.span().byte_range();
        let mut all = Vec::new();
        self.chain(binary, &whole, &mut all);
        self.add(whole, Kind::Choice(all));
        self.visit_operands(binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if matches!(unary.op, UnOp::Not(_) | UnOp::Neg(_)) {
            let whole = unary.span().byte_range();
            let all = self.choices(&whole, "UnaryOperator", unary.op.span());
            self.add(whole, Kind::Choice(all));
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_struct(&mut self, structure: &'ast syn::ExprStruct) {
        let whole = structure.span().byte_range();
        let mut all = Vec::new();
        for pair in structure.fields.pairs() {
            let (field, comma) = (pair.value().span(), pair.punct().map(|comma| comma.span()));
            let (last, range) = (comma.unwrap_or(field), field.byte_range());
            let span = Span { start: place(field.start()), end: place(last.end()) };
            let range = range.start..last.byte_range().end;
            all.extend(self.at("StructField", span).into_iter().map(|(number, _)| (number, self.instead(&whole, &range, ""))));
        }
        self.add(whole, Kind::Choice(all));
        visit::visit_expr_struct(self, structure);
    }

    /// What a macro makes must not stay constant either, where it calls what no more is.
    fn visit_macro(&mut self, makes: &'ast syn::Macro) {
        self.unconst(makes.tokens.clone());
    }

    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        for arm in &expr.arms {
            // What takes the rest cannot have a guard: the compiler counts those without.
            for (number, _) in self.at("MatchArm", span_of(arm.span())).into_iter().filter(|_| !takes_rest(arm)) {
                self.add(arm.pat.span().byte_range(), Kind::Arm(number));
            }
            if let Some((_, guard)) = &arm.guard {
                let all = self.at("MatchArmGuard", span_of(guard.span()));
                self.add(guard.span().byte_range(), Kind::Guard(all));
            }
        }
        visit::visit_expr_match(self, expr);
    }
}

fn takes_rest(arm: &syn::Arm) -> bool {
    arm.guard.is_none() && matches!(arm.pat, syn::Pat::Wild(_) | syn::Pat::Ident(syn::PatIdent { subpat: None, .. }))
}

fn has_let(binary: &ExprBinary) -> bool {
    [&*binary.left, &*binary.right].into_iter().any(|operand| match operand {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(binary),
        _ => false,
    })
}

fn span_of(span: proc_macro2::Span) -> Span {
    Span { start: place(span.start()), end: place(span.end()) }
}

fn place(at: LineColumn) -> Place {
    Place { line: at.line, column: at.column + 1 }
}
