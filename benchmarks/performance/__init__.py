"""What is made of a result of `benchmarks.steps`: the table, the page docs/performance.md, its pictures, and what more cores would do."""
