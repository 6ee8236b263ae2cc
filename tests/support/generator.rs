//! Programs drawn from the grammar: every statement, clause, kind of value and operator, in every layout the language
//! allows. What they say need not make sense; it has to parse.

use crate::random::Random;

pub struct Generator {
    random: Random,
    out: String,
    /// Open brackets: inside them lines may end anywhere.
    brackets: usize,
    /// How deep values may still nest.
    depth: usize,
    in_formula: bool,
    comments: usize,
}

const NAMES: &[&str] = &[
    "y",
    "x",
    "income",
    "W",
    "law",
    "towns",
    "unit",
    "time",
    "weights",
    "model",
    "to",
    "by",
    "专业化",
    "größe",
    "_a1",
    "km",
    "`GDP per head`",
    "`if`",
    "optional",
    "inf",
    "keys",
];
const NUMBERS: &[&str] = &["0", "1", "42", "1_000", "2.5e-3", "3.25", "1e6", "0.1", "12_345.678", "1e-9"];
const TEXTS: &[&str] = &[
    r#""a.csv""#,
    r#""""#,
    r#""say \"no\"""#,
    r#""back\\slash\n\ttab""#,
    r#""\u{e9}t\u{e9}""#,
    r#""专业 # no comment""#,
];
/// Infix operators by precedence, loosest first.
const LEVELS: &[&[&str]] = &[
    &["or"],
    &["and"],
    &["==", "!=", "<", "<=", ">", ">=", "in", "not in"],
    &[".."],
    &["+", "-"],
    &["*", "/"],
    &["@"],
    &[":"],
];
const COMPARISON: usize = 2;

