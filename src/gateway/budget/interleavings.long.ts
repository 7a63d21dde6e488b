/**
 * Many more histories than every test run can take: 150 of each kind, or as many as `HOLDFAST_HISTORIES` says.
 */

process.env["HOLDFAST_HISTORIES"] ??= "150";

await import("./interleavings.test.ts");
