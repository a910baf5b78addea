"""The small changes of a C file: what a slip of the hand, or of the mind, would have made of it. Pure."""

import re
import typing

TOKEN = re.compile(r"""
  (?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:\\\n|[^\n])*)
| (?P<string>"(?:\\.|[^"\\\n])*")
| (?P<char>'(?:\\.|[^'\\\n])*')
| (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|[0-9]+[uUlL]*\b)
| (?P<word>[A-Za-z_]\w*)
| (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|[<>=!+\-*/%&|^]=|&&|\|\||.)
""", re.X | re.S | re.M)
CLOSER = {"(": ")", "[": "]", "{": "}"}
ASSIGN = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
COMPARE = {"==", "!=", "<", ">", "<=", ">="}
ENDS = {",", ";", "?", ":", "return", "case"} | ASSIGN
TYPES = re.compile(r"(const|static|struct|union|enum|unsigned|int|char|bool|void|long|double|s?size_t|u?int\d+_t|extern)$")
# What only tells; a line of the log that is missing harms nobody.
SAID = re.compile(r"(\(void\)\s*)?log_\w+\(")


class Token(typing.NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class Change(typing.NamedTuple):
    """One change: `text[start:end]` becomes `new`. `key` names it, whatever line it stands in."""
    path: str
    key: str
    line: int
    start: int
    end: int
    new: str


def tokens_of(text):
    return [Token(m.lastgroup, m.group(), m.start(), m.end()) for m in TOKEN.finditer(text) if m.lastgroup != "skip"]


class File:
    """All changes of one file, found in one walk over its tokens."""

    def __init__(self, path, text):
        self.path, self.text, self.changes = path, text, []
        self.tokens = tokens_of(text)
        self.function = ""
        self.pair = self.pairs()
        self.top_level()

    def pairs(self):
        pair, open_ones = {}, []
        for i, token in enumerate(self.tokens):
            if token.kind == "mark" and token.text in CLOSER:
                open_ones.append(i)
            elif token.kind == "mark" and token.text in CLOSER.values() and open_ones:
                pair[open_ones[-1]], pair[i] = i, open_ones[-1]
                open_ones.pop()
        return pair

    def at(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def span(self, first, last):
        return self.text[self.tokens[first].start:self.tokens[last].end]

    def add(self, kind, start, end, new):
        text = self.text
        shown = new.replace(text[start:end], "…") if len(text[start:end]) > 3 else new
        before = text[text.rfind("\n", 0, start) + 1:start]
        after = text[end:(text + "\n").index("\n", end)]
        marked = f"{before}[-{text[start:end]}-]" + (f"{{+{shown}+}}" if new else "") + after
        key = f"{self.path}: {self.function}: {kind}: {' '.join(marked.split())}"
        self.changes.append(Change(self.path, key, text.count("\n", 0, start) + 1, start, end, new))

    def replace(self, kind, first, last, new):
        self.add(kind, self.tokens[first].start, self.tokens[last].end, new)

    # --- what stands at the top of a file: functions, tables, enums

    def top_level(self):
        i = begun = 0
        while i < len(self.tokens):
            if self.at(i) == ";":
                begun = i + 1
            elif self.at(i) in ("(", "["):
                i = self.pair[i]
            elif self.at(i) == "{":
                end = self.pair[i]
                self.braces(begun, i, end)
                if self.at(i - 1) == ")":
                    begun = end + 1
                i = end
            i += 1

    def braces(self, begun, i, end):
        head = [token.text for token in self.tokens[begun:i]]
        if head and head[-1] == ")":
            self.function = self.at(self.pair[i - 1] - 1)
            self.block(i, end)
        elif head and head[-1] == "=":
            names = [t.text for t in self.tokens[begun:i] if t.kind == "word" and not TYPES.match(t.text)]
            self.function = names[0] if len(names) == 1 or head[-2] != "]" else self.before_bracket(i - 2)
            self.elements(i, end)
        elif "enum" in head:
            self.function = "enum"
        else:
            return
        self.expressions(i + 1, end)

    def before_bracket(self, i):
        while self.at(i) == "]":
            i = self.pair[i] - 1
        return self.at(i)

    # --- statements

    def block(self, i, end):
        """The statements between two braces; two calls one after the other also change places."""
        previous, i = None, i + 1
        while i < end:
            last = self.statement(i)
            call = self.is_call(i, last)
            if call and previous:
                a, b = self.span(*previous), self.span(i, last)
                gap = self.text[self.tokens[previous[1]].end:self.tokens[i].start]
                if a != b:
                    self.replace("order swapped", previous[0], last, b + gap + a)
            previous = (i, last) if call else None
            i = last + 1

    def is_call(self, i, last):
        span = self.span(i, last)
        return (self.at(last) == ";" and re.match(r"(\(void\)\s*)?([\w>.\-\[\]]+ = )?\w+\(", span) and not SAID.match(span)
                and not re.match(r"(if|for|while|switch|do|return|sizeof)\b", span))

    def statement(self, i):
        """Looks at the statement that begins at `i`; its last token."""
        word = self.at(i)
        if word == "{":
            self.block(i, self.pair[i])
            return self.pair[i]
        if word in ("if", "while", "for", "switch"):
            return self.compound(i, word)
        if word == "do":
            return self.simple_end(self.statement(i + 1) + 1)
        if word == "else":
            return self.statement(i + 1)
        if word in ("case", "default") or (self.tokens[i].kind == "word" and self.at(i + 1) == ":"):
            while self.at(i) != ":":
                i += 1
            return i
        last = self.simple_end(i)
        if word == "return":
            self.returned(i, last)
        elif word in ("break", "continue"):
            self.replace("left out", i, last, ";")
        elif last > i and not self.is_declaration(i) and not SAID.match(self.span(i, last)):
            self.replace("left out", i, last, ";")
        return last

    def compound(self, i, word):
        close = self.pair[i + 1]
        if word == "if":
            condition = self.span(i + 2, close - 1)
            self.replace("negated", i + 2, close - 1, f"!({condition})")
            ignored = "value ignored" if re.search(r"\w\(", condition) else "condition dropped"
            self.replace(ignored, i + 2, close - 1, f"({condition}) && 0")
        last = self.statement(close + 1)
        if word == "if" and self.at(last + 1) == "else":
            last = self.statement(last + 1)
        return last

    def simple_end(self, i):
        while self.at(i) != ";":
            i = self.pair[i] + 1 if self.at(i) in CLOSER else i + 1
        return i

    def is_declaration(self, i):
        if self.tokens[i].kind != "word":
            return False
        following = self.tokens[i + 1]
        return bool(TYPES.match(self.at(i))) or following.kind == "word" or (
            following.text == "*" and self.tokens[i + 2].kind == "word" and self.at(i + 3) in ("=", ";", ",", "["))

    def returned(self, i, last):
        if last == i + 1:
            self.replace("left out", i, last, ";")
            return
        value = self.span(i + 1, last - 1)
        if value == "-1":
            self.replace("failure told as success", i + 1, last - 1, "0")
        elif value in ("true", "false"):
            self.replace("told otherwise", i + 1, last - 1, "false" if value == "true" else "true")
        elif self.at(i + 2) == "(" and self.pair[i + 2] == last - 1:
            self.replace("value ignored", i + 1, last - 1, f"({value}, 0)")
        elif self.has_outside(i + 1, last, COMPARE | {"&&", "||", "!"}) and not self.has_outside(i + 1, last, {"?"}):
            self.replace("negated", i + 1, last - 1, f"!({value})")

    def has_outside(self, i, last, marks):
        while i < last:
            if self.at(i) in marks:
                return True
            i = self.pair[i] + 1 if self.at(i) in CLOSER else i + 1
        return False

    # --- expressions

    def expressions(self, i, end):
        inside = []
        for k in range(i, end):
            token = self.tokens[k]
            if token.text in CLOSER and token.kind == "mark":
                inside.append(token.text)
                if token.text == "{" and (self.at(k - 1) in ("=", ")", ",", "{")) and self.is_list(k):
                    self.elements(k, self.pair[k])
            elif token.text in CLOSER.values() and token.kind == "mark" and inside:
                inside.pop()
            elif token.kind == "number":
                self.number(k, inside)
            elif token.text in ("&&", "||"):
                self.operands("condition dropped", k, {token.text, "||"}, first_too=True)
            elif token.text in ("&", "|") and self.is_binary(token):
                self.operands("mask widened" if token.text == "&" else "flag left out", k,
                              {"&&", "||", "==", "!=", "|", token.text}, first_too=token.text == "|")
            elif token.text == "?":
                first = self.edge(k, -1, set())
                self.replace("negated", first, k - 1, f"!({self.span(first, k - 1)})")

    def is_list(self, k):
        """A `{` within a function that begins a list and no block."""
        return self.at(k - 1) == "=" or (self.at(k - 1) == ")" and self.at(self.pair[k] + 1) in (",", ";", ")"))

    def is_binary(self, token):
        return self.text[token.start - 1].isspace() and self.text[token.end].isspace()

    def number(self, k, inside):
        token = self.tokens[k]
        if not token.text.rstrip("uUlL").strip("0x") or (inside and inside[-1] == "["):
            return
        if self.at(k - 1) == "-" and not self.is_binary(self.tokens[k - 1]):
            return
        if self.at(k - 1) in ("case", "[", ".") or self.at(k + 1) == ".":
            return
        self.replace("constant doubled", k, k, f"({token.text} * 2)")

    def edge(self, k, step, stop):
        """The farthest token from the operator at `k` that still belongs to its operand."""
        i = k + step
        while True:
            text = self.at(i)
            if step > 0 and text in CLOSER or step < 0 and text in CLOSER.values():
                i = self.pair[i]
            elif text in ENDS or text in stop or text in CLOSER or text in CLOSER.values() or not text:
                return i - step
            i += step

    def operands(self, kind, k, stop, first_too):
        last = self.edge(k, 1, stop)
        self.add(kind, self.tokens[k - 1].end, self.tokens[last].end, "")
        first = self.edge(k, -1, stop)
        if first_too and self.at(first - 1) != self.at(k):
            self.add(kind, self.tokens[first].start, self.tokens[k + 1].start, "")

    # --- lists: of words, of rows of a table, of named members

    def elements(self, i, end):
        parts, first, k = [], i + 1, i + 1
        while k <= end:
            if k == end or self.at(k) == ",":
                if k > first:
                    parts.append((first, k - 1))
                first = k + 1
            k = self.pair[k] + 1 if k < end and self.at(k) in CLOSER else k + 1
        words = sum(all(self.tokens[t].kind == "string" for t in range(a, b + 1)) for a, b in parts)
        for a, b in parts:
            is_word = all(self.tokens[t].kind == "string" for t in range(a, b + 1))
            if len(parts) == 1 and self.span(a, b) == '""':  # what an initializer leaves out is zero all the same
                continue
            if (is_word and 2 * words >= len(parts)) or (self.at(a) in ("{", ".", "[") and len(parts) > 1):
                comma = b + 1 if self.at(b + 1) == "," else b
                self.replace("element left out", a, comma, "")
            if self.at(a) == "{":
                self.elements(a, self.pair[a])


def changes_of(path, text):
    """Every change of the file once; two that have one key are one."""
    return list({change.key: change for change in File(path, text).changes}.values())


def apply(text, change):
    return text[:change.start] + change.new + text[change.end:]