impl Generator {
    pub fn program(seed: u64) -> String {
        let mut g = Generator {
            random: Random::new(seed, 9),
            out: String::new(),
            brackets: 0,
            depth: 0,
            in_formula: false,
            comments: 0,
        };
        if g.chance(0.3) {
            g.out.push_str("## What it is about,\n## in two lines.\n\n");
        }
        for _ in 0..1 + g.below(7) {
            g.trivia();
            g.depth = 1 + g.below(3);
            g.statement();
            if g.chance(0.15) {
                g.put("  # beside");
            }
            let end = g.one(&["\n", "\n", "\n", "\n", "\n", ";\n", " ;\n\n"]);
            g.put(end);
        }
        g.out
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.random.uniform() * n as f64) as usize).min(n - 1)
    }

    fn chance(&mut self, p: f64) -> bool {
        self.random.uniform() < p
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Comments get a number, so that each is like no other.
    fn put(&mut self, text: &str) {
        if text.contains('"') || text.contains("##") || !text.contains("# ") {
            return self.out.push_str(text);
        }
        self.comments += 1;
        self.out.push_str(&text.replace("# ", &format!("# {} ", self.comments)));
    }

    /// Empty lines, comments and documentation between statements and clauses.
    fn trivia(&mut self) {
        match self.below(8) {
            0 => self.put("\n"),
            1 => self.put("# alone\n"),
            2 => self.put("\n\n\n# apart\n\n"),
            3 => self.put("## says what follows\n"),
            _ => {}
        }
    }

    /// Blanks; inside brackets also line ends and comments.
    fn sp(&mut self) {
        if self.brackets > 0 {
            return self.gap();
        }
        let blanks = self.one(&["", " ", " ", "  ", "\t"]);
        self.put(blanks);
    }

    /// As after an operator: blanks, line ends, comments.
    fn gap(&mut self) {
        let blanks = self.one(&["", " ", " ", " ", "  ", "\n", "\n   ", " # inside\n"]);
        self.put(blanks);
    }

    fn space(&mut self) {
        self.put(" ");
    }

    fn open(&mut self, mark: &str) {
        self.put(mark);
        self.brackets += 1;
        self.sp();
    }

    fn close(&mut self, mark: &str) {
        self.sp();
        self.brackets -= 1;
        self.put(mark);
    }

    fn name(&mut self) {
        let name = self.one(NAMES);
        self.put(name);
    }

    /// A name that is declared: no word of the language.
    fn declared(&mut self) {
        let name = self.one(&["a", "b", "W", "m_1", "专业化", "`a name`", "größe"]);
        self.put(name);
    }

    fn text(&mut self) {
        let text = self.one(TEXTS);
        self.put(text);
    }

    fn listed(&mut self, most: usize, mut item: impl FnMut(&mut Generator)) {
        let count = self.below(most + 1);
        for k in 0..count {
            item(self);
            self.sp();
            if k + 1 < count || self.chance(0.2) {
                self.put(",");
                self.sp();
            }
        }
    }

    fn statement(&mut self) {
        match self.below(14) {
            0 => self.put("use std::indices"),
            1 => {
                self.put("use ");
                self.text();
            }
            2 => self.settings(),
            3 => self.block("data"),
            4 | 5 => self.block("panel"),
            6 => {
                self.put("weights ");
                self.declared();
                if self.chance(0.4) {
                    self.parameters();
                }
                self.on_panel();
                self.assigned();
            }
            7 => {
                self.put("treatment ");
                self.declared();
                self.on_panel();
                self.assigned();
            }
            8 => {
                self.put("let ");
                self.declared();
                if self.chance(0.3) {
                    self.assigned_with(|g| g.one_sided());
                } else {
                    self.assigned();
                }
            }
            9 => {
                self.put("fn ");
                self.declared();
                self.parameters();
                self.assigned();
            }
            10 => {
                self.put("model ");
                self.declared();
                self.assigned();
            }
            11 => {
                self.put("save ");
                self.value();
                self.put(" to ");
                self.text();
            }
            12 => {
                self.put("assert ");
                self.value();
                if self.chance(0.5) {
                    self.put(",");
                    self.gap();
                    self.text();
                }
            }
            _ => self.printed(),
        }
    }

    /// A printed value begins with no operator and no word of a statement.
    fn printed(&mut self) {
        match self.below(3) {
            0 => self.put("m_1"),
            1 => self.call("table"),
            _ => self.list(),
        }
    }

    fn on_panel(&mut self) {
        if self.chance(0.3) {
            self.put(" on towns");
        }
    }

    fn assigned(&mut self) {
        self.assigned_with(|g| g.value());
    }

    fn assigned_with(&mut self, value: impl FnOnce(&mut Generator)) {
        self.sp();
        self.put("=");
        self.gap();
        value(self);
    }

    fn settings(&mut self) {
        self.put("options {");
        for _ in 0..self.below(4) {
            let setting = self.one(&["seed 42", "level 0.9", "draws: 1_000", "digits 5"]);
            let between = self.one(&["\n", "  ", "; ", ",\n", "\n# a setting\n"]);
            self.put(&format!(" {setting}{between}"));
        }
        self.put("}");
    }

    fn parameters(&mut self) {
        self.open("(");
        self.listed(3, |g| {
            let name = g.one(&["p", "q", "lo", "hi"]);
            g.put(name);
            if g.chance(0.4) {
                g.assigned();
            }
        });
        self.close(")");
    }

    fn block(&mut self, word: &str) {
        self.put(word);
        self.put(" ");
        self.declared();
        self.put(" from ");
        match self.below(3) {
            0 => self.text(),
            1 => self.put("towns"),
            _ => self.call("read"),
        }
        if self.chance(0.1) {
            return;
        }
        self.put(" {");
        for _ in 0..self.below(6) {
            if self.chance(0.7) {
                self.put("\n");
                self.trivia();
                self.put("  ");
            } else {
                let between = self.one(&["  ", "; "]);
                self.put(between);
            }
            self.clause(word);
        }
        let end = self.one(&["\n}", " }", "\n# the end\n}"]);
        self.put(end);
    }

    fn clause(&mut self, word: &str) {
        let own: &[&str] = match word {
            "data" => &["keys a, b,\n c", "value employed", "sum employed, x", "count firms", "absent 0", "absent -1"],
            _ => &[
                "unit town",
                "time year",
                "unit `the unit`",
                "coords lon, lat",
                "coords x,\n y planar",
                "balance drop",
                "shapes \"s.geojson\" by code",
            ],
        };
        let simple = [
            "missing error",
            "missing \"NA\", \".\"",
            "encoding \"gb18030\"",
            "separator \";\"",
            "decimal \",\"",
            "join \"p.csv\" by a, b",
            "join other by town optional",
        ];
        match self.below(5) {
            0 => {
                self.put("where ");
                self.value();
            }
            1 => {
                self.put("let ");
                self.declared();
                self.assigned();
            }
            2 => {
                let clause = self.one(&simple);
                self.put(clause);
            }
            _ => {
                let clause = self.one(own);
                self.put(clause);
            }
        }
    }

    fn one_sided(&mut self) {
        self.put("~");
        self.gap();
        self.terms();
    }

    fn terms(&mut self) {
        let outer = std::mem::replace(&mut self.in_formula, true);
        self.level(4);
        self.in_formula = outer;
    }

    fn formula(&mut self) {
        if self.chance(0.9) {
            self.level(4);
            self.sp();
        }
        self.one_sided();
        if self.chance(0.5) {
            self.sp();
            self.put("|");
            self.gap();
            if self.chance(0.3) { self.list() } else { self.level(4) }
        }
    }

    fn value(&mut self) {
        if self.depth == 0 {
            return self.primary();
        }
        self.depth -= 1;
        if self.chance(0.12) {
            self.conditional()
        } else {
            self.level(0)
        }
        self.depth += 1;
    }

    fn conditional(&mut self) {
        self.put("if ");
        self.level(0);
        for _ in 0..self.below(2) {
            self.put(" then ");
            self.level(0);
            self.put(" else if ");
            self.level(0);
        }
        let then = self.one(&[" then ", "\n  then\n", " then # so\n"]);
        self.put(then);
        self.level(0);
        let otherwise = self.one(&[" else ", "\n  else ", " else\n"]);
        self.put(otherwise);
        self.level(0);
    }

    /// Operands with operators of one precedence between them.
    fn level(&mut self, level: usize) {
        let Some(operators) = LEVELS.get(level) else { return self.signed() };
        if level == COMPARISON && self.chance(0.1) {
            self.put("not ");
            return self.level(level);
        }
        let colon_elsewhere = operators == &[":"] && !self.in_formula;
        let count = if self.depth == 0 || colon_elsewhere || self.chance(0.88) { 0 } else { 1 + self.below(3) };
        // Comparisons and ranges make no chains.
        let count = if level == COMPARISON || level == COMPARISON + 1 { count.min(1) } else { count };
        // Between numbers `:` is a range of another language.
        let names = operators == &[":"] && count > 0;
        let operand = |g: &mut Generator| if names { g.name() } else { g.level(level + 1) };
        operand(self);
        for _ in 0..count {
            self.space();
            let operator = self.one(operators);
            self.put(operator);
            self.space();
            self.gap();
            operand(self);
        }
    }

    fn signed(&mut self) {
        if self.chance(0.1) {
            let sign = self.one(&["-", "- ", "+"]);
            self.put(sign);
        }
        self.primary();
        if self.depth > 0 && self.chance(0.08) {
            self.sp();
            self.put("^");
            self.gap();
            let sign = self.one(&["", "", "-"]);
            self.put(sign);
            self.primary();
        }
    }

    fn primary(&mut self) {
        if self.depth == 0 {
            return match self.below(4) {
                0 => {
                    let number = self.one(NUMBERS);
                    self.put(number);
                }
                1 => self.text(),
                _ => self.name(),
            };
        }
        match self.below(16) {
            0..4 => self.name(),
            4 | 5 => {
                let number = self.one(NUMBERS);
                self.put(number);
            }
            6 => {
                let length = self.one(&["100 km", "60mi", "2.5  m"]);
                self.put(length);
            }
            7 => self.text(),
            8 => {
                let word = self.one(&["true", "false", "missing"]);
                self.put(word);
            }
            9 => {
                let field = self.one(&["jobs.employed", "coef(m).law", "jobs.`a column`", "a.b.c"]);
                self.put(field);
            }
            10 => self.list(),
            11 => self.record(),
            12 => {
                self.open("(");
                self.value();
                self.close(")");
            }
            13 => self.comprehension(),
            _ => {
                let name = self.one(&["sum", "log", "sdm_did", "table", "f"]);
                self.call(name);
            }
        }
    }

    fn deeper(&mut self, inside: impl FnOnce(&mut Generator)) {
        let (outer, formula) = (self.depth, std::mem::replace(&mut self.in_formula, false));
        self.depth = self.depth.saturating_sub(1);
        inside(self);
        (self.depth, self.in_formula) = (outer, formula);
    }

    fn list(&mut self) {
        self.open("[");
        self.deeper(|g| g.listed(4, |g| g.value()));
        self.close("]");
    }

    fn record(&mut self) {
        self.open("{");
        self.deeper(|g| {
            g.listed(3, |g| {
                let key = g.one(&["law", "\"a key\"", "2013", "`k`"]);
                g.put(key);
                g.sp();
                g.put(":");
                g.sp();
                g.value();
            })
        });
        self.close("}");
    }

    fn comprehension(&mut self) {
        self.open("[");
        self.deeper(|g| {
            g.level(4);
            for _ in 0..1 + g.below(2) {
                g.put(" for ");
                g.declared();
                g.put(" in ");
                g.level(4);
            }
        });
        self.close("]");
    }

    fn call(&mut self, name: &str) {
        self.put(name);
        self.open("(");
        self.deeper(|g| {
            let formula = g.depth > 0 && g.chance(0.3);
            if formula {
                g.formula();
                g.put(", ");
            }
            if g.chance(0.2) {
                g.level(4);
                g.put(" over ");
                let dims = g.one(&["d", "[town, year]", "unit"]);
                g.put(dims);
                g.put(", ");
            }
            g.listed(4, |g| {
                if g.chance(0.4) {
                    let label = g.one(&["fe", "se", "level", "where", "labels"]);
                    g.put(label);
                    g.put(":");
                    g.sp();
                }
                g.value();
            });
        });
        self.close(")");
    }
}
