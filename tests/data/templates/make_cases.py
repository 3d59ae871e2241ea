#!/usr/bin/env python3
"""Writes cases.json: small templates, one construct each, with what Jinja2 makes of them.

Needs Debian's python3-jinja2 (3.1.2). Run: python3 make_cases.py
Each case: {"template", "output"} or {"template", "error"}; all get the inputs at the top of the file. "unsupported":
tern refuses it on purpose, saying so, whatever Jinja2 does.
"""
import copy
import json
import pathlib

from transformers_env import environment, render

INPUTS = {
    "x": 7, "n": -3, "f": 2.5, "big": 9007199254740993, "s": "Hello World", "empty": "", "t": True, "no": False, "nil": None,
    "l": [1, 2, 3, 4, 5], "el": [], "words": ["banana", "Apple", "cherry", "apple"], "d": {"b": 1, "a": "two", "c": [1, 2]},
    "ed": {}, "u": "h\u00e9llo \u4e16\u754c \U0001f600!", "ws": "  \t padded\n \u00a0", "lines": "one\ntwo\r\nthree\n\nfive",
    "quotes": "it's \"x\"\\ \u0007", "nested": {"k": {"list": [{"v": 1}, {"v": 2}]}},
    "people": [{"name": "Ann", "age": 30, "tags": ["a"]}, {"name": "bob", "age": 25}, {"name": "Cid", "age": 30}],
    "msgs": [{"role": "system", "content": " S "}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}],
    "tool": {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}, "required": []}}},
    "mixed": [1, "a", None, True, 2.0, [], {}], "floats": [0.1, 1.0, 1e16, 1e-5, 123456789.125, 5e-324, -0.0, 1e15, 0.0001],
}

