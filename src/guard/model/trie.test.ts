import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buildTrie } from "./trie.ts";

describe("the trie of pieces", () => {
  const pieces = ["a", "ab", "abcd", "\u{1f600}", "\uffff", "b"];
  const trie = buildTrie(pieces);
  const walk = (text: string): number => {
    let node = 0;
    for (let at = 0; at < text.length && node !== -1; at++) node = trie.child(node, text.charCodeAt(at));
    return node;
  };

  it("leads to every piece", () => {
    for (const [id, piece] of pieces.entries()) assert.equal(trie.pieceAt(walk(piece)), id);
  });

  it("has nodes on the way to a piece that are none, and no others", () => {
    for (const part of ["", "abc", "\ud83d"]) assert.equal(trie.pieceAt(walk(part)), -1);
    for (const other of ["c", "ac", "abcde", "ba", "\0"]) assert.equal(walk(other), -1);
  });

  it("leads to each of many pieces that share their beginnings", () => {
    const many = Array.from({ length: 5000 }, (_, id) => (id * 7919).toString(3));
    const large = buildTrie(many);
    for (const [id, piece] of many.entries()) {
      let node = 0;
      for (let at = 0; at < piece.length; at++) node = large.child(node, piece.charCodeAt(at));
      assert.equal(large.pieceAt(node), id);
    }
  });
});
