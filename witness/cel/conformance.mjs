// Takes the conformance tests of CEL out of the npm package @bufbuild/cel-spec, as JSON lines on stdout:
//   npm install @bufbuild/cel-spec@0.6.1 && node conformance.mjs > conformance.jsonl
// Suites about what the dialect does not have are left out; exceptions.tsv says which, and why.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const SUITES = [
  "basic", "comparisons", "conversions", "fields", "fp_math", "integer_math", "lists", "logic", "macros",
  "namespace", "parse", "plumbing", "string", "string_ext", "timestamps",
];

const require = createRequire(join(process.cwd(), "x.js"));
const entry = require.resolve("@bufbuild/cel-spec/testdata/conformance.js");
const { tests } = await import(pathToFileURL(entry));
const manifest = join(dirname(entry), "../../../package.json");
const { version, upstreamCelSpecRef, license } = JSON.parse(readFileSync(manifest, "utf8"));
console.log(JSON.stringify({ package: "@bufbuild/cel-spec", version, upstream: `google/cel-spec ${upstreamCelSpecRef}`, license }));

// Doubles as texts: JSON readers differ in the last digit.
const exact = (value) => JSON.parse(JSON.stringify(value), (key, inner) => (key === "doubleValue" ? String(inner) : inner));

const seen = new Map();
for (const suite of tests.suites.filter(({ name }) => SUITES.includes(name))) {
  for (const section of suite.suites) {
    for (const { original: test } of section.tests) {
      const id = `${suite.name}/${section.name}/${test.name}`;
      const times = (seen.get(id) ?? 0) + 1;
      seen.set(id, times);
      const line = { id: times > 1 ? `${id}~${times}` : id, expr: test.expr };
      if (test.bindings) line.bindings = Object.fromEntries(Object.entries(test.bindings).map(([name, bound]) => [name, exact(bound.value)]));
      if (test.container) line.container = test.container;
      if (test.disableCheck) line.unchecked = true;
      if (!test.evalError) line.value = test.value ? exact(test.value) : { boolValue: true };
      console.log(JSON.stringify(line));
    }
  }
}
