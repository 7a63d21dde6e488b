/**
 * Items of a request that stand for what the upstream keeps. An `item_reference` says so. Others are taken for one where
 * they leave their content out: the upstream finds it under the item's id, as that of a reasoning item without
 * `encrypted_content`, or of a generated image without `result`. So does the container of a call that was made in one.
 *
 * Source: OpenAI API reference, «Create a model response», input items; guides «Image generation» and «Reasoning».
 *
 * @module
 */

import type { Unscanned } from "../../operation.ts";
import { idIn } from "../../read.ts";
import type { Fields } from "../../shape.ts";
import { isObject, WHY_REFERENCE } from "../../walk.ts";

/** The member that holds an item's content, where its id would do as well. An item without a type is a message. */
const CONTENT: ReadonlyMap<unknown, string> = new Map([
  [undefined, "content"],
  ["message", "content"],
  ["reasoning", "encrypted_content"],
  ["compaction", "encrypted_content"],
  ["image_generation_call", "result"],
]);

/** Members that say nothing beyond which item it is. */
const HEAD: ReadonlySet<string> = new Set(["id", "type", "status"]);

/** What `input` or `instructions` refers to beside its `item_reference`s, which its shape knows. */
export function keptItems(items: unknown, at: string): readonly Unscanned[] {
  if (!Array.isArray(items)) return [];
  return (items as readonly unknown[]).flatMap((item, index): Unscanned[] => {
    if (!isObject(item)) return [];
    const { container_id: container, environment, id } = item;
    const found = [
      { name: "id", value: item["type"] !== "item_reference" && isBare(item) ? id : undefined },
      { name: "container_id", value: container },
      { name: "environment/container_id", value: isObject(environment) ? environment["container_id"] : undefined },
    ];
    return found.flatMap(({ name, value }) =>
      typeof value === "string" && value !== ""
        ? [{ pointer: `${at}/${index}/${name}`, why: WHY_REFERENCE, size: value.length, kind: "reference" }]
        : [],
    );
  });
}

/** The containers that an item's code ran in. */
export function containersOf(item: unknown): readonly string[] {
  return [...idIn(item, "container_id"), ...idIn(isObject(item) ? item["environment"] : undefined, "container_id")];
}

function isBare(item: Fields): boolean {
  const content = CONTENT.get(item["type"] ?? undefined);
  if (content === undefined) return Object.keys(item).every((name) => HEAD.has(name));
  const value = item[content] ?? "";
  return value === "" || (Array.isArray(value) && value.length === 0);
}