# Expressions, written as {{ ... }}.
EXPRESSIONS = r"""
x
x + 1
x - 10
x * 3
x / 2
x // 2
x % 3
n // 2
n % 2
n % -2
7 // -2
7 % -2
-7 // 2
-7 % 2
7.5 // 2
-7.5 // 2
7.5 % -2
-7.5 % 2
1 / 3
4 / 2
2 ** 10
2 ** -1
2 ** 0.5
(2 ** 3) ** 2
-2 ** 2
x / 0
x // 0
x % 0
x + f
f * 2
f - f
big + 1
big * 1.0
0.1 + 0.2
1e3
1.5e-3
1_000
1_0.2_5
007
00
9223372036854775807
1 + true
true + true
-true
+x
-x
- x
--x
-f
x + s
s + x
s + s
s + nil
nil + 1
s * 2
2 * s
s * -1
s * 0
l + [6]
l + (6,)
l * 2
el * 5
(1,) * 3
(1, 2) + (3,)
d + d
x ~ s ~ nil ~ t ~ f
"a" ~ 1 + 2
1 + 2 ~ "a"
s ~ undefined_thing ~ "|"
x == 7
x == 7.0
x == "7"
t == 1
no == 0
nil == none
nil == no
l == [1, 2, 3, 4, 5]
l == (1, 2, 3, 4, 5)
d == {"a": "two", "b": 1, "c": [1, 2]}
el == ed
x != 7
x != 8
s != "Hello World"
x < 8
x <= 7
x > 7
x >= 8
1 < x < 10
1 < x > 10
1 < 2 < 3 < 4
1 == 1.0 == true
3 > 2 > 1 > 2
s < "I"
"a" < "B"
"a" < 1
[1, 2] < [1, 3]
[1, 2] < [1, 2, 0]
(1, 2) <= (1, 2)
[1] < (1,)
nil < 1
undefined_thing < 1
undefined_thing == undefined_other
undefined_thing == nil
undefined_thing != 1
"World" in s
"world" in s
"" in s
3 in l
9 in l
"b" in d
"z" in d
1 in d
3 not in l
"x" not in s
not x in l
1 in s
1 in 5
"a" in nil
"a" in undefined_thing
[1] in d
true in [1]
x and s
x and nil
nil and x
nil or s
empty or el or "last"
x or s
not x
not nil
not not x
not x == 7
t and not no
x if t else s
x if no else s
x if no
(x if no) ~ "|"
"a" if t else "b" if t else "c"
"a" if no else "b" if t else "c"
nil is none
x is none
x is not none
x is defined
undefined_thing is defined
undefined_thing is not defined
undefined_thing is undefined
nil is defined
d.a is defined
d.zz is defined
d.zz is undefined
s is string
x is string
x is number
f is number
t is number
s is number
x is integer
t is integer
f is integer
f is float
x is float
t is boolean
x is boolean
t is true
1 is true
no is false
0 is false
d is mapping
l is mapping
l is sequence
d is sequence
s is sequence
x is sequence
(1, 2) is sequence
range(3) is sequence
d.items() is sequence
undefined_thing is sequence
l is iterable
s is iterable
d is iterable
x is iterable
nil is iterable
undefined_thing is iterable
(l | map("string")) is iterable
x is odd
x is even
n is odd
f is odd
8 is divisibleby 4
8 is divisibleby(3)
x is eq 7
x is equalto 8
x is ne 7
x is gt 5
x is lt(5)
x is ge 7
x is le 6
x is sameas x
nil is sameas none
t is sameas true
3 is in l
3 is in [1, 2]
s is lower
"abc" is lower
"ABC" is upper
"123" is upper
range is callable
x is callable
"upper" is filter
"nofilter" is filter
"odd" is test
s is escaped
x is defined and s is string
x is string or s is string
not x is string
x is not string and t
x is odd is true
undefined_thing is odd
s is odd
l is lt 3
"abc"
'abc'
"a" "b" 'c'
"it's"
'say "x"'
"tab\there"
"nl\nx"
"q\"q"
'q\'q'
"\\ \/ \d"
"\x41\u00e9\U0001F600"
"\101\7x"
"a\
b"
"\x4"
"é世界"
true
True
false
None
none
[]
[1, "a", none, true, 2.5]
[1, 2,]
()
(1,)
(1, 2)
1, 2
(x)
((x))
{}
{"a": 1}
{"a": 1, "b": [1, {"c": none}],}
{"a": 1, "a": 2}
{1: "x", true: "y", 1.0: "z"}
{none: 1, 2.5: 2}
{(1, 2): 3}
{[1]: 2}
{"a": {"b": {"c": 1}}}
{"a": {"b": 1}}["a"]["b"]
d
d.a
d["a"]
d.c[1]
d.c.1
d.zz
d["zz"]
d.zz.yy
d["zz"]["yy"]
undefined_thing
undefined_thing.a
undefined_thing["a"]
undefined_thing()
undefined_thing + 1
undefined_thing ~ 1
nil.a
nil["a"]
nil.a.b
x.a
x[0]
s.a
s[0]
s[-1]
s[99]
s[1.5]
s["x"]
u[1]
u[6]
u[-2]
l[0]
l[-1]
l[5]
l[-6]
l[true]
l["x"]
l.x
l[x]
l[1:3]
l[:2]
l[3:]
l[:]
l[::2]
l[::-1]
l[-2:]
l[:-1]
l[4:1:-1]
l[10:]
l[-100:100]
l[::0]
l[1:4:2]
l[none:2]
l["a":2]
l[5:0:-2]
l[::-3]
l[:-10:-1]
s[1:4]
s[::-1]
s[-3:]
s[::3]
s[8:2]
u[1:8]
u[::-1]
(1, 2, 3)[1:]
x[1:]
d[1:]
nil[1:]
undefined_thing[1:]
nested.k.list[1].v
nested["k"]["list"][0]["v"]
d.items()
d.keys()
d.values()
d.items() | list
d.keys() | list
d.values() | list
d.get("a")
d.get("zz")
d.get("zz", 5)
d.get()
d.items
{"items": 3}.items
{"items": 3}["items"]
d.copy()
d.pop("a")
d.update({})
d.clear()
d.setdefault("a", 1)
l.append(1)
l.insert(0, 1)
l.sort()
l.index(3)
l.index(9)
l.count(2)
(1, 2, 2).count(2)
(1, 2).append(3)
s.upper()
s.lower()
s.title()
s.capitalize()
"hello wORLD it's".title()
"hELLO".capitalize()
"straße".upper()
u.upper()
"ÀÉ".lower()
s.strip()
ws.strip()
ws.lstrip()
ws.rstrip()
"xxabcxx".strip("x")
"xyabcyx".strip("yx")
"xxabcxx".lstrip("x")
"xxabcxx".rstrip("x")
"abc".strip("")
"é a é".strip("é ")
"\n\nabc\n".strip("\n")
"abc".strip(1)
"a,b,c".split(",")
"a,b,c".split(",", 1)
"a,b,c".split(",", maxsplit=1)
"a,b,c".split(sep=",")
"a,b,c".rsplit(",", 1)
" a  b c ".split()
" a  b c ".split(none, 1)
" a  b c ".rsplit(none, 1)
" a  b c ".split(" ")
"".split()
"".split(",")
"abc".split("")
"a<t>b<t>c".split("<t>")[-1]
"a<t>b".split("<t>")[0]
"aaa".split("aa")
"aaa".rsplit("aa")
"one\ntwo\r\nthree\n\nfive".splitlines()
lines.splitlines()
lines.splitlines(true)
"\n".splitlines()
"".splitlines()
s.startswith("Hello")
s.startswith("World")
s.startswith(("x", "He"))
s.startswith("World", 6)
s.startswith("")
s.startswith("", 99)
s.startswith("Hello", 0, 3)
s.startswith(1)
s.startswith(["H"])
s.startswith()
s.endswith("World")
s.endswith("Hello", 0, 5)
s.endswith(("d", "x"))
s.replace("o", "0")
s.replace("o", "0", 1)
s.replace("", "-")
s.replace("", "-", 3)
s.replace("l", "")
s.replace("zz", "y")
u.replace("世", "W")
s.replace("o")
s.replace("o", 1)
s.find("o")
s.find("o", 5)
s.find("zz")
s.find("o", -3)
s.find("", 99)
s.rfind("o")
s.index("W")
s.index("zz")
s.rindex("o")
u.find("界")
s.count("l")
s.count("")
", ".join(["a", "b"])
", ".join(words)
", ".join(l)
", ".join("abc")
"".join([])
", ".join(d)
"abc".isalpha()
"ab1".isalpha()
"ab1".isalnum()
"123".isdigit()
"12a".isdigit()
"".isdigit()
"123".isdecimal()
"é".isalpha()
" \t".isspace()
"".isspace()
"ABC".isupper()
"AbC".isupper()
"abc1".islower()
"123".islower()
"prefix-x".removeprefix("prefix-")
"x-suffix".removesuffix("-suffix")
"abc".removeprefix("z")
"a=b=c".partition("=")
"a=b=c".rpartition("=")
"abc".partition("=")
"abc".rpartition("=")
"abc".partition("")
"abc".nomethod()
"abc".nomethod
"abc".__class__
"abc".__class__.__mro__
x.__class__
s | upper
s | lower
s | title
"foo-bar (baz) it's <x>" | title
"hello WORLD" | capitalize
x | upper
nil | upper
s | length
u | length
l | length
d | length
empty | length
x | length
nil | length
undefined_thing | length
range(5) | length
d.items() | length
(l | map("string")) | length
l | count
ws | trim
"xxaxx" | trim("x")
x | trim
nil | trim
undefined_thing | trim ~ "|"
s | replace("o", "0")
s | replace("o", "0", 1)
s | replace("World", x)
x | replace("7", "8")
s | replace(old="l", new="L", count=2)
undefined_thing | default("dflt")
nil | default("dflt")
empty | default("dflt")
empty | default("dflt", true)
nil | default("dflt", boolean=true)
x | default("dflt")
undefined_thing | d(5)
undefined_thing | default ~ "|"
undefined_thing.foo | default(1)
d.zz | default(1)
d.zz.yy | default(1)
l | join
l | join(", ")
words | join("-")
l | join(d="+")
people | join(", ", attribute="name")
s | join("-")
el | join(", ")
mixed | join(",")
nil | join
undefined_thing | join(",") ~ "|"
l | first
l | last
s | first
s | last
el | first
el | last
el | first is defined
(el | first) is defined
d | first
d | last
undefined_thing | first
undefined_thing | last
x | first
l | list
s | list
d | list
(1, 2) | list
range(3) | list
x | list
undefined_thing | list
d | items | list
undefined_thing | items | list
l | items | list
d | dictsort
d | dictsort(reverse=true)
{"b": 2, "A": 1, "c": 0} | dictsort
{"b": 2, "A": 1, "c": 0} | dictsort(true)
{"b": 2, "A": 1, "c": 0} | dictsort(by="value")
{"b": 2, "A": 1, "c": 0} | dictsort(false, "value", true)
l | dictsort
words | sort
words | sort(reverse=true)
words | sort(case_sensitive=true)
words | sort(true, true)
[3, 1, 2] | sort
[3, "a", 2] | sort
people | sort(attribute="age") | map(attribute="name") | join(",")
people | sort(attribute="age", reverse=true) | map(attribute="name") | join(",")
people | sort(attribute="name") | map(attribute="name") | list
[[2, "b"], [1, "z"], [2, "a"]] | sort
d | sort
s | sort | join
l | reverse | list
s | reverse
u | reverse
d | reverse | list
x | reverse
words | unique | list
words | unique(true) | list
[1, 1.0, true, 2] | unique | list
people | unique(attribute="age") | map(attribute="name") | list
l | min
l | max
words | min
words | max
words | max(case_sensitive=true)
people | min(attribute="age")
people | max(attribute="age")
el | min
el | max | default("none")
[1, "a"] | max
l | sum
people | sum(attribute="age")
el | sum
l | sum(start=10)
[0.5, 1] | sum
["a"] | sum
"42" | int
" 42 " | int
"-42" | int
"+42" | int
"42.9" | int
"abc" | int
"abc" | int(-1)
"abc" | int(default=5)
"" | int
f | int
-2.7 | int
(-2.7) | int
t | int
nil | int
l | int
undefined_thing | int
"1e3" | int
"2.5" | float
"abc" | float
"abc" | float(1.5)
x | float
"1e3" | float
"inf" | float
" 1.5 " | float
nil | float
x | string
nil | string
f | string
l | string
s | string
x | string | length
-5 | abs
(-5) | abs
n | abs
-2.5 | abs
t | abs
s | abs
2.5 | round
3.5 | round
-2.5 | round
2.567 | round(2)
2.675 | round(2)
7 | round
7 | round(2)
2.1 | round(method="ceil")
2.9 | round(0, "floor")
2.123 | round(2, "ceil")
x | round(1, "floor")
s | round
2.5 | round(method="bad")
"a\nb\n\nc" | indent
"a\nb\n\nc" | indent(2)
"a\nb\n\nc" | indent(2, true)
"a\nb\n\nc" | indent(2, true, true)
"a\nb" | indent(width="> ")
"a\nb\n" | indent(2)
"" | indent
x | indent
l | map("string") | list
words | map("upper") | list
words | map("replace", "a", "4") | list
people | map(attribute="name") | list
people | map(attribute="tags.0") | list
people | map(attribute="tags", default="-") | list
people | map(attribute="zz") | list
nested.k.list | map(attribute="v") | sum
[[1, 2], [3, 4]] | map("first") | list
[[1, 2], [3, 4]] | map(attribute=1) | list
[" a ", " b "] | map("trim") | join("|")
mixed | select | list
mixed | reject | list
l | select("odd") | list
l | reject("odd") | list
l | select("gt", 2) | list
l | select(">", 2) | list
l | select("in", [1, 5]) | list
mixed | select("string") | list
people | selectattr("tags") | map(attribute="name") | list
people | rejectattr("tags") | map(attribute="name") | list
people | selectattr("age", "equalto", 30) | map(attribute="name") | list
people | selectattr("age", "==", 30) | list | length
people | selectattr("tags", "defined") | list | length
people | selectattr("tags", "undefined") | list | length
people | rejectattr("age", "gt", 26) | map(attribute="name") | first
msgs | selectattr("role", "equalto", "user") | map(attribute="content") | list | last
msgs | selectattr("role", "in", ["user", "system"]) | list | length
d | tojson
tool | tojson
tool | tojson(indent=2)
tool | tojson(indent=4)
tool | tojson(indent=none)
tool | tojson(indent=0)
tool | tojson(indent="--")
tool | tojson(separators=(",", ":"))
tool | tojson(indent=2, separators=(",", ": "))
d | tojson(sort_keys=true)
u | tojson
u | tojson(ensure_ascii=true)
quotes | tojson
lines | tojson
mixed | tojson
floats | tojson
el | tojson
ed | tojson
[[], {}] | tojson(indent=2)
nil | tojson
t | tojson
x | tojson
(1, 2) | tojson
{1: 2, none: 3, true: 4, 2.5: 5} | tojson
undefined_thing | tojson
{"a": undefined_thing} | tojson
range(3) | tojson
d.items() | tojson
"<&>'" | tojson
"\x7f\u2028" | tojson
floats
floats | join(" ")
quotes
[quotes]
[u, ws]
["it's"]
["\x7f\u200b\u00ad\ue000\U000e0001"]
["\n\t\r\\"]
['a"b', "a'b", "a'\"b"]
[nil, t, 1.0]
(nil,)
{"k": "v's"}
[undefined_thing]
range(3)
range(1, 4)
range(0, 10, 3)
range(5, 0, -2) | list
range(0) | list
range(3)[1]
range(3)[-1]
range(1.5)
range(1, 2, 0)
range()
range(100001) | length
range(3) == range(3)
2 in range(3)
dict(a=1, b=2)
dict({"a": 1}, b=2)
dict([("a", 1), ("b", 2)])
dict()
namespace(a=1).a
namespace({"a": 1}, b=2).b
namespace(a=1).zz
strftime_now("%Y-%m-%d")
strftime_now("%d %b %Y")
strftime_now("%A, %B %d, %Y %H:%M:%S %p %I %j %y %a %e %%")
strftime_now("%-d/%-m")
strftime_now("%F %T")
strftime_now("plain é")
strftime_now(1)
raise_exception("stop")
raise_exception()
x()
s()
s.upper
"a".upper().lower().upper()
"A,B".lower().split(",") | join("+")
(s | lower).split(" ")[1] | title
s | lower | replace(" ", "_") | upper
-1 | abs
- 1 | abs
-x | abs
1 + 2 | string ~ "x"
s.split(" ") | first | lower
x | nofilter
x is notest
x.y.z
l[0
{{ x
x +
+ 
x y
1 2
if
x if
(1, 2
[1, 2
{"a" 1}
{"a": }
d.
d..a
x |
x | 1
x is
"abc
'abc\'
f(1=2)
s.replace(old="o", "x")
$
x ? y
a.b.c
x; y
x := 3
not
x and
x in
*x
1 if
lambda: 1
"%s" % x
"%s" | format(x)
x ** 2 ** 3
"a".format()
"{}".format(x)
"a".encode()
"a".zfill(3)
"a".center(5)
x.bit_length()
l.pop()
u | e
"<a>&'\"" | e
"<a>" | escape
"<a>" | safe
("<a>" | safe) ~ "<b>"
("<a>" | safe) | upper
("<a>" | safe) + "<b>"
d | tojson | safe
d | safe
("<a>" | safe) | length
("<a>" | safe) == "<a>"
l | batch(2) | list
l | random
l | slice(2) | list
people | groupby("age") | list
s | wordcount
s | truncate(5)
"a b" | urlencode
d | xmlattr
0x10
0b11
1__0
l | sort(attribute="a,b")
"12" | int(base=16)
"1_000" | int
l[1, 2]
café
9223372036854775807 + 1
9223372036854775808
2 ** 64
big * big
-9223372036854775807 - 2
10 ** 18 * 10
big / 3
s[:big]
l[-9223372036854775807:9223372036854775807]
l[::9223372036854775807]
l[::-9223372036854775807]
l * 0
1e400
1e308 * 10
2.0 ** 5000
"nan" | float
("nan" | float) < 1
("nan" | float) == ("nan" | float)
0.0 == -0.0
1e22
1e100
[1e16, 1e15, 1e17]
123456789012345680.0
1.7976931348623157e308
100000000000000000.0 | int
1e20 | int
3 // 0.5
3 % 0.7
-0.0
0 * -1.0
[1, 2] == [1.0, 2.0]
[1, [2, [3]]] == [1, [2, [3]]]
{"a": 1} == {"a": 1.0}
{"a": 1} != {"a": 2}
"é" < "z"
"z" < "é"
"a" in ["a", "b"]
"a" in ("b",)
"ab" in ["a", "b"]
none in [none]
undefined_thing in [1]
undefined_thing in l
{} in [{}]
not (x == 7 and t)
x == 7 and t or no
no or no and t
1 if x > 5 else 2 if x > 3 else 3
(1 if t else 2) + 3
1 + 2 * 3 - 4 / 2
(1 + 2) * 3
2 * 3 ** 2
-3 % 5
10 - 2 - 3
100 // 7 % 4
1 ~ 2 ~ 3
1 ~ 2 * 3
"a" + "b" ~ "c"
"a" ~ "b" + "c"
x == 7 ~ ""
t and x | string
(x, s)[0]
[x, s][1][0]
{"a": l}.a[1:]
s[1:][0]
words[0][::-1] | upper
loop
loop.index
caller
varargs
msgs[0]["role"] | capitalize + ": " + msgs[0]["content"] | trim + "<|e|>"
msgs[1:] | map(attribute="role") | join("/")
msgs[-1].role == "assistant"
msgs | length - 1
msgs[msgs | length - 1].role
("a" if msgs[0].role == "system" else "b") ~ "!"
"tool_calls" in msgs[0]
"role" in msgs[0]
msgs[0].tool_calls is defined
msgs[0].tool_calls
msgs[0].tool_calls[0]
msgs[0].get("tool_calls")
msgs[0].get("tool_calls", [])[0] | default("none")
"a".join(["b"] * 3)
"x" * 3 ~ "y"
l | map("upper") | list
[true, none, 1.5] | map("lower") | list
"Élan vital" | title
"ŉ".upper()
"ΑΣ".lower()
"ΑΣ" | lower
"٣".isdigit()
"²".isdigit()
"Ⅷ".isalnum()
"x²".isalnum()
"""

