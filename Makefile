# 每个目标只调用一个脚本；没有 make 时可以直接运行 scripts 下的同名脚本。
.PHONY: demo test lint law bench faults soak tamper gallery measure fuzz sbom audit clean

demo test lint gallery measure bench faults soak tamper fuzz sbom audit:
	@scripts/$@ $(ARGS)

law:
	@scripts/test tests/law

clean:
	@rm -rf .venv build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests benchmarks trials examples alembic -name __pycache__ -type d -prune -exec rm -rf {} +
