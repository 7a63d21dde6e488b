import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { scanBytes } from "../../../../test/models/scan.ts";
import { utf8 } from "../../../../test/models/writer.ts";
import { jinja } from "./jinja.ts";

const judge = (template: string) => scanBytes(jinja, utf8(template), "chat_template.jinja");

const BENIGN: readonly string[] = [
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' }}{% endfor %}",
  "{%- macro json_to_python_type(json_spec) %}{%- set basic_type_map = {'string': 'str', 'number': 'float'} %}{%- endmacro %}",
  "{{ raise_exception('Conversation roles must alternate user/assistant/…') }}",
  "{%- set ns = namespace(is_first=false, system_prompt='') -%}{%- set ns.is_first = true -%}{{ bos_token }}",
  "{{ tools | map(attribute='function.name') | list | tojson(indent=4) }}{{ x | selectattr('role', 'equalto', 'user') }}",
  "{# a comment with {{ ''.__class__ }} in it #}{{ strftime_now('%d %b %Y') }}",
  "{% set sys = messages[0] %}{{ sys.content }}{{ message.system }}{{ '__start__' + x + '__end__' }}",
  "{{ server.name ~ '__' ~ tool.name }}{{ {'a': {'b': 1}} }}{% generation %}{{ x }}{% endgeneration %}",
  "{% for i in range(10) %}{{ i * 2 }}{% endfor %}{{ messages[-1] }}{{ '}}' }}{% if a in b %}{% endif %}",
  "Do not use os.system or __class__ in plain text: it is text.",
];

const MALICIOUS: readonly string[] = [
  "{{ ''.__class__.__mro__[1].__subclasses__() }}",
  "{{ ''  .   __class__ }}",
  "{{ ''['__class__'] }}",
  "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
  "{{ ''['\\137\\137class\\137\\137'] }}",
  "{{ x|attr('__globals__') }}",
  "{{ x|map(attribute='__class__.__base__') }}",
  "{{ '{0.__class__}'.format(x) }}",
  "{{ x['__ssalc__'|reverse] }}",
  "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
  "{% set a = x.gi_frame.f_back %}",
  "{{ lipsum.__globals__ }}",
  "{{ x['__CLASS__'|lower] }}",
  "{{ self._TemplateReference__context }}",
  "{{ x.os.popen('id') }}",
  "{{ eval('1') }}",
  "{{ os.environ }}",
  "{{ subprocess.run }}",
  "{% if ''.__class__ %}{% endif %}",
  "{%- set x = ''.__class__ -%}",
  "{# ' #}{{ ''.__class__ }}{# ' #}",
  "{% raw %}{{ ' {% endraw %}{{ ''.__class__ }}{# ' }} #}",
  "{% raw %}{{ ''.__class__ }}{% endraw %}",
  "{{ {'a': {}} and ''.__class__ }}",
  "{{ ''.__cl\uff41ss__ }}",
  `${"x".repeat(200_000)}{{ ''.__class__ }}`,
  "{{ 'unended }} {{ ''.__class__",
];

const SUSPICIOUS: readonly (readonly [string, string])[] = [
  ["{{ x|attr(name) }}", "jinja.dynamic-attribute"],
  ["{{ x['__cla' ~ 'ss__'] }}", "jinja.split-name"],
  ["{{ x[['__cl', 'ass__']|join] }}", "jinja.split-name"],
  ["{{ x['%s%s'|format('__cl', 'ass__')] }}", "jinja.split-name"],
  ["{% set b = 'ass__' %}{% set a = '__cl' %}{{ x[a ~ b] }}", "jinja.split-name"],
  ["{{ x['__' ~ 'class' ~ '__'] }}", "jinja.split-name"],
  ["{{ '%c%c' % (95, 95) }}", "jinja.split-name"],
  ["{% set a = 'globals__' %}", "jinja.split-name"],
  ["{{ x[dict(__cla=1, ss__=1)|join] }}", "jinja.split-name"],
  ["{% set a = 'XXglobalsXX'|replace('X', '_') %}", "jinja.split-name"],
  ["{% set a = '%s%sclass%s%s'|format('_', '_', '_', '_') %}", "jinja.split-name"],
  ["{% set a = 'a__class__b'[1:-1] %}", "jinja.split-name"],
  ["{{ x['XX' ~ y] }}", "jinja.dynamic-attribute"],
  ["{{ x['__clXass__'.replace('X', '')] }}", "jinja.dynamic-attribute"],
  ["{{ x[y['a']|lower ~ 'b'] }}", "jinja.dynamic-attribute"],
  ["{{ x|map(attribute=y) }}", "jinja.dynamic-attribute"],
  ["{{ x|selectattr(y) }}", "jinja.dynamic-attribute"],
  ["{% set u = (lipsum|string|list)[18] %}", "jinja.dynamic-attribute"],
  ["{% set u = (cycler|string)[9] %}", "jinja.dynamic-attribute"],
  ["{% for i in range(10**9) %}{% endfor %}", "jinja.bomb"],
  ["{% include 'x' %}", "jinja.loads-template"],
  ["{%- from x import y %}", "jinja.loads-template"],
  ["{% for i in range(999999999) %}{% endfor %}", "jinja.bomb"],
  ["{{ 'a' * 100000000 }}", "jinja.bomb"],
];

describe("jinja", () => {
  for (const template of BENIGN) {
    it(`lets be: ${template.slice(0, 60)}`, () => {
      assert.deepEqual(judge(template), { verdict: "clean", rules: [], findings: [] });
    });
  }
  for (const template of MALICIOUS) {
    it(`stops: ${template.slice(0, 60)}`, () => {
      assert.equal(judge(template).verdict, "malicious");
    });
  }
  for (const [template, rule] of SUSPICIOUS) {
    it(`doubts: ${template.slice(0, 60)}`, () => {
      const judged = judge(template);
      assert.ok(judged.rules.includes(rule), judged.rules.join());
      assert.equal(judged.verdict, "suspicious");
    });
  }

  it("cannot judge what has no end", () => {
    for (const template of ["{{ x", "{% if", "{# never", "{{ 'x }}", "{% raw %} x"]) {
      assert.deepEqual(judge(template).rules, ["jinja.broken"], template);
      assert.equal(judge(template).verdict, "inconclusive");
    }
  });

  it("finds a payload wherever it stands in a template", () => {
    const piece = fc.constantFrom(...BENIGN, "{{ a }}", "text", "{# c #}", "'", '"', "{", "}", "%}");
    fc.assert(
      fc.property(fc.array(piece), fc.array(piece), (before, after) => {
        const template = `${before.join("")}{{ ''.__class__ }}${after.join("")}`;
        assert.notEqual(judge(template).verdict, "clean");
      }),
    );
  });

  it("ends on whatever repeats, which a search that starts anew each time would not", () => {
    for (const piece of ["{{", "{%", "{#", "'", "{% raw %}", "((((", "{{ a['", "__", "{{ '__a' ~", '\\"']) {
      assert.notEqual(judge(`{{ x ${piece.repeat(20_000)}`).verdict, "clean", piece);
    }
  });
});