# Whole templates.
TEMPLATES = [
    # Text and white space.
    "", "\n", "\n\n", "a\n", "a\n\n", "a\r\nb\rc\n", "plain text", "a { b } c", "{", "{x", "a {", "{ {", "100%", "#}", "}}", "%}",
    "{{ x }}\n", "{{ x }}\n\n", "{% if t %}a{% endif %}\n", "{% if t %}\na\n{% endif %}\nb\n", "  {% if t %}\n  a\n  {% endif %}\n  b",
    "x  {% if t %}a{% endif %}  y", "\t{% if t %}a{% endif %}", "a\n \t {% if t %}b{% endif %}", "{%- if t %}a{% endif -%}  b",
    "a  {%- if t -%}  b  {%- endif -%}  c", "a \n\n {{- x -}} \n\n b", "a {{- x }} b {{ x -}} c", "a\n  {{ x }}\n  b", "  {%+ if t %}a{% endif %}",
    "  {%+ if t +%}\na{% endif %}", "{% if t +%}\na{% endif +%}\nb", "{% if t -%}\n  a{% endif %}", "a\u00a0\u2003{%- if t -%}\u00a0 b{% endif %}",
    "{# c #}a", "a{# c #}\nb", "a\n  {# c #}\n  b", "a  {#- c -#}  b", "a {#+ c +#}\nb", "{# {{ x }} {% if %} #}a", "{# unclosed", "{#- a -#}\n\n{#- b -#}\n c",
    "{##}a", "{#-#}a", "{#}a", "{% raw %}{{ x }}{% if %}{% endraw %}", "{%- raw -%}  {{ x }}  {%- endraw -%}  b", "{% raw %}\n a\n{% endraw %}\nb",
    "  {% raw %}\n  x\n  {% endraw %}\n", "{% raw %}", "{% raw %}{% endraw", "{% raw +%}x{% endraw %}", "{%+ raw %}x{%+ endraw +%}\ny", "{% endraw %}",
    "{% raw %}{# c #}{% endraw %}", "{{ '{{' }}", "{{ '%}' }}", "{{ '}}' }}", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}}}", "{% set a = {'b': {}} %}{{ a }}",
    "{{ x", "{{ x }", "{{ x %}", "{% if t }}a{% endif %}", "{% if t", "{{ }}", "{{}}", "{% %}", "{{ (1, }}", "{{ x)}}", "{{ [1) }}",
    "{%if t%}a{%endif%}", "{{x}}{{-x-}}", "{{\n x \n}}", "{% if\n t\n %}a{% endif %}", "a{{ '\n' }}b\n", "a\n{{ '\n' }}", "{{ 'a\r\nb' }}",
    "{%- set q = 1 -%}\n\n{{ q }}", "line one\n{%- if t %} joined{% endif %}\nline two", "{{ x }}\n{{ x }}\n", " {{ x }} ", "\n\n{% if t %}a{% endif %}\n\n",
    "a{% if t %} \n b{% endif %}", "{% if t %}\n\nb{% endif %}", "a\n{% if no %}x{% endif %}\nb", "\u3000{% if t %}a{% endif %}", "é{{- x -}}é",
    # if
    "{% if x %}a{% endif %}", "{% if no %}a{% else %}b{% endif %}", "{% if no %}a{% elif x == 7 %}b{% else %}c{% endif %}",
    "{% if no %}a{% elif no %}b{% elif t %}c{% elif t %}d{% endif %}", "{% if no %}a{% elif no %}b{% endif %}|", "{% if t %}{% if no %}a{% else %}b{% endif %}{% endif %}",
    "{% if t %}a", "{% if %}a{% endif %}", "{% endif %}", "{% else %}", "{% elif x %}", "{% if t %}a{% else %}b{% else %}c{% endif %}", "{% if t %}a{% endfor %}",
    "{% if t %}{% endif %}|", "{% if undefined_thing %}a{% else %}b{% endif %}", "{% if undefined_thing.a %}a{% endif %}", "{% if t and no or t %}a{% endif %}",
    "{% if (t) %}a{% endif %}", "{% if not(t) %}a{% else %}b{% endif %}", "{% if 1, 2 %}a{% endif %}", "{% if t %}a{% endif x %}", "{% if x is defined and x is not none %}a{% endif %}",
    "{% if t %}{% set y = 1 %}{% endif %}{{ y }}", "{% if no %}{% set y = 1 %}{% endif %}{{ y is defined }}", "{% if el %}a{% elif ed %}b{% elif '' %}c{% elif 0 %}d{% elif 0.0 %}e{% else %}f{% endif %}",
    # for
    "{% for i in l %}{{ i }}{% endfor %}", "{% for i in el %}{{ i }}{% else %}none{% endfor %}", "{% for i in l %}{{ i }}{% else %}none{% endfor %}",
    "{% for k in d %}{{ k }}{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in d | items %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in d | dictsort %}{{ k }}={{ v }};{% endfor %}", "{% for c in s %}{{ c }}.{% endfor %}", "{% for c in u %}{{ c }}.{% endfor %}", "{% for i in range(3) %}{{ i }}{% endfor %}",
    "{% for i in undefined_thing %}a{% else %}b{% endfor %}", "{% for i in nil %}a{% endfor %}", "{% for i in x %}a{% endfor %}", "{% for i in 1, 2, 3 %}{{ i }}{% endfor %}", "{% for i in (1, 2) %}{{ i }}{% endfor %}",
    "{% for a, b in [[1, 2], [3, 4]] %}{{ a }}-{{ b }} {% endfor %}", "{% for a, b in [[1, 2, 3]] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for a, b in ['xy'] %}{{ b }}{{ a }}{% endfor %}",
    "{% for (a, b) in [[1, 2]] %}{{ a }}{{ b }}{% endfor %}", "{% for a, (b, c) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, in [[1]] %}{{ a }}{% endfor %}",
    "{% for i in l if i is odd %}{{ i }}{% endfor %}", "{% for i in l if i > 9 %}{{ i }}{% else %}none{% endfor %}", "{% for i in l if i is odd %}{{ loop.index }}/{{ loop.length }} {% endfor %}",
    "{% for m in msgs if m.role != 'system' %}{{ m.role }}{{ loop.first }}{{ loop.last }} {% endfor %}", "{% for i in (l if t else el) %}{{ i }}{% endfor %}", "{% for i in l | reverse %}{{ i }}{% endfor %}",
    "{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for i in l %}{{ loop.previtem | default('-') }}{{ loop.nextitem | default('-') }} {% endfor %}", "{% for i in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}",
    "{% for i in [1] %}{{ loop.previtem.a }}{% endfor %}", "{% for i in l %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in l %}{{ loop.cycle() }}{% endfor %}", "{% for i in l %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}",
    "{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{{ loop.depth }} {% endfor %}{{ loop.index }}|{% endfor %}", "{% for i in [1, 2] %}{% set outer = loop %}{% for j in 'ab' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
    "{% for i in l %}{{ loop.zz }}{% endfor %}|", "{% for i in l %}{{ loop.zz.y }}{% endfor %}", "{% for i in l %}{% endfor %}{{ loop }}", "{% for i in l %}{% endfor %}{{ i }}", "{{ loop.index }}",
    "{% for i in l %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for i in l %}{% if i == 3 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "{% for i in l %}{% break %}{% else %}e{% endfor %}",
    "{% break %}", "{% continue %}", "{% if t %}{% break %}{% endif %}", "{% for i in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "{% for i in [1, 2] %}{% for j in [1, 2] %}{% break %}{% endfor %}{{ i }}{% endfor %}",
    "{% set y = 1 %}{% for i in l %}{% set y = y + i %}{{ y }} {% endfor %}{{ y }}", "{% set ns = namespace(y=0) %}{% for i in l %}{% set ns.y = ns.y + i %}{% endfor %}{{ ns.y }}",
    "{% for i in l %}{% if loop.first %}{% set z = i %}{% endif %}{{ z }}{% endfor %}", "{% for i in l %}{% set z = i %}{% endfor %}{{ z }}|", "{% set i = 9 %}{% for i in l %}{% endfor %}{{ i }}", "{% for x in [x, x] %}{{ x }}{% endfor %}{{ x }}",
    "{% for l in l %}{{ l }}{% endfor %}", "{% for i in l %}{% for i in [i, i] %}{{ i }}{% endfor %}{{ i }}{% endfor %}", "{% for i in l -%}\n  {{ i }}\n{%- endfor %}", "{% for i in l %}\n{{ i }}\n{% endfor %}", "{% for i in l %}\n  {{ i }},\n{% endfor %}\nend",
    "{% for i in l recursive %}{{ i }}{% endfor %}", "{% for %}{% endfor %}", "{% for i %}{% endfor %}", "{% for i in %}{% endfor %}", "{% for i in l %}", "{% for 1 in l %}{% endfor %}", "{% for i.a in l %}{% endfor %}", "{% for true in l %}{% endfor %}",
    "{% for i in l %}{% endif %}", "{% for i in l, %}{{ i }}{% endfor %}", "{% for m in messages %}{% endfor %}|", "{% for p in people %}{{ p.name }}:{{ p.tags | default([]) | join }};{% endfor %}",
    "{% set g = l | map('string') %}{% for i in g %}{{ i }}{% endfor %}|{% for i in g %}{{ i }}{% endfor %}", "{% set g = l | select('odd') %}{{ g | list }}{{ g | list }}", "{% for i in l | select('odd') %}{{ loop.last }}{% endfor %}",
    "{% for i in d.values() %}{{ i }}{% endfor %}", "{% for m in msgs[::-1] %}{{ (msgs | length - 1) - loop.index0 }}{{ m.role }} {% endfor %}", "{% for m in msgs %}{% if (m.role == 'user') != (loop.index0 % 2 == 1) %}x{% endif %}{% endfor %}",
    "{% for i in range(3) %}{{ i }}{{ ', ' if not loop.last }}{% endfor %}", "{% for i in l %}{{ loop }}{% endfor %}", "{% for i in l %}{{ loop(i) }}{% endfor %}", "{% for i in l %}{{ loop.changed(i) }}{% endfor %}",
    # set
    "{% set y = 5 %}{{ y }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1, 2] %}{{ a }}{{ b }}", "{% set a, b = 'xy' %}{{ b }}{{ a }}", "{% set a, b = 1 %}", "{% set a, b = 1, 2, 3 %}", "{% set a = 1, 2 %}{{ a }}",
    "{% set (a, b) = (1, 2) %}{{ a }}{{ b }}", "{% set x = x + 1 %}{{ x }}", "{% set y = y %}{{ y }}|", "{% set s = s ~ '!' %}{% set s = s ~ '?' %}{{ s }}", "{% set y %}block {{ x }}{% endset %}{{ y }}|{{ y | length }}",
    "{% set y | upper %}block{% endset %}{{ y }}", "{% set y | replace('b', 'c') | title %}a b{% endset %}{{ y }}", "{% set y %}{% set z = 1 %}{% endset %}{{ z }}|", "{% set y %}\n  a\n{% endset %}[{{ y }}]", "{% set y %}{% endset %}{{ y is string }}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}", "{% set ns = namespace(a=[]) %}{% set ns.a = ns.a + [1] %}{% set ns.a = ns.a + [2] %}{{ ns.a }}", "{% set d.a = 1 %}", "{% set x.a = 1 %}", "{% set undefined_thing.a = 1 %}",
    "{% set ns = namespace(a=1) %}{% set m = ns %}{% set m.a = 2 %}{{ ns.a }}", "{% set ns = namespace(a=1) %}{{ ns['a'] }}{{ ns.b is defined }}", "{% set ns = namespace() %}{% set ns.x %}b{{ x }}{% endset %}{{ ns.x }}", "{% set ns = namespace() %}{{ ns }}",
    "{% set = 1 %}", "{% set 1 = 1 %}", "{% set y %}", "{% set y = %}", "{% set true = 1 %}", "{% set none = 1 %}", "{% set d['a'] = 1 %}", "{% set y == 1 %}", "{% set a = b = 1 %}", "{% set a.b.c = 1 %}",
    "{% set y = x if no %}{{ y is defined }}", "{% set y = 1 if no else 2 %}{{ y }}", "{% set loop_messages = msgs %}{% for m in loop_messages %}{{ m.role }}{% endfor %}", "{% set msgs = msgs[1:] %}{{ msgs | length }}",
    # macros
    "{% macro m() %}a{% endmacro %}{{ m() }}{{ m() }}", "{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m(1) }}{{ m(a=2) }}{{ m() }}", "{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, b=4) }}{{ m(b=5, a=6) }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m(a=x) %}{{ a }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}{{ m() }}", "{% macro m(a) %}{{ a }}{{ varargs | length }}{% endmacro %}{{ m(1, 2, 3) }}", "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a.b }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ x }}{% endmacro %}{{ m() }}", "{% macro m() %}{% set x = 1 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}", "{% set y = 1 %}{% macro m() %}{{ y }}{% endmacro %}{% set y = 2 %}{{ m() }}", "{% macro m() %}{{ y }}{% endmacro %}{% set y = 2 %}{{ m() }}",
    "{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m() %}{{ i }}{% endmacro %}{% for i in l %}{{ m() }}{% endfor %}|", "{% for i in [1] %}{% macro m() %}a{% endmacro %}{% endfor %}{{ m is defined }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}", "{% macro f(v) %}{% if v is mapping %}{% for k, w in v | items %}({{ k }}{{ f(w) }}){% endfor %}{% else %}{{ v }}{% endif %}{% endmacro %}{{ f(nested) }}",
    "{% macro m() %}  a  {% endmacro %}[{{ m() }}][{{ m() | trim }}][{{ m() | length }}]", "{% macro m(a) -%}\n  {{ a }}\n{%- endmacro %}{{ m(1) }}", "{% macro m() %}a{% endmacro %}{{ m() ~ m() }}{{ m() + 'b' }}", "{% macro m() %}a{% endmacro %}{% set y = m() %}{{ y is string }}",
    "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 3, 'b': 4}) }}{{ m(5, *[6]) }}", "{% macro m(a) %}{{ m.name }}{% endmacro %}{{ m() }}", "{{ m() }}{% macro m() %}a{% endmacro %}", "{% macro m(a, b=1, c) %}{% endmacro %}",
    "{% macro m %}{% endmacro %}", "{% macro m() %}", "{% macro m(1) %}{% endmacro %}", "{% macro %}{% endmacro %}", "{% macro m(a) %}{% set a = a ~ '!' %}{{ a }}{% endmacro %}{{ m('x') }}", "{% macro a() %}1{% endmacro %}{% macro b() %}{{ a() }}2{% endmacro %}{{ b() }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body {{ x }}{% endcall %}", "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}", "{% macro m(a) %}{{ a }}{{ caller() }}{% endmacro %}{% call m('x') %}y{% endcall %}",
    "{% macro m() %}a{% endmacro %}{% call m() %}b{% endcall %}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}", "{% call x %}{% endcall %}", "{% macro m(a, a2=1) %}{{ a }}{{ a2 }}{% endmacro %}{{ [m(1), m(2)] | join(',') }}",
    # filter blocks, with, generation
    "{% filter upper %}a{{ s }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}aab{% endfilter %}", "{% filter trim %}  a  {% endfilter %}|", "{% filter nofilter %}a{% endfilter %}", "{% with %}a{% endwith %}", "{% with y = 1 %}{{ y }}{% endwith %}{{ y }}|",
    "{% with y = 1, z = 2 %}{{ y }}{{ z }}{% endwith %}", "{% with a = x, b = 3 %}{% set c = a %}{{ c }}{% endwith %}{{ c }}|", "{% with x = x + 1 %}{{ x }}{% endwith %}{{ x }}", "{% with y = 1, z = y %}{{ z }}{% endwith %}|",
    "{% generation %}a{{ x }}{% endgeneration %}", "{%- generation -%}  a  {%- endgeneration -%}", "{% generation %}{% set y = 1 %}{% endgeneration %}{{ y }}|", "{% for i in l %}{% generation %}{{ i }}{{ loop.last }}{% endgeneration %}{% endfor %}", "{% generation %}",
    # cycler and joiner
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.next() }}", "{{ cycler() }}", "{% set j = joiner() %}{{ j() }}a{{ j() }}b{{ j() }}", "{% set j = joiner('|') %}{% for i in l %}{{ j() }}{{ i }}{% endfor %}",
    # statements that are not there
    "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% block a %}b{% endblock %}", "{% do x %}", "{% foo %}", "{% autoescape true %}a{% endautoescape %}", "{% trans %}a{% endtrans %}", "{% print x %}", "{% set %}", "{% endfor %}", "{% 1 %}", "{% x = 1 %}",
    # whole prompts
    "{% for m in msgs %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "{{ bos_token }}{% for m in msgs %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}",
    "{% if msgs[0]['role'] == 'system' %}{% set system_message = msgs[0]['content'] | trim %}{% set loop_messages = msgs[1:] %}{% else %}{% set loop_messages = msgs %}{% endif %}{{ system_message }}|{{ loop_messages | length }}",
    "{%- for m in msgs %}\n    {%- if m.role == 'user' %}\n        {{- '[INST] ' + m.content + ' [/INST]' }}\n    {%- elif m.role == 'assistant' %}\n        {{- ' ' + m.content | trim + ' ' }}\n    {%- endif %}\n{%- endfor %}\n",
    "{%- set tool_names = [] %}{%- for t in [tool] %}{%- set tool_names = tool_names + [t.function.name] %}{%- endfor %}{{ tool_names }}",
    "{% set content = '</think>a' %}{{ content.split('</think>')[-1].lstrip('\\n') if '</think>' in content else content }}",
]

