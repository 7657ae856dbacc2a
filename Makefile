# 每个目标只调用一个脚本；没有 make 时可以直接运行 scripts 下的同名脚本。
.PHONY: demo test lint law bench cover gallery tamper clean

demo:
	@scripts/demo $(ARGS)

test:
	@scripts/test

lint:
	@scripts/lint

law:
	@scripts/test tests/law

cover:
	@scripts/cover $(ARGS)

gallery:
	@scripts/gallery $(ARGS)

bench:
	@scripts/bench

tamper:
	@scripts/tamper $(ARGS)

clean:
	@rm -rf .venv build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests benchmarks examples alembic -name __pycache__ -type d -prune -exec rm -rf {} +
