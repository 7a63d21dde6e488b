import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { utf8 } from "../../../../test/models/writer.ts";
import { xml } from "./xml.ts";

const net = (layers: string) => `<?xml version="1.0"?>\n<net name="m" version="11"><layers>${layers}</layers></net>`;
const constant = (rest: string) =>
  `<layer id="0" type="Const" version="opset1"><data element_type="f32" ${rest}/></layer>`;

describe("xml", () => {
  it("calls honest graphs and PMML clean, by content alone", () => {
    const clean = [
      net(constant('offset="0" size="24" shape="2, 3"')),
      net('<!-- <!ENTITY> --><layer id="1" type="ReLU" version="opset13" name="a > b"></layer>'),
      '<PMML version="4.4"><DataDictionary/><Extension name="x"/></PMML>',
      // Of another kind of XML, which a folder may hold.
      net("<includes><include>META-INF/x</include></includes><extension><version>1</version></extension>"),
      net("<rt_info><![CDATA[<!DOCTYPE x>]]></rt_info>"),
    ];
    for (const text of clean)
      assert.deepEqual(scanBytes(xml, utf8(text)), { verdict: "clean", rules: [], findings: [] });
  });

  const bad: readonly (readonly [string, string, string, string])[] = [
    [
      "an entity",
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><net name="a" version="11"/>',
      "xml.entity",
      "malicious",
    ],
    ["an entity of entities", '<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><net/>', "xml.entity", "malicious"],
    ["an entity of a word", '<!DOCTYPE a [<!ENTITY a "x">]><net/>', "xml.document-type", "suspicious"],
    ["a document type", '<!doctype net SYSTEM "http://x/y.dtd"><net/>', "xml.document-type", "suspicious"],
    [
      "a layer of an extension",
      net('<layer id="1" type="Mine" version="extension"/>'),
      "openvino.custom-layer",
      "suspicious",
    ],
    ["one in other quotes", net("<layer name='>' version = 'mine' type='x'/>"), "openvino.custom-layer", "suspicious"],
    [
      "a library",
      net('<layer id="1" type="x" version="opset1" library="/tmp/x.so"/>'),
      "openvino.library",
      "suspicious",
    ],
    ["an extension", net('<extension path="../x.so"/>'), "openvino.library", "suspicious"],
    ["an inclusion", net('<xi:include href="file:///etc/passwd" parse="text"/>'), "xml.include", "suspicious"],
    ["a negative place", net(constant('offset="-1" size="4"')), "openvino.weight-range", "suspicious"],
    ["a huge size", net(constant('offset="0" size="99999999999999999999"')), "openvino.weight-range", "suspicious"],
    ["a tag without an end", "<net name='x", "xml.broken", "inconclusive"],
    ["a comment without an end", "<net/><!-- ", "xml.broken", "inconclusive"],
    ["a tag of 20 KB", `<net ${"a".repeat(20_000)}>`, "xml.broken", "inconclusive"],
  ];
  it("reads both forms of UTF-16 without a mark", () => {
    const text = '<!DOCTYPE a [<!ENTITY x SYSTEM "y">]><net/>';
    for (const bytes of [Buffer.from(text, "utf16le"), Buffer.from(text, "utf16le").swap16()]) {
      assert.deepEqual(scanBytes(xml, bytes, "model.xml").rules, ["xml.document-type", "xml.entity"]);
    }
  });

  for (const [what, text, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const scanned = scanBytes(xml, utf8(text), "model.xml");
      assert.ok(scanned.rules.includes(rule), scanned.rules.join());
      assert.equal(scanned.verdict, verdict);
    });
  }
});