UNSUPPORTED = r"""
"%s" % x
"%s" | format(x)
"a".format()
"{}".format(x)
"a".encode()
"a".zfill(3)
"a".center(5)
x.bit_length()
l.pop()
x is sameas x
s is odd
{"items": 3}.items
("<a>" | safe) ~ "<b>"
("<a>" | safe) | upper
("<a>" | safe) + "<b>"
l | batch(2) | list
l | random
l | slice(2) | list
people | groupby("age") | list
s | wordcount
s | truncate(5)
"a b" | urlencode
d | xmlattr
0x10
0b11
l | sort(attribute="a,b")
"12" | int(base=16)
"1_000" | int
l[1, 2]
café
9223372036854775807 + 1
9223372036854775808
2 ** 64
big * big
-9223372036854775807 - 2
10 ** 18 * 10
big / 3
1e400
1e20 | int
"²".isdigit()
"ŉ".upper()
"ΑΣ".lower()
"ΑΣ" | lower
{(1, 2): 3}
{"a".upper: 1}
d.items
s.upper
"\ud83d\ude00"
"\N{BULLET}"
l | map("string")
l | reverse
x | nofilter
x is notest
range(3)[1:]
range(100001) | length
"""

UNSUPPORTED_TEMPLATES = {
    "{% for i in l recursive %}{{ i }}{% endfor %}", "{% for i in l %}{{ loop }}{% endfor %}", "{% for i in l %}{{ loop.changed(i) }}{% endfor %}", "{% set ns = namespace() %}{{ ns }}", "{% include 'x' %}", "{% import 'x' as y %}",
    "{% extends 'x' %}", "{% block a %}b{% endblock %}", "{% do x %}", "{% foo %}", "{% autoescape true %}a{% endautoescape %}", "{% trans %}a{% endtrans %}", "{% print x %}", "{% x = 1 %}", "{% raw +%}x{% endraw %}", "{% filter nofilter %}a{% endfilter %}",
}


def one_a_line(text):
    """Lines of a list; one that ends in a backslash goes on in the next."""
    out, pending = [], ""
    for line in text.strip("\n").split("\n"):
        pending += line
        if line.endswith("\\") and not line.endswith("\\\\"):
            pending += "\n"
            continue
        out.append(pending)
        pending = ""
    return out


def main():
    env = environment()
    refused = {"{{ " + line + " }}" for line in one_a_line(UNSUPPORTED)} | UNSUPPORTED_TEMPLATES
    sources = ["{{ " + line + " }}" for line in one_a_line(EXPRESSIONS)] + TEMPLATES
    sources += sorted(refused - set(sources))
    cases = []
    for source in dict.fromkeys(sources):
        case = {"template": source, **render(env, source, copy.deepcopy(INPUTS))}
        if source in refused:
            case["unsupported"] = True
            case.pop("output", None)
        cases.append(case)
    out = pathlib.Path(__file__).with_name("cases.json")
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    out.write_text('{"inputs": ' + json.dumps(INPUTS, ensure_ascii=True) + ',\n"cases": [\n' + lines + "\n]}\n")
    print(len(cases), "cases,", sum("error" in case for case in cases), "errors,", len(refused), "not supported")


if __name__ == "__main__":
    main()
